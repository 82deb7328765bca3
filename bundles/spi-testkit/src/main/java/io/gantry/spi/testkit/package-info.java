/** Contract suites that every driver of a kind passes. */
@Export
@Version("0.1.0")
@NullMarked
package io.gantry.spi.testkit;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

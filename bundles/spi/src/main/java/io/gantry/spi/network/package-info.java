/** Extension point: what containers reach and how they are reached. */
@Export
@Version("0.4.0")
@NullMarked
package io.gantry.spi.network;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

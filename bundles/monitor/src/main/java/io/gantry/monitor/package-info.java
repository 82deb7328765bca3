/** The engine's side of the helper processes. */
@Export
@Version("0.1.0")
@NullMarked
package io.gantry.monitor;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

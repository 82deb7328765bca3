/** Linux for the engine and its drivers: descriptors, mounts, namespaces. */
@Export
@Version("0.1.0")
@NullMarked
package io.gantry.linux;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

/** Extension point: how the engine proves who it is to a registry. */
@Export
@Version("0.3.0")
@NullMarked
package io.gantry.spi.registry;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

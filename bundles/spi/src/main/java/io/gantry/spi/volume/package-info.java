/** Extension point: data that outlives containers, and what can be done with it. */
@Export
@Version("0.2.0")
@NullMarked
package io.gantry.spi.volume;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

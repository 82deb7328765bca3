/** Extension point: where container output is shipped to. */
@Export
@Version("0.3.0")
@NullMarked
package io.gantry.spi.log;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

/** Extension point: how the processes of a container are started. */
@Export
@Version("0.4.0")
@NullMarked
package io.gantry.spi.exec;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

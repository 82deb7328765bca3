/** Op programs: what a container's init does before it becomes the container's process. */
@Export
@Version("0.1.0")
@NullMarked
package io.gantry.monitor.program;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

/** Whom the engine believes: files that only root can have written, and keys and certificates. */
@Export
@Version("0.1.0")
@NullMarked
package io.gantry.api.trust;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

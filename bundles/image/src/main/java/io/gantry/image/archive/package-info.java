/** Archives of images: docker-archives old and new, OCI image layouts. */
@Export
@Version("0.1.0")
@NullMarked
package io.gantry.image.archive;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

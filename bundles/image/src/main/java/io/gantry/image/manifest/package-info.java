/** What manifests and indexes say, whoever wrote them. */
@Export
@Version("0.2.0")
@NullMarked
package io.gantry.image.manifest;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

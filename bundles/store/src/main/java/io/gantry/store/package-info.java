/** What must not be lost: blobs by digest, durable records. */
@Export
@Version("0.1.0")
@NullMarked
package io.gantry.store;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

/** Extension point: where layers and the writable snapshots on them are kept. */
@Export
@Version("0.2.0")
@NullMarked
package io.gantry.spi.storage;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

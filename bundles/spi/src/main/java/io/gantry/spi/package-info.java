/**
 * What every driver has in common: how it is asked about this host, how it reports, how it fails,
 * whose files it believes.
 */
@Export
@Version("0.3.0")
@NullMarked
package io.gantry.spi;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

/** Images: references, configurations, layers and how they become trees. */
@Export
@Version("0.1.0")
@NullMarked
package io.gantry.image;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

/** Layers: tars in, trees and recipes out, and the same tars again. */
@Export
@Version("0.1.0")
@NullMarked
package io.gantry.image.layer;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

/** Passwords, keys and certificates: in which forms they are read, and who may read them. */
@Export
@Version("0.1.0")
@NullMarked
package io.gantry.api.trust;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;

/** Volumes on this host: directories, and what Docker's local driver can mount on them. */
@NullMarked
package io.gantry.volume.local;

import org.jspecify.annotations.NullMarked;

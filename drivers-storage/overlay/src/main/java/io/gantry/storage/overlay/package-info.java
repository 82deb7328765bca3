/** Storage on the kernel's overlay file system: every snapshot is what differs from its parent. */
@NullMarked
package io.gantry.storage.overlay;

import org.jspecify.annotations.NullMarked;

/** Storage as plain directories: every snapshot is a full copy. */
@NullMarked
package io.gantry.storage.vfs;

import org.jspecify.annotations.NullMarked;

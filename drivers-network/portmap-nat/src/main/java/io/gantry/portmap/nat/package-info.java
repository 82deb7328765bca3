/** Published ports by the kernel's address translation. */
@NullMarked
package io.gantry.portmap.nat;

import org.jspecify.annotations.NullMarked;

/** Published ports without rules of the kernel's. */
@NullMarked
package io.gantry.portmap.proxy;

import org.jspecify.annotations.NullMarked;

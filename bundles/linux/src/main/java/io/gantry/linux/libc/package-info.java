/** The C library as jnr-ffi binds it; not exported. */
@NullMarked
package io.gantry.linux.libc;

import org.jspecify.annotations.NullMarked;

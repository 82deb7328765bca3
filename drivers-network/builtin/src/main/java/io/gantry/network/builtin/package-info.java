/** The networks every host has: the host's own, and none. */
@NullMarked
package io.gantry.network.builtin;

import org.jspecify.annotations.NullMarked;

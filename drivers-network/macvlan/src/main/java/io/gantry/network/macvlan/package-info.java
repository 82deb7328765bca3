/** Networks whose containers are on a network of the host's own, beside the host. */
@NullMarked
package io.gantry.network.macvlan;

import org.jspecify.annotations.NullMarked;

/** Users of containers that are others on the host. */
@NullMarked
package io.gantry.engine.userns;

import org.jspecify.annotations.NullMarked;

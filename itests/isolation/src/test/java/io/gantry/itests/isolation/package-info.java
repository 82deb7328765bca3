/** What a container may do and see, and what it is refused, next to what dockerd does. */
@NullMarked
package io.gantry.itests.isolation;

import org.jspecify.annotations.NullMarked;

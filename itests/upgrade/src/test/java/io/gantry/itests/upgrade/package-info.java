/** A former build, made from this checkout's history, and the present one on the same data root. */
@NullMarked
package io.gantry.itests.upgrade;

import org.jspecify.annotations.NullMarked;

/** Volumes: their records, who has them, and the way to the drivers that keep them. */
@NullMarked
package io.gantry.engine.volume;

import org.jspecify.annotations.NullMarked;

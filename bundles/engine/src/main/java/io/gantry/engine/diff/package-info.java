/** What a container's files differ in from those of its image. */
@NullMarked
package io.gantry.engine.diff;

import org.jspecify.annotations.NullMarked;

/** Containers from create to remove: their checks, their life, and what their processes get. */
@NullMarked
package io.gantry.engine.container;

import org.jspecify.annotations.NullMarked;

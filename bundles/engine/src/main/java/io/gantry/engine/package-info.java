/** The engine: owner of records, order of steps, undo. */
@NullMarked
package io.gantry.engine;

import org.jspecify.annotations.NullMarked;

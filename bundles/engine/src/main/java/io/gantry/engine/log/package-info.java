/** The json-file spool read back: tail, times, follow. */
@NullMarked
package io.gantry.engine.log;

import org.jspecify.annotations.NullMarked;

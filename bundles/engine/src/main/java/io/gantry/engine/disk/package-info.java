/** Space on the data root's disk. */
@NullMarked
package io.gantry.engine.disk;

import org.jspecify.annotations.NullMarked;

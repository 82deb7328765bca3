/** What containers use, sampled while somebody looks. */
@NullMarked
package io.gantry.engine.stats;

import org.jspecify.annotations.NullMarked;

/** Drivers of every kind: leases, swaps, time limits, the jars they come from. */
@NullMarked
package io.gantry.engine.driver;

import org.jspecify.annotations.NullMarked;

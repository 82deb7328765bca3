/** MBeans for the engine and every driver. */
@NullMarked
package io.gantry.jmx;

import org.jspecify.annotations.NullMarked;

/** Devices as vendors describe them in files: the Container Device Interface. */
@NullMarked
package io.gantry.engine.cdi;

import org.jspecify.annotations.NullMarked;

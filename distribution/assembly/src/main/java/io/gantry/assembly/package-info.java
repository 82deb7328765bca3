/** Lays out the jars of the distribution at build time; not shipped. */
@NullMarked
package io.gantry.assembly;

import org.jspecify.annotations.NullMarked;

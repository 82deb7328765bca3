/** Runs the distribution as an operator would, for the tests that speak from outside. */
@NullMarked
package io.gantry.itests.harness;

import org.jspecify.annotations.NullMarked;

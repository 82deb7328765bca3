/** The Docker Engine API, and /gantry/v1 for what it lacks. */
@NullMarked
package io.gantry.rest;

import org.jspecify.annotations.NullMarked;

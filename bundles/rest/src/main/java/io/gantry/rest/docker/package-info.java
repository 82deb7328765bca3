/** What Docker's clients see of the engine's objects, and what they ask for. */
@NullMarked
package io.gantry.rest.docker;

import org.jspecify.annotations.NullMarked;

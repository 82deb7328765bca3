/** Pulling: what is wanted, what is here already, who else fetches it, what is told. */
@NullMarked
package io.gantry.registry.client.pull;

import org.jspecify.annotations.NullMarked;

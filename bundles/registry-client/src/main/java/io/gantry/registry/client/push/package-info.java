/** Pushing: what has to be sent, what a registry has already, who else sends it, what is told. */
@NullMarked
package io.gantry.registry.client.push;

import org.jspecify.annotations.NullMarked;

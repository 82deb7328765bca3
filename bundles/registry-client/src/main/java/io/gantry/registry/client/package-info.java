/** Images to and from registries. */
@NullMarked
package io.gantry.registry.client;

import org.jspecify.annotations.NullMarked;

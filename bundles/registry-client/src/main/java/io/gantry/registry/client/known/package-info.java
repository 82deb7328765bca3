/** What is remembered of registries. */
@NullMarked
package io.gantry.registry.client.known;

import org.jspecify.annotations.NullMarked;

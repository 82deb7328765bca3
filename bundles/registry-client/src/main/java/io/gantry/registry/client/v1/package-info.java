/** Registry and index of version 1, and plain trees with the same paths. */
@NullMarked
package io.gantry.registry.client.v1;

import org.jspecify.annotations.NullMarked;

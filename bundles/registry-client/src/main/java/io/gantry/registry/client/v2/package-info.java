/** The distribution specification, verb by verb. */
@NullMarked
package io.gantry.registry.client.v2;

import org.jspecify.annotations.NullMarked;

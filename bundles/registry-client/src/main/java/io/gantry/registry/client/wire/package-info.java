/** Requests to registries: addresses, connections, authentication, redirects, retries, limits. */
@NullMarked
package io.gantry.registry.client.wire;

import org.jspecify.annotations.NullMarked;

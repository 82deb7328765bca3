/**
 * HTTP on our own connector: listeners, routing, versions, errors, and connections taken over by
 * streams.
 */
@NullMarked
package io.gantry.rest.http;

import org.jspecify.annotations.NullMarked;

/** Credentials from programs {@code docker-credential-*}. */
@NullMarked
package io.gantry.auth.helpers;

import org.jspecify.annotations.NullMarked;

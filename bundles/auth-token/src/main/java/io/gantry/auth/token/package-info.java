/** Tokens of a registry's token service, by the scheme Bearer. */
@NullMarked
package io.gantry.auth.token;

import org.jspecify.annotations.NullMarked;

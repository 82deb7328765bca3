/** Tokens and sessions of registries of version 1. */
@NullMarked
package io.gantry.auth.v1;

import org.jspecify.annotations.NullMarked;

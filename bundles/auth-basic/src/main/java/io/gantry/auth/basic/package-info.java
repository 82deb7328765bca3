/** User names and passwords for registries, by the scheme Basic. */
@NullMarked
package io.gantry.auth.basic;

import org.jspecify.annotations.NullMarked;

/** Configuration: {@code etc/<pid>.json} and flags, typed by metatype, into Config Admin. */
@NullMarked
package io.gantry.engine.config;

import org.jspecify.annotations.NullMarked;

/** JSON as Go reads and writes it. */
@NullMarked
package io.gantry.rest.json;

import org.jspecify.annotations.NullMarked;

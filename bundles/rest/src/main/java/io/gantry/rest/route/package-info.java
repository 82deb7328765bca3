/** The paths, by what they are about. */
@NullMarked
package io.gantry.rest.route;

import org.jspecify.annotations.NullMarked;

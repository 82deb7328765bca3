/** Drivers of the real distribution are replaced while clients run containers. */
@NullMarked
package io.gantry.itests.swap;

import org.jspecify.annotations.NullMarked;

/** Networks of this host: a bridge for each, and the rules that keep them apart. */
@NullMarked
package io.gantry.network.bridge;

import org.jspecify.annotations.NullMarked;

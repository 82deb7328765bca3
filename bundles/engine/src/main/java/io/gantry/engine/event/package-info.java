/** What happened, told in order to whoever listens. */
@NullMarked
package io.gantry.engine.event;

import org.jspecify.annotations.NullMarked;

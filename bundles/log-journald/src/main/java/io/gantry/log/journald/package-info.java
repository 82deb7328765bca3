/** Ships logs to this host's journal. */
@NullMarked
package io.gantry.log.journald;

import org.jspecify.annotations.NullMarked;

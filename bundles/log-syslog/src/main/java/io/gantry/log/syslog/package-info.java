/** Ships logs by syslog. */
@NullMarked
package io.gantry.log.syslog;

import org.jspecify.annotations.NullMarked;

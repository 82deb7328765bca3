/** JMX over the network: off unless asked for, and then for known users in their roles. */
@NullMarked
package io.gantry.jmx.remote;

import org.jspecify.annotations.NullMarked;

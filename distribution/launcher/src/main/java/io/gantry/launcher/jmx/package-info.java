/** {@code gantryd jmx}: what an operator needs to reach JMX over the network. */
@NullMarked
package io.gantry.launcher.jmx;

import org.jspecify.annotations.NullMarked;

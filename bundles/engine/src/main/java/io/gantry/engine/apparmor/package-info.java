/** AppArmor profiles of containers. */
@NullMarked
package io.gantry.engine.apparmor;

import org.jspecify.annotations.NullMarked;

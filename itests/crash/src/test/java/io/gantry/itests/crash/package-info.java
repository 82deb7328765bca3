/** Whatever dies, whenever: what the engine has acknowledged is there, and nothing else is. */
@NullMarked
package io.gantry.itests.crash;

import org.jspecify.annotations.NullMarked;

/** Images for those who ask: the one instance of store and image, and who uses what. */
@NullMarked
package io.gantry.engine.image;

import org.jspecify.annotations.NullMarked;

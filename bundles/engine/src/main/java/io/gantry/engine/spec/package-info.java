/** What was asked for, checked, merged with the image and turned into what drivers take. */
@NullMarked
package io.gantry.engine.spec;

import org.jspecify.annotations.NullMarked;

/** The dependency rules, checked on the manifests of what is shipped. */
@NullMarked
package io.gantry.itests.architecture;

import org.jspecify.annotations.NullMarked;

/** A driver made for the tests, built into bundles that behave well or badly. */
@NullMarked
package io.gantry.itests.echo;

import org.jspecify.annotations.NullMarked;

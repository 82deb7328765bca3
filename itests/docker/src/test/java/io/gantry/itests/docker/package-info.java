/** The distribution as its users meet it: gantryd, the stock docker CLI, plain HTTP. */
@NullMarked
package io.gantry.itests.docker;

import org.jspecify.annotations.NullMarked;

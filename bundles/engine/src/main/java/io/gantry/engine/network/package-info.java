/** Networks: their records, subnets and addresses, who is in them, and the way to drivers. */
@NullMarked
package io.gantry.engine.network;

import org.jspecify.annotations.NullMarked;

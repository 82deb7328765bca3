/** Registry and index of the first specification (version 1, 2013), for tests of its clients. */
@NullMarked
package io.gantry.itests.harness.v1;

import org.jspecify.annotations.NullMarked;

/** Containers from Linux namespaces, by Gantry's own init. */
@NullMarked
package io.gantry.exec.namespaces;

import org.jspecify.annotations.NullMarked;

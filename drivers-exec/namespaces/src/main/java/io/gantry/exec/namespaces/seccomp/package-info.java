/** Docker's seccomp profiles, compiled to filters for the kernel. */
@NullMarked
package io.gantry.exec.namespaces.seccomp;

import org.jspecify.annotations.NullMarked;

package io.gantry.spi.exec;

import io.gantry.spi.Bytes;

/**
 * A plan that the monitor carries out.
 *
 * @param program op program, its last op an EXEC ({@code PROTOCOL.md} of {@code
 *     io.gantry.monitor}). The engine puts the ops of the network before it
 * @param cloneFlags CLONE_NEW* flags that init is cloned with, as in clone(2); 0 where {@code
 *     foreign}
 * @param foreign the program executes a runtime (lxc, runc) in the host's namespaces instead of
 *     being the container's init
 */
public record Launch(Bytes program, long cloneFlags, boolean foreign) {

  public Launch(Bytes program, long cloneFlags) {
    this(program, cloneFlags, false);
  }
}

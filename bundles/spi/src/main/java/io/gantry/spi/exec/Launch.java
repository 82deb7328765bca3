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
 * @param early ops that come before all others and need nothing of what the engine makes for a
 *     start (control groups, the files below /etc, sources of binds, the network): carried out
 *     while it makes them. What they mount on a directory of the host the host sees, too, unless
 *     one of them cuts propagation. May be empty, and is where {@code foreign}
 */
public record Launch(Bytes program, long cloneFlags, boolean foreign, Bytes early) {

  public Launch(Bytes program, long cloneFlags) {
    this(program, cloneFlags, false);
  }

  public Launch(Bytes program, long cloneFlags, boolean foreign) {
    this(program, cloneFlags, foreign, Bytes.EMPTY);
  }
}

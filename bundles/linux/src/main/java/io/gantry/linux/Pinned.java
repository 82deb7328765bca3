package io.gantry.linux;

import static io.gantry.linux.Kernel.O_PATH;
import static io.gantry.linux.Kernel.RESOLVE_BENEATH;
import static io.gantry.linux.Kernel.RESOLVE_NO_MAGICLINKS;
import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;
import static io.gantry.linux.Names.bytes;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A file or directory that is held: its path leads to this very one, whatever becomes of its names.
 * It can be mounted by that from the mount namespace it was opened in alone. May be closed by any
 * thread.
 */
public final class Pinned implements AutoCloseable {

  private final int fd;
  private final AtomicBoolean open = new AtomicBoolean(true);

  private Pinned(int fd) {
    this.fd = fd;
  }

  /**
   * What a path below a trusted directory leads to. Links are followed as long as they stay below,
   * which the kernel sees to while it resolves.
   *
   * @throws io.gantry.spi.GantryException NOT_FOUND; with EXDEV as {@link SyscallError} for what
   *     leads out
   */
  public static Pinned below(Path directory, String path) {
    try (Dir dir = Dir.open(directory)) {
      String name = Names.ofText(path);
      int resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
      int fd = Kernel.openat2(dir.descriptor(), bytes(name), O_PATH, 0, resolve);
      if (fd < 0) {
        throw failed("openat2", directory + "/" + path);
      }
      return new Pinned(fd);
    }
  }

  public boolean isDirectory() {
    return Kernel.stat(fd, bytes(""), Kernel.AT_EMPTY_PATH, path()).isDirectory();
  }

  /** Leads there from any process of this host that may look at this one, until it is closed. */
  public String path() {
    return "/proc/" + ProcessHandle.current().pid() + "/fd/" + fd;
  }

  @Override
  public void close() {
    if (open.compareAndSet(true, false)) {
      libc().close(fd);
    }
  }
}

package io.gantry.linux;

import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A network namespace that is held open. Work in it is done by threads that have entered it and
 * never do anything else; sockets they open stay in it, and so do threads that they start.
 */
public final class NetworkNamespace implements AutoCloseable {
  private static final int CLONE_NEWNET = 0x40000000;

  private final int fd;
  private final AtomicBoolean closed = new AtomicBoolean();

  private NetworkNamespace(int fd) {
    this.fd = fd;
  }

  /**
   * @param path {@code /proc/PID/ns/net}, or where it is bound
   */
  public static NetworkNamespace open(Path path) {
    int fd = Kernel.openat2(Kernel.AT_FDCWD, Names.bytes(path.toString()), Kernel.O_RDONLY, 0, 0);
    if (fd < 0) {
      throw failed("openat2", path.toString());
    }
    return new NetworkNamespace(fd);
  }

  /** Threads in it, for an executor; a thread that cannot enter ends before its work begins. */
  public ThreadFactory threads(String name) {
    return work -> {
      var thread =
          new Thread(
              () -> {
                enter();
                work.run();
              },
              name);
      thread.setDaemon(true);
      return thread;
    };
  }

  private void enter() {
    if (libc().setns(fd, CLONE_NEWNET) < 0) {
      throw failed("setns", "network namespace");
    }
  }

  /**
   * Does short work in it, on a thread of its own.
   *
   * @throws GantryException what the work threw, CANCELLED when this thread is interrupted
   */
  public <T> T call(Callable<T> work) {
    var task =
        new FutureTask<T>(
            () -> {
              enter();
              return work.call();
            });
    var thread = new Thread(task, "network-namespace");
    thread.setDaemon(true);
    thread.start();
    try {
      return task.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(Kind.CANCELLED, "interrupted in a network namespace", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof GantryException known) {
        throw known;
      }
      throw new GantryException(Kind.INTERNAL, String.valueOf(e.getCause()), e.getCause());
    }
  }

  /**
   * Lets go of it; a second time does nothing, as the descriptor may be somebody else's by then.
   */
  @Override
  public void close() {
    if (!closed.getAndSet(true)) {
      libc().close(fd);
    }
  }
}

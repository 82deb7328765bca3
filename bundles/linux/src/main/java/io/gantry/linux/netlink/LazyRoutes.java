package io.gantry.linux.netlink;

import io.gantry.spi.GantryException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A route socket that is opened when it is first used, and again after it was closed. */
public final class LazyRoutes implements AutoCloseable {
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable RouteSocket socket; // guarded by lock

  /**
   * The socket, in the network namespace of whoever came first.
   *
   * @throws GantryException when it cannot be opened
   */
  public RouteSocket get() {
    lock.lock();
    try {
      var open = socket;
      if (open == null) {
        open = RouteSocket.open();
        socket = open;
      }
      return open;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (socket != null) {
        socket.close();
        socket = null;
      }
    } finally {
      lock.unlock();
    }
  }
}

package io.gantry.linux.netlink;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A route socket that is opened when it is first used. */
public final class LazyRoutes implements AutoCloseable {
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable RouteSocket socket; // guarded by lock
  private boolean closed; // guarded by lock

  /**
   * The socket, in the network namespace of whoever came first.
   *
   * @throws GantryException when it cannot be opened; UNAVAILABLE after {@link #close}: what a
   *     thread still does then must leave nothing open
   */
  public RouteSocket get() {
    lock.lock();
    try {
      if (closed) {
        throw new GantryException(Kind.UNAVAILABLE, "the socket is closed: netlink");
      }
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
      closed = true;
      if (socket != null) {
        socket.close();
        socket = null;
      }
    } finally {
      lock.unlock();
    }
  }
}

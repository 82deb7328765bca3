package io.gantry.linux;

import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A socket on which the kernel tells of changes, in the network namespace of the thread that opens
 * it. One thread waits and receives; any may close it.
 *
 * <p>The descriptors are closed by whoever comes last: by {@link #close} when nobody waits, else by
 * who waited, which {@code close} wakes by the second descriptor. So none is closed in a system
 * call.
 */
public final class NetlinkListener implements AutoCloseable {
  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW = 3;
  private static final int SOCK_CLOEXEC = 02000000;
  private static final int EFD_CLOEXEC = 02000000;
  private static final int MSG_TRUNC = 0x20;
  private static final int MSG_DONTWAIT = 0x40;
  private static final short POLLIN = 1;
  private static final int POLLFD = 8;
  private static final int FOR_EVER = -1;

  /** What came of a receive. */
  public enum Received {
    NOTHING,
    MESSAGES,
    /** There were more, or longer ones, than there was room for. */
    LOSS
  }

  private final int fd;
  private final int wake;
  private final ReentrantLock lock = new ReentrantLock();
  private boolean waiting; // guarded by lock
  private boolean closed; // guarded by lock

  private NetlinkListener(int fd, int wake) {
    this.fd = fd;
    this.wake = wake;
  }

  /**
   * @param protocol as of {@link NetlinkSocket}
   * @param group number of what is told, up to 32
   * @throws GantryException where the kernel has none, or refuses
   */
  public static NetlinkListener open(int protocol, int group) {
    int fd = libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (fd < 0) {
      throw failed("socket", "netlink");
    }
    byte[] address = address(group);
    if (libc().bind(fd, address, address.length) < 0) {
      var failure = failed("bind", "netlink");
      libc().close(fd);
      throw failure;
    }
    int wake = libc().eventfd(0, EFD_CLOEXEC);
    if (wake < 0) {
      var failure = failed("eventfd", "netlink");
      libc().close(fd);
      throw failure;
    }
    return new NetlinkListener(fd, wake);
  }

  /** As netlink(7) has it: the family, any port, a bit for the group. */
  private static byte[] address(int group) {
    return ByteBuffer.allocate(12)
        .order(ByteOrder.nativeOrder())
        .putShort((short) AF_NETLINK)
        .putShort((short) 0)
        .putInt(0)
        .putInt(1 << group - 1)
        .array();
  }

  /**
   * Waits until there is something to receive.
   *
   * @return false when it is closed
   */
  public boolean await() {
    if (!begin()) {
      return false;
    }
    try {
      byte[] both = descriptors();
      while (libc().poll(both, 2, FOR_EVER) < 0) {
        if (Kernel.errno() != Errno.EINTR) {
          throw failed("poll", "netlink");
        }
      }
    } finally {
      end();
    }
    return begin() && end();
  }

  private byte[] descriptors() {
    var all = ByteBuffer.allocate(2 * POLLFD).order(ByteOrder.nativeOrder());
    all.putInt(fd).putShort(POLLIN).putShort((short) 0);
    all.putInt(wake).putShort(POLLIN).putShort((short) 0);
    return all.array();
  }

  /**
   * Takes what is there; does not wait.
   *
   * @param into a direct buffer, which it fills from the beginning
   */
  public Received receive(ByteBuffer into) {
    if (!begin()) {
      return Received.NOTHING;
    }
    try {
      into.clear();
      long size = libc().recv(fd, into, into.capacity(), MSG_DONTWAIT | MSG_TRUNC);
      if (size < 0) {
        return switch (Kernel.errno()) {
          case EAGAIN, EINTR -> Received.NOTHING;
          case ENOBUFS -> Received.LOSS;
          default -> throw failed("recv", "netlink");
        };
      }
      into.limit((int) Math.min(size, into.capacity()));
      return size > into.capacity() ? Received.LOSS : Received.MESSAGES;
    } finally {
      end();
    }
  }

  private boolean begin() {
    lock.lock();
    try {
      if (waiting) {
        throw new GantryException(Kind.CONFLICT, "another thread waits at this socket");
      }
      waiting = !closed;
      return waiting;
    } finally {
      lock.unlock();
    }
  }

  private boolean end() {
    lock.lock();
    try {
      waiting = false;
      if (closed) {
        closeDescriptors();
      }
      return !closed;
    } finally {
      lock.unlock();
    }
  }

  private void closeDescriptors() {
    libc().close(fd);
    libc().close(wake);
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      if (waiting) {
        var one = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder()).putLong(0, 1);
        libc().write(wake, one, 8);
      } else {
        closeDescriptors();
      }
    } finally {
      lock.unlock();
    }
  }
}

package io.gantry.linux;

import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;

import io.gantry.spi.GantryException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A socket to the kernel's network configuration, in the network namespace of the thread that opens
 * it, whoever uses it later. The kernel answers a message while it is sent, so a receive never has
 * to wait. What messages look like is the business of {@code io.gantry.linux.netlink}.
 *
 * <p>Any thread may send, receive or close; one exchange at a time is the caller's to see to.
 */
public final class NetlinkSocket implements AutoCloseable {
  /** Links, addresses, routes. */
  public static final int ROUTE = 0;

  /** Rules. */
  public static final int NETFILTER = 12;

  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW = 3;
  private static final int SOCK_CLOEXEC = 02000000;
  private static final int SOL_SOCKET = 1;
  private static final int SO_SNDBUFFORCE = 32;
  private static final int SO_RCVBUFFORCE = 33;
  private static final int SOL_NETLINK = 270;
  private static final int NETLINK_CAP_ACK = 10;
  private static final int NETLINK_EXT_ACK = 11;
  private static final int NETLINK_GET_STRICT_CHK = 12;
  private static final int MSG_TRUNC = 0x20;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int BUFFERS = 16 << 20; // a limit, not an allocation

  private final int fd;
  private final ReentrantLock lock = new ReentrantLock();
  private boolean closed; // guarded by lock

  private NetlinkSocket(int fd) {
    this.fd = fd;
  }

  /**
   * @param protocol {@link #ROUTE} or {@link #NETFILTER}
   * @throws GantryException with EPROTONOSUPPORT as {@link SyscallError} where the kernel has none
   */
  public static NetlinkSocket open(int protocol) {
    int fd = libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (fd < 0) {
      throw failed("socket", "netlink");
    }
    var socket = new NetlinkSocket(fd);
    // What a kernel or a caller without the capability refuses is a lack of comfort only.
    socket.option(SOL_NETLINK, NETLINK_CAP_ACK, 1);
    socket.option(SOL_NETLINK, NETLINK_EXT_ACK, 1);
    socket.option(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
    socket.option(SOL_SOCKET, SO_SNDBUFFORCE, BUFFERS);
    socket.option(SOL_SOCKET, SO_RCVBUFFORCE, BUFFERS);
    return socket;
  }

  private void option(int level, int name, int value) {
    byte[] bytes = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(value).array();
    libc().setsockopt(fd, level, name, bytes, bytes.length);
  }

  /** Sends messages as one; the kernel has carried them out when this returns. */
  public void send(ByteBuffer messages) {
    lock.lock();
    try {
      requireOpen();
      while (libc().send(fd, messages, messages.remaining(), 0) < 0) {
        if (Kernel.errno() != Errno.EINTR) {
          throw failed("send", "netlink");
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes the next answer that is there.
   *
   * @param into a direct buffer, which it fills from the beginning
   * @return whether there was one
   */
  public boolean receive(ByteBuffer into) {
    lock.lock();
    try {
      requireOpen();
      into.clear();
      long size = libc().recv(fd, into, into.capacity(), MSG_DONTWAIT | MSG_TRUNC);
      if (size > into.capacity()) {
        throw new GantryException(
            GantryException.Kind.INTERNAL, "an answer of netlink has " + size + " bytes");
      }
      if (size >= 0) {
        into.limit((int) size);
        return true;
      }
      if (Kernel.errno() == Errno.EAGAIN) {
        return false;
      }
      throw failed("recv", "netlink");
    } finally {
      lock.unlock();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new GantryException(GantryException.Kind.UNAVAILABLE, "the socket is closed: netlink");
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (!closed) {
        closed = true;
        libc().close(fd);
      }
    } finally {
      lock.unlock();
    }
  }
}

package io.gantry.linux;

import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.gantry.spi.GantryException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A socket for messages to a path on this host, which the JDK has for streams only. What is too
 * large for a message goes as a sealed file in memory, as journald takes it.
 *
 * <p>Whoever sends or closes may do so on any thread: a descriptor is not closed under a send.
 */
public final class UnixDatagram implements AutoCloseable {
  private static final int AF_UNIX = 1;
  private static final int SOCK_DGRAM = 2;
  private static final int SOCK_CLOEXEC = 02000000;
  private static final int SOL_SOCKET = 1;
  private static final int SO_SNDBUF = 7;
  private static final int SO_RCVTIMEO = 20;
  private static final int SO_SNDTIMEO = 21;
  private static final int SCM_RIGHTS = 1;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int MSG_CMSG_CLOEXEC = 0x40000000;
  private static final int MFD_CLOEXEC = 1;
  private static final int MFD_ALLOW_SEALING = 2;
  private static final int F_ADD_SEALS = 1033;
  private static final int ALL_SEALS = 15;
  private static final int LONGEST_PATH = 107;
  private static final int MESSAGE_HEADER = 56;
  private static final int CONTROL = 24; // cmsghdr and one descriptor, padded
  private static final int SEND_BUFFER = 1 << 20;

  /**
   * @param message its bytes
   * @param file of the descriptor that came with it; empty without one
   */
  public record Received(ByteBuffer message, ByteBuffer file) {}

  private final int fd;
  private final String path;
  private final ReentrantLock lock = new ReentrantLock();
  private boolean closed; // guarded by lock

  private UnixDatagram(int fd, String path) {
    this.fd = fd;
    this.path = path;
  }

  /**
   * @param patience a send waits so long for the other end
   */
  public static UnixDatagram connect(String path, Duration patience) {
    var socket = open(path);
    try {
      socket.option(SO_SNDTIMEO, patience);
      byte[] size =
          ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(SEND_BUFFER).array();
      libc().setsockopt(socket.fd, SOL_SOCKET, SO_SNDBUF, size, size.length); // as much as there is
      byte[] address = address(path);
      if (libc().connect(socket.fd, address, address.length) < 0) {
        throw failed("connect", path);
      }
      return socket;
    } catch (GantryException e) {
      socket.close();
      throw e;
    }
  }

  /**
   * The other end, at a path where nothing is.
   *
   * @param patience a receive waits so long
   */
  public static UnixDatagram bind(String path, Duration patience) {
    var socket = open(path);
    try {
      socket.option(SO_RCVTIMEO, patience);
      byte[] address = address(path);
      if (libc().bind(socket.fd, address, address.length) < 0) {
        throw failed("bind", path);
      }
      return socket;
    } catch (GantryException e) {
      socket.close();
      throw e;
    }
  }

  private static UnixDatagram open(String path) {
    int fd = libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      throw failed("socket", path);
    }
    return new UnixDatagram(fd, path);
  }

  private static byte[] address(String path) {
    byte[] name = path.getBytes(ISO_8859_1);
    if (name.length > LONGEST_PATH) {
      throw new GantryException(
          GantryException.Kind.INVALID, "the path of a socket is too long: " + path);
    }
    return ByteBuffer.allocate(2 + name.length + 1)
        .order(ByteOrder.nativeOrder())
        .putShort((short) AF_UNIX)
        .put(name)
        .array();
  }

  private void option(int name, Duration time) {
    byte[] value =
        ByteBuffer.allocate(16)
            .order(ByteOrder.nativeOrder())
            .putLong(time.getSeconds())
            .putLong(time.toNanosPart() / 1000)
            .array();
    if (libc().setsockopt(fd, SOL_SOCKET, name, value, value.length) < 0) {
      throw failed("setsockopt", path);
    }
  }

  /** False when the message is too large for one. */
  public boolean send(ByteBuffer message) {
    lock.lock();
    try {
      requireOpen();
      if (libc().send(fd, message, message.remaining(), MSG_NOSIGNAL) >= 0) {
        return true;
      }
      if (Kernel.errno() == Errno.EMSGSIZE) {
        return false;
      }
      throw failed("send", path);
    } finally {
      lock.unlock();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new GantryException(GantryException.Kind.UNAVAILABLE, "the socket is closed: " + path);
    }
  }

  /** Sends a file in memory that nobody can change any more, and nothing else. */
  public void sendAsFile(ByteBuffer content) {
    int file = libc().memfd_create(Names.bytes("message"), MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) {
      throw failed("memfd_create", path);
    }
    try {
      for (var left = content.duplicate(); left.hasRemaining(); ) {
        long written = libc().write(file, left, left.remaining());
        if (written < 0) {
          throw failed("write", "memfd");
        }
        left.position(left.position() + (int) written);
      }
      if (libc().fcntl(file, F_ADD_SEALS, ALL_SEALS) < 0) {
        throw failed("fcntl", "memfd");
      }
      sendDescriptor(file);
    } finally {
      libc().close(file);
    }
  }

  private void sendDescriptor(int file) {
    var control = Kernel.memory(CONTROL);
    control.putLong(0, 20); // without the padding
    control.putInt(8, SOL_SOCKET);
    control.putInt(12, SCM_RIGHTS);
    control.putInt(16, file);
    byte[] header = header(0, 0, control.address());
    lock.lock();
    try {
      requireOpen();
      if (libc().sendmsg(fd, header, MSG_NOSIGNAL) < 0) {
        throw failed("sendmsg", path);
      }
    } finally {
      lock.unlock();
      Reference.reachabilityFence(control);
    }
  }

  private static byte[] header(long vector, long count, long control) {
    return ByteBuffer.allocate(MESSAGE_HEADER)
        .order(ByteOrder.nativeOrder())
        .putLong(0)
        .putLong(0)
        .putLong(vector)
        .putLong(count)
        .putLong(control)
        .putLong(CONTROL)
        .array();
  }

  /**
   * Waits for a message.
   *
   * @throws GantryException when none comes in time
   */
  public Received receive(int most) {
    var bytes = Kernel.memory(most);
    var vector = Kernel.memory(16);
    vector.putLong(0, bytes.address());
    vector.putLong(8, most);
    var control = Kernel.memory(CONTROL);
    byte[] header = header(vector.address(), 1, control.address());
    long count = libc().recvmsg(fd, header, MSG_CMSG_CLOEXEC);
    Reference.reachabilityFence(vector);
    if (count < 0) {
      throw failed("recvmsg", path);
    }
    byte[] message = new byte[(int) count];
    bytes.get(0, message, 0, message.length);
    long given = ByteBuffer.wrap(header).order(ByteOrder.nativeOrder()).getLong(40);
    return new Received(
        ByteBuffer.wrap(message),
        given > 0 ? content(control.getInt(16), most) : ByteBuffer.allocate(0));
  }

  private static ByteBuffer content(int file, int most) {
    try {
      var content = ByteBuffer.allocate(most);
      if (libc().lseek(file, 0, 0) < 0) {
        throw failed("lseek", "memfd");
      }
      long count = libc().read(file, content, most);
      if (count < 0) {
        throw failed("read", "memfd");
      }
      return content.limit((int) count);
    } finally {
      libc().close(file);
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

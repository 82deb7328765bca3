package io.gantry.linux;

import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;
import static io.gantry.linux.Names.bytes;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.gantry.spi.Bytes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The extended attributes of one file; names with their name space ({@code user.mime_type}). Valid
 * as long as what it was got from is open.
 */
public final class Xattrs {

  /** Reads into the buffer and returns the size, or -1. */
  private interface Reading {
    long into(byte[] buffer);
  }

  private static final int USUAL_SIZE = 256;
  private static final int LARGEST = 64 * 1024;

  private final int fd;
  private final byte[] path;
  private final String label;

  private Xattrs(int fd, byte[] path, String label) {
    this.fd = fd;
    this.path = path;
    this.label = label;
  }

  static Xattrs ofPath(String path, String label) {
    return new Xattrs(-1, bytes(path), label);
  }

  static Xattrs ofDescriptor(int fd, String label) {
    return new Xattrs(fd, new byte[1], label);
  }

  /** Empty also on a file system that has none. */
  public List<String> names() {
    Optional<byte[]> list = read(this::list, "llistxattr", label);
    List<String> names = new ArrayList<>();
    list.ifPresent(
        bytes -> {
          String all = new String(bytes, ISO_8859_1);
          for (int at = 0; at < all.length(); ) {
            int end = all.indexOf('\0', at);
            names.add(all.substring(at, end));
            at = end + 1;
          }
        });
    return names;
  }

  private long list(byte[] buffer) {
    return fd < 0
        ? libc().llistxattr(path, buffer, buffer.length)
        : libc().flistxattr(fd, buffer, buffer.length);
  }

  /** Empty when there is none of that name. */
  public Optional<Bytes> get(String name) {
    byte[] attribute = bytes(name);
    Reading reading =
        buffer ->
            fd < 0
                ? libc().lgetxattr(path, attribute, buffer, buffer.length)
                : libc().fgetxattr(fd, attribute, buffer, buffer.length);
    return read(reading, "lgetxattr", label + " " + name).map(Bytes::copyOf);
  }

  private static Optional<byte[]> read(Reading reading, String call, String argument) {
    byte[] buffer = new byte[USUAL_SIZE];
    long size = reading.into(buffer);
    if (size < 0 && Kernel.errno() == Errno.ERANGE) {
      buffer = new byte[LARGEST];
      size = reading.into(buffer);
    }
    if (size < 0) {
      Errno errno = Kernel.errno();
      if (errno == Errno.ENODATA || errno == Errno.EOPNOTSUPP) {
        return Optional.empty();
      }
      throw failed(call, argument);
    }
    return Optional.of(Arrays.copyOf(buffer, (int) size));
  }

  /** Makes or replaces an attribute. */
  public void set(String name, Bytes value) {
    byte[] content = value.toArray();
    int rc =
        fd < 0
            ? libc().lsetxattr(path, bytes(name), content, content.length, 0)
            : libc().fsetxattr(fd, bytes(name), content, content.length, 0);
    if (rc < 0) {
      throw failed("lsetxattr", label + " " + name);
    }
  }

  /** Does nothing when there is none of that name. */
  public void remove(String name) {
    int rc = fd < 0 ? libc().lremovexattr(path, bytes(name)) : libc().fremovexattr(fd, bytes(name));
    if (rc < 0 && Kernel.errno() != Errno.ENODATA) {
      throw failed("lremovexattr", label + " " + name);
    }
  }
}

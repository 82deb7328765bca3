package io.gantry.linux;

import static io.gantry.linux.Kernel.AT_EMPTY_PATH;
import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;
import static io.gantry.linux.Names.bytes;

import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.time.Instant;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An open regular file. As a channel it goes with {@code Channels.newInputStream} and {@code
 * newOutputStream}; a write ends when all is written, and nothing throws {@code IOException}.
 * Direct buffers spare a copy.
 *
 * <p>Not thread-safe.
 */
public final class File implements SeekableByteChannel {

  private static final int SEEK_SET = 0;
  private static final int SEEK_CUR = 1;
  private static final int SEEK_DATA = 3;
  private static final int SEEK_HOLE = 4;
  private static final long FICLONE = 0x40049409L;

  private final int fd;
  private final String path;
  private final @Nullable Seen seen;
  private boolean closed;

  File(int fd, String path, @Nullable Seen seen) {
    this.fd = fd;
    this.path = path;
    this.seen = seen;
  }

  public Stat stat() {
    Stat stat = Kernel.stat(fd(), bytes(""), AT_EMPTY_PATH, path);
    return seen == null ? stat : seen.of(stat);
  }

  @Override
  public int read(ByteBuffer into) {
    if (!into.hasRemaining()) {
      return 0;
    }
    int count = (int) transfer("read", () -> libc().read(fd(), into, into.remaining()));
    into.position(into.position() + count);
    return count == 0 ? -1 : count;
  }

  @Override
  public int write(ByteBuffer from) {
    int size = from.remaining();
    while (from.hasRemaining()) {
      int count = (int) transfer("write", () -> libc().write(fd(), from, from.remaining()));
      from.position(from.position() + count);
    }
    return size;
  }

  @Override
  public long position() {
    return seek(0, SEEK_CUR);
  }

  @Override
  public File position(long position) {
    seek(position, SEEK_SET);
    return this;
  }

  private long seek(long offset, int whence) {
    long position = libc().lseek(fd(), offset, whence);
    if (position < 0) {
      throw failed("lseek", path);
    }
    return position;
  }

  @Override
  public long size() {
    return stat().size();
  }

  /** Sets the size, also to more than there is: then the rest is a hole. */
  @Override
  public File truncate(long size) {
    if (libc().ftruncate(fd(), size) < 0) {
      throw failed("ftruncate", path);
    }
    return this;
  }

  /** Where the next data begin at or after {@code offset}; -1 when there are none. */
  public long nextData(long offset) {
    long at = libc().lseek(fd(), offset, SEEK_DATA);
    if (at >= 0) {
      return at;
    }
    if (Kernel.errno() == Errno.ENXIO) {
      return -1;
    }
    throw failed("lseek", path);
  }

  /** Where the data at {@code offset} end: a hole or the end of the file. */
  public long nextHole(long offset) {
    return seek(offset, SEEK_HOLE);
  }

  /**
   * Makes this file share all blocks of another.
   *
   * @return false when the file system cannot
   */
  public boolean cloneFrom(File source) {
    if (libc().ioctl(fd(), FICLONE, source.fd()) == 0) {
      return true;
    }
    return switch (Kernel.errno()) {
      case EOPNOTSUPP, ENOTTY, EXDEV, EINVAL, ENOSYS, EPERM, EBADF -> false;
      default -> throw failed("ioctl FICLONE", path);
    };
  }

  /**
   * Copies up to {@code size} bytes inside the kernel, from the position of {@code source} to that
   * of this file.
   *
   * @return bytes copied, 0 at the end of the source, -1 when these two files cannot
   */
  public long copyFrom(File source, long size) {
    while (true) {
      long count = libc().copy_file_range(source.fd(), 0, fd(), 0, size, 0);
      if (count >= 0) {
        return count;
      }
      switch (Kernel.errno()) {
        case EINTR -> {}
        case EXDEV, EINVAL, EOPNOTSUPP, ENOSYS -> {
          return -1;
        }
        default -> throw failed("copy_file_range", path);
      }
    }
  }

  public void chown(long uid, long gid) {
    long mount = seen == null ? 0 : stat().mount();
    int user = (int) (seen == null ? uid : seen.user(mount, uid));
    int group = (int) (seen == null ? gid : seen.group(mount, gid));
    if (libc().fchown(fd(), user, group) < 0) {
      throw failed("fchown", path);
    }
  }

  /** Changes permission, set-id and sticky bits. */
  public void chmod(int mode) {
    if (libc().fchmod(fd(), mode) < 0) {
      throw failed("fchmod", path);
    }
  }

  public void utimes(Instant accessed, Instant modified) {
    if (libc().futimens(fd(), Kernel.times(accessed, modified)) < 0) {
      throw failed("futimens", path);
    }
  }

  public Xattrs xattrs() {
    return Xattrs.ofDescriptor(fd(), path);
  }

  /** Waits until content and attributes would survive a power cut; see also {@link Dir#sync}. */
  public void sync() {
    if (libc().fsync(fd()) < 0) {
      throw failed("fsync", path);
    }
  }

  @Override
  public boolean isOpen() {
    return !closed;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      libc().close(fd);
    }
  }

  /** The path it was opened by, as bytes; only for messages. */
  @Override
  public String toString() {
    return path;
  }

  private long transfer(String call, LongSupplier syscall) {
    while (true) {
      long count = syscall.getAsLong();
      if (count >= 0) {
        return count;
      }
      if (Kernel.errno() != Errno.EINTR) {
        throw failed(call, path);
      }
    }
  }

  private int fd() {
    if (closed) {
      throw new IllegalStateException("closed: " + path);
    }
    return fd;
  }
}

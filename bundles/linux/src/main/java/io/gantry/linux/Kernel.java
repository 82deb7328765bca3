package io.gantry.linux;

import io.gantry.linux.libc.Libc;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.time.Instant;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;

/**
 * The way into the kernel. The C library is bound at the first call, which takes a tenth of a
 * second: nothing on the way to a container's start may come here first.
 */
final class Kernel {

  static final int AT_FDCWD = -100;
  static final int AT_SYMLINK_NOFOLLOW = 0x100;
  static final int AT_REMOVEDIR = 0x200;
  static final int AT_EMPTY_PATH = 0x1000;

  static final int O_RDONLY = 0;
  static final int O_RDWR = 02;
  static final int O_CREAT = 0100;
  static final int O_EXCL = 0200;
  static final int O_PATH = 010000000;
  static final int O_DIRECTORY;
  static final int O_NOFOLLOW;
  private static final int O_CLOEXEC = 02000000;

  static final int RESOLVE_NO_XDEV = 0x01;
  static final int RESOLVE_NO_MAGICLINKS = 0x02;
  static final int RESOLVE_NO_SYMLINKS = 0x04;
  static final int RESOLVE_BENEATH = 0x08;
  static final int RESOLVE_IN_ROOT = 0x10;

  private static final int SYS_OPENAT2 = 437;
  private static final int SYS_GETDENTS64;
  private static final int OPEN_HOW_SIZE = 24;
  private static final int RETRIES = 128;

  static {
    switch (System.getProperty("os.arch", "")) {
      case "amd64", "x86_64" -> {
        O_DIRECTORY = 0200000;
        O_NOFOLLOW = 0400000;
        SYS_GETDENTS64 = 217;
      }
      case "aarch64" -> {
        O_DIRECTORY = 040000;
        O_NOFOLLOW = 0100000;
        SYS_GETDENTS64 = 61;
      }
      default ->
          throw new GantryException(
              Kind.UNSUPPORTED, "no system calls known for " + System.getProperty("os.arch"));
    }
  }

  private Kernel() {}

  /** Binds at the first use. */
  private static final class Bound {
    static final Libc LIBC = bind();
    static final Runtime RUNTIME = Runtime.getRuntime(LIBC);
  }

  /** On a thread that nobody interrupts: what fails once can never be bound again. */
  private static Libc bind() {
    var binding = new FutureTask<Libc>(() -> LibraryLoader.create(Libc.class).load("c"));
    Thread thread = new Thread(binding, "libc-binding");
    thread.setDaemon(true);
    thread.start();
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return binding.get();
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          throw new ExceptionInInitializerError(e.getCause());
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  static Libc libc() {
    try {
      return Bound.LIBC;
    } catch (LinkageError e) {
      throw new GantryException(
          Kind.UNSUPPORTED,
          "the C library cannot be bound: its glue needs a directory that is writable and not"
              + " mounted noexec (system property jffi.extract.dir)",
          e);
    }
  }

  /** Why the last call of this thread failed; meaningless after one that did not. */
  static Errno errno() {
    return Errno.of(Bound.RUNTIME.getLastError());
  }

  /** The last call of this thread failed. */
  static GantryException failed(String call, String argument) {
    return SyscallError.failed(call, argument, Bound.RUNTIME.getLastError());
  }

  /** A descriptor, or -1 with {@link #errno}; never inherited by a child. */
  static int openat2(int dirfd, byte[] path, int flags, int mode, int resolve) {
    long[] how = {flags | O_CLOEXEC, mode, resolve};
    for (int i = 0; ; i++) {
      int fd = (int) libc().syscall(SYS_OPENAT2, dirfd, path, how, OPEN_HOW_SIZE);
      if (fd >= 0) {
        return fd;
      }
      switch (errno()) {
        case ENOSYS ->
            throw new GantryException(Kind.UNSUPPORTED, "this kernel has no openat2 (Linux 5.6)");
        case EINTR, EAGAIN -> {
          // EAGAIN: something was renamed or mounted meanwhile, openat2(2)
          if (i == RETRIES) {
            return -1;
          }
        }
        default -> {
          return -1;
        }
      }
    }
  }

  /** Zeros at an address that stays, for as long as the pointer is held. */
  static Pointer memory(int size) {
    libc();
    return Memory.allocateDirect(Bound.RUNTIME, size, true);
  }

  static int getdents64(int fd, byte[] entries) {
    return (int) libc().syscall(SYS_GETDENTS64, fd, entries, entries.length);
  }

  static Stat stat(int dirfd, byte[] path, int flags, String argument) {
    byte[] statx = new byte[Stat.STATX_SIZE];
    if (!statx(dirfd, path, flags, statx)) {
      throw failed("statx", argument);
    }
    return Stat.of(statx);
  }

  static boolean statx(int dirfd, byte[] path, int flags, byte[] statx) {
    int wanted = 0x7ff | 0x800 | 0x1000; // basic, time of birth, id of the mount
    return libc().statx(dirfd, path, flags | AT_SYMLINK_NOFOLLOW, wanted, statx) == 0;
  }

  /** The two timespecs of utimensat(2). */
  static long[] times(Instant accessed, Instant modified) {
    return new long[] {
      accessed.getEpochSecond(), accessed.getNano(), modified.getEpochSecond(), modified.getNano()
    };
  }

  /** The number of a device file as mknod(2) wants it (glibc's makedev). */
  static long device(int major, int minor) {
    return (minor & 0xffL)
        | (major & 0xfffL) << 8
        | (minor & ~0xffL & 0xffffffffL) << 12
        | (major & ~0xfffL & 0xffffffffL) << 32;
  }
}

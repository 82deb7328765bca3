package io.gantry.linux;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;

/**
 * The failed system call behind a {@link GantryException}: its cause, for those who must tell one
 * errno from another.
 */
public final class SyscallError extends Exception {

  private static final long serialVersionUID = 1L;

  private final Errno errno;

  private SyscallError(Errno errno, String message) {
    super(message, null, false, false);
    this.errno = errno;
  }

  public Errno errno() {
    return errno;
  }

  /** Why the call behind {@code failure} failed; {@link Errno#OTHER} when none is behind it. */
  public static Errno errno(GantryException failure) {
    return failure.getCause() instanceof SyscallError error ? error.errno : Errno.OTHER;
  }

  /** {@code mkdirat etc/foo: ENOSPC}. */
  static GantryException failed(String call, String argument, int number) {
    return failed(call + " " + argument, number);
  }

  private static GantryException failed(String what, int number) {
    Errno errno = Errno.of(number);
    String reason =
        switch (errno) {
          case OTHER -> "errno " + number;
          case ENOSPC, EDQUOT -> errno + ": no space left on device";
          case EROFS -> errno + ": read-only file system";
          default -> errno.name();
        };
    String message = Names.printable(what) + ": " + reason;
    return new GantryException(kind(errno), message, new SyscallError(errno, message));
  }

  /**
   * A failure that the kernel has told in an answer, as netlink does.
   *
   * @param what was asked for: {@code make the link gantry0}
   * @param number errno
   * @param words what else the kernel said of it, or empty
   */
  public static GantryException told(String what, int number, String words) {
    var failure = failed(what, number);
    return words.isEmpty() ? failure : with(failure, words);
  }

  /** The same failure with what else the kernel said of it. */
  static GantryException with(GantryException failure, String words) {
    String message = failure.getMessage() + " (" + Names.printable(words) + ")";
    return new GantryException(failure.kind(), message, new SyscallError(errno(failure), message));
  }

  private static Kind kind(Errno errno) {
    return switch (errno) {
      case ENOENT -> Kind.NOT_FOUND;
      case EEXIST -> Kind.CONFLICT;
      case ENOSPC, EDQUOT, ENOMEM, EMFILE, ENFILE -> Kind.EXHAUSTED;
      default -> Kind.INTERNAL;
    };
  }
}

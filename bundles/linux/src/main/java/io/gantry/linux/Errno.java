package io.gantry.linux;

/**
 * Why a system call failed, by the kernel's names. The numbers are those of x86-64 and arm64; what
 * has no name here is {@link #OTHER}. May gain values: switch with a default.
 */
public enum Errno {
  OTHER(0),
  EPERM(1),
  ENOENT(2),
  ESRCH(3),
  EINTR(4),
  EIO(5),
  ENXIO(6),
  E2BIG(7),
  EBADF(9),
  EAGAIN(11),
  ENOMEM(12),
  EACCES(13),
  EFAULT(14),
  EBUSY(16),
  EEXIST(17),
  EXDEV(18),
  ENODEV(19),
  ENOTDIR(20),
  EISDIR(21),
  EINVAL(22),
  ENFILE(23),
  EMFILE(24),
  ENOTTY(25),
  ETXTBSY(26),
  EFBIG(27),
  ENOSPC(28),
  ESPIPE(29),
  EROFS(30),
  EMLINK(31),
  EPIPE(32),
  ERANGE(34),
  EDEADLK(35),
  ENAMETOOLONG(36),
  ENOSYS(38),
  ENOTEMPTY(39),
  ELOOP(40),
  ENODATA(61),
  EOVERFLOW(75),
  EMSGSIZE(90),
  EPROTONOSUPPORT(93),
  EOPNOTSUPP(95),
  EAFNOSUPPORT(97),
  EADDRINUSE(98),
  EADDRNOTAVAIL(99),
  ENETDOWN(100),
  ENETUNREACH(101),
  ECONNRESET(104),
  ENOBUFS(105),
  ENOTCONN(107),
  ECONNREFUSED(111),
  EHOSTUNREACH(113),
  ESTALE(116),
  EUCLEAN(117),
  EDQUOT(122);

  private static final Errno[] BY_NUMBER = new Errno[134];

  static {
    for (Errno errno : values()) {
      BY_NUMBER[errno.number] = errno;
    }
  }

  private final int number;

  Errno(int number) {
    this.number = number;
  }

  /** As strerror(3) says it, for those that an operator's configuration brings about. */
  public String words() {
    return switch (this) {
      case EPERM -> "operation not permitted";
      case ENOENT -> "no such file or directory";
      case EIO -> "input/output error";
      case ENXIO -> "no such device or address";
      case EACCES -> "permission denied";
      case EBUSY -> "device or resource busy";
      case ENODEV -> "no such device";
      case ENOTDIR -> "not a directory";
      case EISDIR -> "is a directory";
      case EINVAL -> "invalid argument";
      case ENOSPC -> "no space left on device";
      case EROFS -> "read-only file system";
      case ELOOP -> "too many levels of symbolic links";
      default -> name();
    };
  }

  static Errno of(int number) {
    Errno known = number > 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : null;
    return known == null ? OTHER : known;
  }
}

package io.gantry.monitor;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.Optional;

/**
 * What the helper said went wrong: the cause of the {@link GantryException} that a call ends with.
 * From it the engine derives exit codes.
 */
public final class HelperError extends Exception {

  private static final long serialVersionUID = 1L;

  /** Which process of the helper failed. */
  public enum Stage {
    MONITOR,
    INIT,
    EXEC,
    INSIDE,
    NET
  }

  private static final int EPERM = 1;
  private static final int ENOENT = 2;
  private static final int ESRCH = 3;
  private static final int ENOEXEC = 8;
  private static final int ECHILD = 10;
  private static final int EAGAIN = 11;
  private static final int ENOMEM = 12;
  private static final int EACCES = 13;
  private static final int EBUSY = 16;
  private static final int ENOTDIR = 20;
  private static final int EISDIR = 21;
  private static final int EINVAL = 22;
  private static final int ENFILE = 23;
  private static final int EMFILE = 24;
  private static final int ENOTTY = 25;
  private static final int ENOSPC = 28;
  private static final int ENOSYS = 38;
  private static final int ELOOP = 40;
  private static final int EOPNOTSUPP = 95;
  private static final int EADDRINUSE = 98;
  private static final int EDQUOT = 122;

  private final int errno;
  private final int opIndex;
  private final int opCode;
  private final Stage stage;

  /**
   * @param errno as in errno(3), Linux numbers
   * @param opIndex which op of the program failed, -1 when it was none
   * @param opCode of that op ({@code PROTOCOL.md}), 0 when it was none
   * @param text the sentence for users
   */
  public HelperError(int errno, int opIndex, int opCode, Stage stage, String text) {
    super(text);
    this.errno = errno;
    this.opIndex = opIndex;
    this.opCode = opCode;
    this.stage = stage;
  }

  /** The helper's report inside a failure, if that is where it came from. */
  public static Optional<HelperError> in(Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof HelperError error) {
        return Optional.of(error);
      }
    }
    return Optional.empty();
  }

  public int errno() {
    return errno;
  }

  /** Which op of the program failed, -1 when it was none. */
  public int opIndex() {
    return opIndex;
  }

  /** Code of the op that failed, 0 when it was none. */
  public int opCode() {
    return opCode;
  }

  public Stage stage() {
    return stage;
  }

  /** The sentence for users. */
  public String text() {
    return String.valueOf(getMessage());
  }

  /** Whether the container's set-up failed, so that the container is gone. */
  public boolean ofSetUp() {
    return opIndex >= 0 && stage != Stage.INSIDE;
  }

  /** Whether what was to become an exec's process was killed before it executed anything. */
  public boolean wasKilled() {
    return errno == ECHILD && stage == Stage.EXEC;
  }

  /**
   * The exit code a container has that could not be started because of this: 127 for what is not
   * there, 126 for what may not or cannot be run, else 128.
   */
  public int exitCode() {
    return switch (errno) {
      case ENOENT, ENOTDIR -> 127;
      case EACCES, EISDIR, ENOEXEC -> 126;
      default -> 128;
    };
  }

  GantryException asGantryException() {
    return new GantryException(kind(), text(), this);
  }

  private Kind kind() {
    return switch (errno) {
      case ENOENT, EACCES, EISDIR, ENOEXEC, ENOTDIR, EINVAL, ELOOP, EPERM ->
          opIndex >= 0 || stage == Stage.EXEC ? Kind.INVALID : Kind.INTERNAL;
      case ESRCH, EBUSY, ENOTTY, EADDRINUSE -> Kind.CONFLICT;
      case EAGAIN, ENOMEM, ENFILE, EMFILE, ENOSPC, EDQUOT -> Kind.EXHAUSTED;
      case ENOSYS, EOPNOTSUPP -> Kind.UNSUPPORTED;
      default -> Kind.INTERNAL;
    };
  }
}

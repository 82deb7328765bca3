package io.gantry.spi;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The one failure that crosses a bundle border. Its message is what the user reads: lower case,
 * with the name in question ({@code no such container: web}).
 */
public final class GantryException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /**
   * What went wrong, coarse enough for a caller to act on. May gain values: switch with a default.
   */
  public enum Kind {
    /** The request makes no sense, whatever the state. */
    INVALID,
    /** Credentials are missing or wrong. */
    UNAUTHORIZED,
    /** Understood and refused. */
    FORBIDDEN,
    NOT_FOUND,
    /** Nothing had to be done. */
    NOT_MODIFIED,
    /** The state forbids it now. */
    CONFLICT,
    /** This host or this build cannot do it. */
    UNSUPPORTED,
    /** Something needed is away for the moment; the same call may succeed later. */
    UNAVAILABLE,
    /** The caller's thread was interrupted; the host is as before. */
    CANCELLED,
    /** Disk, memory or a limit is used up. */
    EXHAUSTED,
    /** A bug or a broken host. */
    INTERNAL
  }

  private final Kind kind;

  public GantryException(Kind kind, String message) {
    this(kind, message, null);
  }

  public GantryException(Kind kind, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = Objects.requireNonNull(kind, "kind");
  }

  public Kind kind() {
    return kind;
  }

  /** The message; never null. */
  @Override
  public String getMessage() {
    return Objects.requireNonNullElse(super.getMessage(), kind.name());
  }
}

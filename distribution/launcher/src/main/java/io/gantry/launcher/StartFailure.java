package io.gantry.launcher;

/**
 * Why the engine cannot run, for the operator's eyes, and the exit code that says trying again is
 * of no use (64 to 78, as in sysexits.h: the gate does not restart the JVM after one of them).
 */
public final class StartFailure extends Exception {

  /** A flag or its value is wrong. */
  static final int USAGE = 64;

  /** Something that the operator named is not there. */
  static final int NO_INPUT = 66;

  /** The installation itself is broken. */
  static final int SOFTWARE = 70;

  /** The operating system refused a step that is needed. */
  static final int IO_ERROR = 74;

  /** Another engine has what this one needs. */
  static final int IN_USE = 75;

  /** Others may write what has to be root's alone. */
  static final int NO_PERMISSION = 77;

  private static final long serialVersionUID = 1L;

  private final int exitCode;

  StartFailure(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  StartFailure(int exitCode, String message, Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  int exitCode() {
    return exitCode;
  }
}

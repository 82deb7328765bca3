package io.gantry.engine.container;

import io.gantry.monitor.HelperError;
import io.gantry.spi.GantryException;

/**
 * Why an exec did not start: the sentence that clients look into, and the exit code it has.
 *
 * @param exitCode 127: nothing to execute, or no such working directory; 126: it may not be
 *     executed, or there is no such user, which dockerd refuses before there is an exec; 255: the
 *     kernel cannot execute it; 128: all else
 */
record ExecFailure(int exitCode, String sentence, GantryException exception) {
  /** What dockerd says before the reasons of its runtime. */
  static final String RUNTIME =
      "OCI runtime exec failed: exec failed: unable to start container process: ";

  private static final int NO_USER = 126;
  private static final int NOT_EXECUTED = 255;

  static ExecFailure of(GantryException e) {
    return HelperError.in(e)
        .map(error -> of(error, e))
        .orElseGet(() -> new ExecFailure(StartFailure.ELSE, e.getMessage(), e));
  }

  private static ExecFailure of(HelperError error, GantryException e) {
    String sentence = sentence(error.text());
    return new ExecFailure(
        exitCode(error), sentence, new GantryException(GantryException.Kind.INVALID, sentence, e));
  }

  private static int exitCode(HelperError error) {
    String text = error.text();
    if (text.startsWith("exec ")) {
      return NOT_EXECUTED;
    }
    if (StartFailure.isOfUser(text)) {
      return NO_USER;
    }
    return StartFailure.isOfCommand(text) ? error.exitCode() : StartFailure.ELSE;
  }

  /** What the helper says of a failure, as dockerd says it. */
  static String sentence(String text) {
    return StartFailure.isOfUser(text) ? text : RUNTIME + StartFailure.ended(text);
  }
}

package io.gantry.engine.container;

import io.gantry.monitor.HelperError;
import io.gantry.spi.GantryException;

/**
 * Why a container did not start: the sentence that clients look into, and the exit code it has.
 *
 * @param exitCode 127: nothing to execute; 126: it may not be executed; 128: all else
 */
record StartFailure(int exitCode, String sentence, GantryException exception) {
  static final int ELSE = 128;
  private static final String RUNTIME =
      "failed to create task for container: failed to create shim task: OCI runtime create failed:"
          + " runc create failed: unable to start container process: error during container init: ";

  private static final String NO_DIRECTORY =
      ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified"
          + " host path exists and is the expected type";

  static StartFailure of(GantryException e) {
    var error = HelperError.in(e);
    if (error.isEmpty()) {
      return new StartFailure(ELSE, e.getMessage(), e);
    }
    String text = error.get().text();
    String sentence = sentence(text);
    int code = error.get().ofSetUp() && text.startsWith("exec: ") ? error.get().exitCode() : ELSE;
    return new StartFailure(
        code, sentence, new GantryException(GantryException.Kind.INVALID, sentence, e));
  }

  private static String sentence(String text) {
    return isOfUser(text) ? text : RUNTIME + ended(text);
  }

  /** Of a user or group that is none: dockerd looks for it before there is a runtime. */
  static boolean isOfUser(String text) {
    return text.startsWith("unable to find ") || text.startsWith("uids and gids ");
  }

  /** With the endings that containerd and the CLI's checks have made part of it. */
  static String ended(String text) {
    if (text.endsWith(": is a directory")) {
      return text + ": permission denied";
    }
    return isOfCommand(text) && text.endsWith(": not a directory") ? text + NO_DIRECTORY : text;
  }

  /** Of the program or its working directory, before the kernel was asked to execute it. */
  static boolean isOfCommand(String text) {
    return text.startsWith("exec: ") || text.startsWith("chdir to cwd ");
  }
}

package io.gantry.engine.container;

import io.gantry.monitor.HelperError;
import io.gantry.spi.GantryException;

/**
 * Why a container did not start: the sentence that clients look into, and the exit code it has.
 *
 * @param exitCode 127: nothing to execute; 126: it may not be executed; 128: all else
 */
record StartFailure(int exitCode, String sentence, GantryException exception) {
  private static final int ELSE = 128;
  private static final String RUNTIME =
      "failed to create task for container: failed to create shim task: OCI runtime create failed:"
          + " runc create failed: unable to start container process: error during container init: ";

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

  /** With the endings that containerd and the CLI's checks have made part of it. */
  private static String sentence(String text) {
    if (text.startsWith("unable to find ") || text.startsWith("uids and gids ")) {
      return text;
    }
    String whole = RUNTIME + text;
    return text.endsWith(": is a directory") ? whole + ": permission denied" : whole;
  }
}

package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.monitor.HelperError;
import io.gantry.monitor.HelperError.Stage;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExecFailureTest {
  private static final String NO_DIRECTORY =
      ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified"
          + " host path exists and is the expected type";

  /** Errors by their numbers in errno(3); codes as dockerd 28 has them. */
  @ParameterizedTest
  @CsvSource({
    "127, 2, exec: \"nosuch\": executable file not found in $PATH",
    "127, 2, exec: \"/nosuch\": stat /nosuch: no such file or directory",
    "127, 2, chdir to cwd (\"/nosuch\") set in config.json failed: no such file or directory",
    "126, 13, exec: \"/etc/passwd\": permission denied",
    "126, 13, chdir to cwd (\"/root\") set in config.json failed: permission denied",
    "255, 8, exec /bin/garbage: exec format error",
    "255, 2, exec /bin/script: no such file or directory",
    "255, 7, exec ./true: argument list too long",
    "128, 36, exec: \"/long\": stat /long: file name too long",
    "128, 2, mount /x: no such file or directory",
  })
  void theCodeSaysWhyItDidNotRun(int code, int errno, String text) {
    var failure = failure(errno, text);
    assertEquals(code, failure.exitCode());
    assertEquals(ExecFailure.RUNTIME + text, failure.sentence());
    assertEquals(failure.sentence(), failure.exception().getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "127, 20, exec: \"/etc/passwd/x\": stat /etc/passwd/x: not a directory",
    "127, 20, chdir to cwd (\"/etc/passwd\") set in config.json failed: not a directory",
  })
  void whatIsBelowAFileHasDockersEnding(int code, int errno, String text) {
    assertEquals(code, failure(errno, text).exitCode());
    assertEquals(ExecFailure.RUNTIME + text + NO_DIRECTORY, failure(errno, text).sentence());
  }

  @Test
  void aDirectoryMayNotBeExecuted() {
    var failure = failure(21, "exec: \"/etc\": is a directory");
    assertEquals(126, failure.exitCode());
    assertEquals(
        ExecFailure.RUNTIME + "exec: \"/etc\": is a directory: permission denied",
        failure.sentence());
  }

  @ParameterizedTest
  @CsvSource({
    "22, unable to find user x: no matching entries in passwd file",
    "22, uids and gids must be in range 0-2147483647",
  })
  void aUserThatIsNoneIsNotTheRuntimesMatter(int errno, String text) {
    assertEquals(126, failure(errno, text).exitCode());
    assertEquals(text, failure(errno, text).sentence());
  }

  @Test
  void whatTheHelperDidNotSayIsPassedOn() {
    var e = new GantryException(Kind.UNAVAILABLE, "the exec driver is away");
    assertEquals(new ExecFailure(128, "the exec driver is away", e), ExecFailure.of(e));
  }

  private static ExecFailure failure(int errno, String text) {
    var said = new HelperError(errno, 3, 1, Stage.EXEC, text);
    return ExecFailure.of(new GantryException(Kind.INVALID, text, said));
  }
}

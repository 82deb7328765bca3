package io.gantry.itests.docker;

import static io.gantry.itests.harness.Eventually.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files in etc/ of a running engine: good ones take hold at once, bad ones change nothing. */
@Tag("root")
@Timeout(300)
class ConfigurationTest {

  @TempDir static Path etc;
  private static Path file;
  private static Instance engine;

  @BeforeAll
  static void start() {
    file = etc.resolve("io.gantry.engine.json");
    engine = Instance.start("--etc", etc.toString(), "--exec-driver", "no-such");
  }

  @AfterAll
  static void stop() {
    engine.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"logLevel\": \"info\",|.json:2:1: Unexpected end-of-input",
        "{\"logLvl\": \"info\"}|.json: key \"logLvl\": there is no such key; there are awaySeconds, ",
        "{\"logLevel\": 3}|.json: key \"logLevel\": expected a text in quotes, found 3",
        "{\"logLevel\": \"loud\"}|.json: key \"logLevel\": expected one of error, warn, info, debug",
        "{\"drainSeconds\": 0}|.json: key \"drainSeconds\": ",
        "[]|.json: expected an object",
      })
  void aBadFileIsNamedWithKeyAndReasonAndChangesNothing(String json, String words)
      throws IOException {
    write("{\"logLevel\": \"debug\"}");
    awaitDebug(true);
    int before = engine.log().length();
    write(json + "\n");
    eventually(
        "the log says " + words,
        () -> engine.log().substring(before).contains(file.toString().replace(".json", words)));
    eventually(
        "and that nothing changed",
        () -> engine.log().substring(before).contains("; the values before it stay"));
    awaitDebug(true);
    write("{\"logLevel\": \"info\"}");
    awaitDebug(false);
  }

  @Test
  void aFileThatOthersMayWriteIsNotUsed() throws IOException {
    int before = engine.log().length();
    Path next = Files.writeString(etc.resolve("next"), "{\"logLevel\": \"debug\"}");
    Files.setPosixFilePermissions(next, PosixFilePermissions.fromString("rw-rw-rw-"));
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    eventually(
        "the log says so",
        () -> engine.log().substring(before).contains(file + " is writable by others"));
    awaitDebug(false);
  }

  @Test
  void aDefaultThatNoBundleBringsIsWarnedOf() {
    eventually(
        "the log says so",
        () ->
            engine
                .log()
                .contains("no bundle brings the configured exec driver no-such; there are"));
    assertEquals("", engine.docker("ps", "-q").ok());
  }

  private static void write(String json) throws IOException {
    Path next = Files.writeString(etc.resolve("next"), json);
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** The engine says at level debug who connects. */
  private static void awaitDebug(boolean expected) {
    eventually("debug is " + expected, () -> saysWhoConnects() == expected);
  }

  private static boolean saysWhoConnects() {
    int before = engine.log().length();
    engine.docker("version").ok();
    assertFalse(engine.log().isEmpty());
    return engine.log().substring(before).contains(" DEBUG ");
  }
}

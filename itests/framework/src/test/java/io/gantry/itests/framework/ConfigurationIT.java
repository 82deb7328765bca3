package io.gantry.itests.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.osgi.service.cm.ConfigurationAdmin;

/** Files in etc are typed, followed, and do no harm when they are wrong. */
@ExtendWith(InFramework.class)
public class ConfigurationIT {

  private static final String PID = "io.gantry.engine";

  @Test
  public void valuesAreTyped() throws Exception {
    write("{\"drainSeconds\": 7, \"storageFallback\": [\"a\", \"b\"], \"deployFolder\": \"\"}");
    await("drainSeconds", 7);
    assertEquals(List.of("a", "b"), Arrays.asList((Object[]) value("storageFallback")));
    assertEquals("", value("deployFolder"));
  }

  @Test
  public void aFlagWinsOverTheFile() throws Exception {
    write("{\"networkDriver\": \"file\", \"drainSeconds\": 8}");
    await("drainSeconds", 8);
    assertEquals("flag", value("networkDriver"));
  }

  @Test
  public void anUnknownKeyChangesNothing() throws Exception {
    refuses("{\"drainSecs\": 3, \"drainSeconds\": 3}", "key \"drainSecs\"", "there is no such key");
  }

  @Test
  public void aWrongTypeChangesNothing() throws Exception {
    refuses("{\"drainSeconds\": \"3\"}", "key \"drainSeconds\"", "expected a whole number");
  }

  @Test
  public void aListWhereOneValueIsWantedChangesNothing() throws Exception {
    refuses("{\"storageDriver\": [\"vfs\"]}", "key \"storageDriver\"", "expected a text");
  }

  @Test
  public void oneValueWhereAListIsWantedChangesNothing() throws Exception {
    refuses("{\"storageFallback\": \"vfs\"}", "key \"storageFallback\"", "expected a list");
  }

  @Test
  public void aValueOutOfRangeChangesNothing() throws Exception {
    refuses("{\"drainSeconds\": 0}", "key \"drainSeconds\"", "found 0");
  }

  @Test
  public void aValueThatIsNoOptionChangesNothing() throws Exception {
    refuses("{\"logLevel\": \"loud\"}", "key \"logLevel\"", "expected one of");
  }

  @Test
  public void brokenJsonIsReportedWithItsPlace() throws Exception {
    refuses("{\n  \"drainSeconds\": 3\n", PID + ".json:3:");
  }

  @Test
  public void aFileThatOthersMayWriteIsRefused() throws Exception {
    write("{\"drainSeconds\": 9}");
    await("drainSeconds", 9);
    try (var log = new Errors()) {
      Path next = scratch("{\"drainSeconds\": 3}");
      Files.setPosixFilePermissions(
          next, java.nio.file.attribute.PosixFilePermissions.fromString("rw-rw-rw-"));
      Files.move(next, file(), StandardCopyOption.ATOMIC_MOVE);
      assertTrue(log.next().contains("is writable by others"));
    }
    assertEquals(9, value("drainSeconds"));
  }

  @Test
  public void theLogLevelIsLive() throws Exception {
    write("{\"logLevel\": \"debug\"}");
    await("logLevel", "debug");
    awaitLevel(java.util.logging.Level.FINE);
    write("{\"logLevel\": \"error\"}");
    awaitLevel(java.util.logging.Level.SEVERE);
    write("{\"logLevel\": \"info\"}");
    awaitLevel(java.util.logging.Level.INFO);
  }

  private static void refuses(String json, String... words) throws Exception {
    write("{\"drainSeconds\": 5}");
    await("drainSeconds", 5);
    try (var log = new Errors()) {
      write(json);
      String error = log.next();
      assertTrue(error.contains(file().toString()), error);
      for (String word : words) {
        assertTrue(error.contains(word), error);
      }
      assertTrue(error.contains("the values before it stay"), error);
    }
    assertEquals(5, value("drainSeconds"));
  }

  /** Catches what the loader reports. */
  private static final class Errors extends Handler implements AutoCloseable {
    private final LinkedBlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final Logger logger = Logger.getLogger("io.gantry.engine.config.ConfigFiles");

    Errors() {
      logger.addHandler(this);
    }

    String next() throws InterruptedException {
      String line = lines.poll(60, TimeUnit.SECONDS);
      return line == null ? "nothing was reported" : line;
    }

    @Override
    public void publish(LogRecord record) {
      if (record.getLevel() == java.util.logging.Level.SEVERE) {
        lines.add(new java.util.logging.SimpleFormatter().formatMessage(record));
      }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
      logger.removeHandler(this);
    }
  }

  private static Path file() {
    return Path.of(System.getProperty("test.scratch"), "etc", PID + ".json");
  }

  private static Path scratch(String json) throws IOException {
    return Files.writeString(file().resolveSibling("next.tmp"), json);
  }

  private static void write(String json) throws IOException {
    Files.move(scratch(json), file(), StandardCopyOption.ATOMIC_MOVE);
  }

  private static Object value(String key) throws Exception {
    var admin = Echo.service(ConfigurationAdmin.class, "");
    var properties = admin.getConfiguration(PID, "?").getProperties();
    return properties == null ? null : properties.get(key);
  }

  private static void await(String key, Object value) throws Exception {
    Await.until(() -> value.equals(value(key)), () -> key + " is " + value(key));
  }

  private static void awaitLevel(java.util.logging.Level level) throws Exception {
    Logger logger = Logger.getLogger("io.gantry");
    Await.until(() -> level.equals(logger.getLevel()), () -> "level is " + logger.getLevel());
  }
}

package io.gantry.monitor;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * How a container ended. On disk before anybody is told, so it can be read when its monitor is
 * gone.
 *
 * @param status 0 to 255; 128 + signal when one ended it
 * @param signal that ended it, or 0
 * @param time when
 * @param oomKills processes of the container that the kernel killed for want of memory
 * @param cpu time used by the container
 * @param error why it could not be started after it had been committed, or empty
 */
public record ExitRecord(
    int status, int signal, Instant time, long oomKills, Duration cpu, String error) {

  /**
   * Reads what the monitor of a container left in its run directory; empty when it runs or was
   * lost.
   */
  public static Optional<ExitRecord> read(Path dir) {
    return readFile(dir.resolve("exit"));
  }

  static ExitRecord of(Message message) throws ProtocolException {
    return new ExitRecord(
        (int) message.number(Tag.STATUS),
        (int) message.number(Tag.SIGNAL),
        at(message.number(Tag.TIME_NS)),
        message.number(Tag.OOM_KILLS),
        Duration.ofNanos(message.number(Tag.CPU_NS)),
        "");
  }

  static Instant at(long nanos) {
    return Instant.ofEpochSecond(0, nanos);
  }

  private static Optional<ExitRecord> readFile(Path file) {
    Map<String, String> values = new HashMap<>();
    try {
      // Not readAllLines: the error may quote a name that is no UTF-8, or end inside a character.
      for (String line : new String(Files.readAllBytes(file), UTF_8).split("\n")) {
        int equals = line.indexOf('=');
        if (equals > 0) {
          values.put(line.substring(0, equals), line.substring(equals + 1));
        }
      }
      return Optional.of(
          new ExitRecord(
              (int) number(values, "status"),
              (int) number(values, "signal"),
              at(number(values, "time_ns")),
              number(values, "oom_kills"),
              Duration.ofNanos(number(values, "cpu_ns")),
              values.getOrDefault("error", "")));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException | NumberFormatException e) {
      throw new GantryException(Kind.INTERNAL, "exit record " + file + ": " + e.getMessage(), e);
    }
  }

  private static long number(Map<String, String> values, String key) {
    return Long.parseLong(values.getOrDefault(key, "0"));
  }
}

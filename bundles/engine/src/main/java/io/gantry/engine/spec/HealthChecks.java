package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gantry.api.ContainerSpec;
import io.gantry.api.HealthCheck;
import io.gantry.spi.GantryException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What clients and images say of health checks, and what follows from it. */
public final class HealthChecks {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration SHORTEST = Duration.ofMillis(1);
  private static final Duration INTERVAL = Duration.ofSeconds(30);
  private static final Duration START_INTERVAL = Duration.ofSeconds(5);
  private static final int RETRIES = 3;
  private static final List<String> SHELL = List.of("/bin/sh", "-c");

  private HealthChecks() {}

  /**
   * @throws GantryException INVALID
   */
  static void check(@Nullable HealthCheck asked) {
    if (asked == null) {
      return;
    }
    check("Interval", asked.interval());
    check("Timeout", asked.timeout());
    if (asked.retries() < 0) {
      throw new GantryException(INVALID, "Retries in Healthcheck cannot be negative");
    }
    check("StartPeriod", asked.startPeriod());
    check("StartInterval", asked.startInterval());
    if (asked.test().stream().anyMatch(word -> word.indexOf('\0') >= 0)) {
      throw new GantryException(INVALID, "an argument of the health check holds a zero byte");
    }
  }

  private static void check(String what, Duration asked) {
    if (!asked.isZero() && asked.compareTo(SHORTEST) < 0) {
      throw new GantryException(INVALID, what + " in Healthcheck cannot be less than 1ms");
    }
  }

  /**
   * What was asked for, and the image's where that says nothing.
   *
   * @param image JSON object, or empty
   */
  static @Nullable HealthCheck merge(@Nullable HealthCheck asked, String image) {
    if (image.isEmpty()) {
      return asked;
    }
    var own = read(image);
    if (asked == null) {
      return own;
    }
    return new HealthCheck(
        asked.test().isEmpty() ? own.test() : asked.test(),
        either(asked.interval(), own.interval()),
        either(asked.timeout(), own.timeout()),
        either(asked.startPeriod(), own.startPeriod()),
        either(asked.startInterval(), own.startInterval()),
        asked.retries() == 0 ? own.retries() : asked.retries());
  }

  /** The same with every default filled in. */
  public static HealthCheck filled(HealthCheck check) {
    return new HealthCheck(
        check.test(),
        either(check.interval(), INTERVAL),
        either(check.timeout(), INTERVAL),
        check.startPeriod(),
        either(check.startInterval(), START_INTERVAL),
        check.retries() == 0 ? RETRIES : check.retries());
  }

  /**
   * What a check runs; empty when nobody checks. dockerd ends itself on a {@code CMD} without a
   * command; here it is no check.
   */
  public static List<String> command(ContainerSpec.Process process) {
    var check = process.health();
    if (check == null || check.test().size() < 2) {
      return List.of();
    }
    var words = check.test().subList(1, check.test().size());
    return switch (check.test().get(0)) {
      case "CMD" -> words;
      case "CMD-SHELL" -> {
        var shell = process.shell();
        var line = new ArrayList<>(shell == null || shell.isEmpty() ? SHELL : shell);
        line.addAll(words);
        yield List.copyOf(line);
      }
      default -> List.of();
    };
  }

  /** As an image's configuration holds it; empty for null. */
  static String write(@Nullable HealthCheck check) {
    if (check == null) {
      return "";
    }
    var json = JSON.createObjectNode();
    if (!check.test().isEmpty()) {
      var test = json.putArray("Test");
      check.test().forEach(test::add);
    }
    put(json, "Interval", check.interval());
    put(json, "Timeout", check.timeout());
    put(json, "StartPeriod", check.startPeriod());
    put(json, "StartInterval", check.startInterval());
    if (check.retries() != 0) {
      json.put("Retries", check.retries());
    }
    return json.toString();
  }

  private static void put(ObjectNode json, String key, Duration value) {
    if (!value.isZero()) {
      json.put(key, value.toNanos());
    }
  }

  /** What a stranger wrote into an image. */
  private static HealthCheck read(String image) {
    try {
      var json = JSON.readTree(image);
      var test = new ArrayList<String>();
      for (JsonNode word : json.path("Test")) {
        if (!word.isTextual()) {
          throw malformed("Test", null);
        }
        test.add(word.textValue());
      }
      return new HealthCheck(
          test,
          Duration.ofNanos(number(json, "Interval")),
          Duration.ofNanos(number(json, "Timeout")),
          Duration.ofNanos(number(json, "StartPeriod")),
          Duration.ofNanos(number(json, "StartInterval")),
          Math.toIntExact(number(json, "Retries")));
    } catch (JsonProcessingException | ArithmeticException e) {
      throw malformed("it", e);
    }
  }

  private static long number(JsonNode json, String key) {
    var value = json.path(key);
    if (value.isMissingNode() || value.isNull()) {
      return 0;
    }
    if (!value.isIntegralNumber() || !value.canConvertToLong()) {
      throw malformed(key, null);
    }
    return value.longValue();
  }

  private static GantryException malformed(String what, @Nullable Exception cause) {
    return new GantryException(
        INVALID, "the image's health check is malformed: " + what + " cannot be read", cause);
  }

  private static Duration either(Duration one, Duration other) {
    return one.isZero() ? other : one;
  }
}

package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;
import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerView.State;
import io.gantry.api.Health;
import io.gantry.api.HealthCheck;
import io.gantry.rest.http.ApiVersion;
import io.gantry.rest.json.JsonObject;
import io.gantry.spi.GantryException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Health checks and their results as Docker's clients send and read them. */
final class HealthJson {

  private HealthJson() {}

  /**
   * @param asked null: not mentioned
   */
  static @Nullable HealthCheck read(@Nullable JsonObject asked, ApiVersion version) {
    if (asked == null) {
      return null;
    }
    return new HealthCheck(
        asked.texts("Test"),
        duration(asked, "Interval"),
        duration(asked, "Timeout"),
        duration(asked, "StartPeriod"),
        version.below(44) ? Duration.ZERO : duration(asked, "StartInterval"),
        asked.smallNumber("Retries"));
  }

  private static Duration duration(JsonObject asked, String key) {
    if (asked.raw(key) instanceof String) {
      throw new GantryException(
          INVALID,
          "invalid JSON: json: cannot unmarshal string into Go struct field .Healthcheck."
              + key
              + " of type time.Duration");
    }
    return Duration.ofNanos(asked.number(key));
  }

  /** What was asked for, merged with what the image says; what nobody said is left out. */
  static Map<String, @Nullable Object> of(HealthCheck check) {
    var json = new LinkedHashMap<String, @Nullable Object>();
    if (!check.test().isEmpty()) {
      json.put("Test", check.test());
    }
    put(json, "Interval", check.interval());
    put(json, "Timeout", check.timeout());
    put(json, "StartPeriod", check.startPeriod());
    put(json, "StartInterval", check.startInterval());
    if (check.retries() != 0) {
      json.put("Retries", check.retries());
    }
    return json;
  }

  private static void put(Map<String, @Nullable Object> json, String key, Duration value) {
    if (!value.isZero()) {
      json.put(key, value.toNanos());
    }
  }

  static Map<String, @Nullable Object> of(Health health) {
    return object(
        "Status",
        word(health),
        "FailingStreak",
        health.failingStreak(),
        "Log",
        health.log().stream().map(HealthJson::of).toList());
  }

  private static Map<String, @Nullable Object> of(Health.Result result) {
    return object(
        "Start", GoTime.nano(result.start()),
        "End", GoTime.nano(result.end()),
        "ExitCode", result.exitCode(),
        "Output", result.output());
  }

  /** As filters know it. */
  static String word(State state) {
    return state.health() == null ? "none" : word(state.health());
  }

  private static String word(Health health) {
    return health.status().name().toLowerCase(Locale.ROOT);
  }
}

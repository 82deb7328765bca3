package io.gantry.registry.client.wire;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Whether and when somebody is asked again who has too much to do, and says nothing else. For any
 * thread.
 */
final class Overload {

  /** So long it is tried: a user waits for it. */
  static final Duration LONGEST = Duration.ofMinutes(2);

  private final InstantSource clock;

  /** When the first of such answers came, since the last other one. */
  private final AtomicReference<@Nullable Instant> since = new AtomicReference<>();

  Overload(InstantSource clock) {
    this.clock = clock;
  }

  /**
   * How long to wait before the next attempt.
   *
   * @param wish {@code Retry-After} of the answer, seconds or a date, or empty
   * @param usual without a wish
   * @return empty for another answer, and when it would take too long
   */
  Optional<Duration> pause(int status, String wish, Duration usual) {
    if (status != 429 && status != 502 && status != 503 && status != 504) {
      since.set(null);
      return Optional.empty();
    }
    Instant now = clock.instant();
    since.compareAndSet(null, now);
    Instant first = since.get();
    Duration pause = pause(wish.strip(), usual, now);
    Duration passed = Duration.between(first == null ? now : first, now);
    return passed.plus(pause).compareTo(LONGEST) > 0 ? Optional.empty() : Optional.of(pause);
  }

  private static Duration pause(String wish, Duration usual, Instant now) {
    Duration pause = usual;
    if (wish.matches("\\d{1,9}")) {
      pause = Duration.ofSeconds(Long.parseLong(wish));
    } else if (!wish.isEmpty()) {
      try {
        var then = ZonedDateTime.parse(wish, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
        pause = Duration.between(now, then);
      } catch (DateTimeParseException e) {
        return usual;
      }
    }
    return pause.isNegative() ? usual : pause;
  }
}

package io.gantry.rest.docker;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.DateTimeParseException;
import java.time.format.ResolverStyle;
import java.time.temporal.ChronoField;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Times and durations as Docker writes and reads them. */
public final class GoTime {

  public static final String ZERO = "0001-01-01T00:00:00Z";

  /** What {@link #ZERO} says. */
  public static final Instant ZERO_INSTANT = Instant.parse(ZERO);

  private static final DateTimeFormatter TO_THE_SECOND =
      new DateTimeFormatterBuilder()
          .appendPattern("uuuu-MM-dd'T'HH:mm:ss")
          .toFormatter(java.util.Locale.ROOT)
          .withZone(ZoneOffset.UTC);
  private static final BigDecimal SECOND = BigDecimal.valueOf(1_000_000_000);

  /** Seconds of 30 million years; Go's numbers go further than times do. */
  private static final int MOST_DIGITS = 15;

  /** A date alone, or with a time of so many parts as there are, each with a zone or without. */
  private static final DateTimeFormatter MOMENT =
      new DateTimeFormatterBuilder()
          .append(DateTimeFormatter.ISO_LOCAL_DATE)
          .optionalStart()
          .appendPattern("'T'HH")
          .optionalStart()
          .appendPattern(":mm")
          .optionalStart()
          .appendPattern(":ss")
          .appendFraction(ChronoField.NANO_OF_SECOND, 0, 9, true)
          .optionalEnd()
          .optionalEnd()
          .optionalEnd()
          .optionalStart()
          .appendOffset("+HH:MM", "Z")
          .optionalEnd()
          .parseDefaulting(ChronoField.HOUR_OF_DAY, 0)
          .parseDefaulting(ChronoField.MINUTE_OF_HOUR, 0)
          .parseDefaulting(ChronoField.SECOND_OF_MINUTE, 0)
          .toFormatter(java.util.Locale.ROOT)
          .withResolverStyle(ResolverStyle.STRICT);

  private static final Pattern DURATION =
      Pattern.compile("([+-]?)((?:\\d{1,9}(?:\\.\\d{0,9})?(?:ns|us|µs|μs|ms|s|m|h))+)");
  private static final Pattern PART = Pattern.compile("([\\d.]+)(\\D+)");

  /** Of the seconds asked for last, by their last bits: most times are of the same few. */
  private static final AtomicReferenceArray<@Nullable Second> SECONDS_KNOWN =
      new AtomicReferenceArray<>(8);

  private record Second(long epoch, String text) {}

  private GoTime() {}

  /** RFC 3339 with as many digits as there are. */
  public static String nano(@Nullable Instant time) {
    if (time == null) {
      return ZERO;
    }
    int nanos = time.getNano();
    String second = second(time.getEpochSecond());
    if (nanos == 0) {
      return second + "Z";
    }
    int digits = 9;
    for (; nanos % 10 == 0; nanos /= 10) {
      digits--;
    }
    String fraction = Integer.toString(nanos);
    return second + "." + "0".repeat(digits - fraction.length()) + fraction + "Z";
  }

  private static String second(long epoch) {
    int place = (int) epoch & (SECONDS_KNOWN.length() - 1);
    var known = SECONDS_KNOWN.get(place);
    if (known == null || known.epoch() != epoch) {
      known = new Second(epoch, TO_THE_SECOND.format(Instant.ofEpochSecond(epoch)));
      SECONDS_KNOWN.set(place, known);
    }
    return known.text();
  }

  /**
   * A moment as the parameters {@code since} and {@code until} give it: unix seconds with a
   * fraction. What else people write is clients' to read.
   *
   * @throws GantryException INVALID, in Go's words
   */
  public static Instant unix(String text) {
    int dot = text.indexOf('.');
    long seconds = number(dot < 0 ? text : text.substring(0, dot));
    return Instant.ofEpochSecond(seconds, dot < 0 ? 0 : nanos(text.substring(dot + 1)));
  }

  private static long number(String text) {
    if (!text.matches("[+-]?\\d+")) {
      throw noNumber(text, "invalid syntax");
    }
    if (text.length() > MOST_DIGITS) {
      throw noNumber(text, "value out of range");
    }
    return Long.parseLong(text);
  }

  private static long nanos(String fraction) {
    if (!fraction.matches("\\d+")) {
      throw noNumber(fraction, "invalid syntax");
    }
    return Long.parseLong((fraction + "0".repeat(9)).substring(0, 9));
  }

  private static GantryException noNumber(String text, String why) {
    return new GantryException(INVALID, "strconv.ParseInt: parsing \"" + text + "\": " + why);
  }

  /**
   * A moment as filters give it: unix seconds with a fraction, RFC 3339, a date, or a duration
   * before now. What names no zone is of the engine's.
   */
  public static Instant parse(String name, String text, Instant now) {
    return parse(name, text, now, ZoneId.systemDefault());
  }

  static Instant parse(String name, String text, Instant now, ZoneId zone) {
    Matcher duration = DURATION.matcher(text);
    if (duration.matches()) {
      var length = length(duration.group(2));
      return duration.group(1).equals("-") ? now.plus(length) : now.minus(length);
    }
    try {
      return text.indexOf('-') < 0 ? unix(text) : moment(text, zone.getRules().getOffset(now));
    } catch (GantryException | DateTimeParseException e) {
      throw new GantryException(
          INVALID,
          "invalid value for \""
              + name
              + "\": failed to parse value as time or duration: \""
              + text
              + "\"",
          e);
    }
  }

  private static Instant moment(String text, ZoneOffset here) {
    var parsed = MOMENT.parseBest(text, OffsetDateTime::from, LocalDateTime::from);
    return parsed instanceof OffsetDateTime zoned
        ? zoned.toInstant()
        : LocalDateTime.from(parsed).toInstant(here);
  }

  /** How long something took, for people. */
  public static String human(Duration duration) {
    long seconds = duration.toSeconds();
    long minutes = duration.toMinutes();
    long hours = Math.round(duration.toSeconds() / 3600.0);
    if (seconds < 1) {
      return "Less than a second";
    } else if (seconds == 1) {
      return "1 second";
    } else if (seconds < 60) {
      return seconds + " seconds";
    } else if (minutes == 1) {
      return "About a minute";
    } else if (minutes < 60) {
      return minutes + " minutes";
    } else if (hours == 1) {
      return "About an hour";
    } else if (hours < 48) {
      return hours + " hours";
    } else if (hours < 24 * 7 * 2) {
      return hours / 24 + " days";
    } else if (hours < 24 * 30 * 2) {
      return hours / 24 / 7 + " weeks";
    } else if (hours < 24 * 365 * 2) {
      return hours / 24 / 30 + " months";
    }
    return hours / 24 / 365 + " years";
  }

  private static Duration length(String text) {
    var nanos = BigDecimal.ZERO;
    for (Matcher part = PART.matcher(text); part.find(); ) {
      nanos = nanos.add(new BigDecimal(part.group(1)).multiply(nanosOf(part.group(2))));
    }
    var seconds = nanos.divideToIntegralValue(SECOND);
    return Duration.ofSeconds(
        seconds.longValue(), nanos.subtract(seconds.multiply(SECOND)).longValue());
  }

  private static BigDecimal nanosOf(String unit) {
    return switch (unit) {
      case "ns" -> BigDecimal.ONE;
      case "ms" -> BigDecimal.valueOf(1_000_000);
      case "s" -> SECOND;
      case "m" -> SECOND.multiply(BigDecimal.valueOf(60));
      case "h" -> SECOND.multiply(BigDecimal.valueOf(3600));
      default -> BigDecimal.valueOf(1000); // us, with either Greek letter, too
    };
  }
}

package io.gantry.log.syslog;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.spi.GantryException;
import io.gantry.spi.log.LogBatch;
import java.io.ByteArrayOutputStream;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** How a line becomes a message; the names are those of the option {@code syslog-format}. */
enum SyslogFormat {
  /** As programs write to the syslog of their host: without its name. */
  UNIX("", "MMM ppd HH:mm:ss"),
  RFC3164("rfc3164", "MMM ppd HH:mm:ss"),
  RFC5424("rfc5424", "yyyy-MM-dd'T'HH:mm:ssXXX"),
  RFC5424MICRO("rfc5424micro", "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX");

  private static final int ERROR = 3;
  private static final int INFO = 6;

  private final String option;
  private final DateTimeFormatter times;

  SyslogFormat(String option, String times) {
    this.option = option;
    this.times = DateTimeFormatter.ofPattern(times, Locale.ROOT);
  }

  static SyslogFormat parse(String option) {
    for (SyslogFormat format : values()) {
      if (format.option.equals(option)) {
        return format;
      }
    }
    throw new GantryException(INVALID, "Invalid syslog format");
  }

  /**
   * A message that ends with a newline.
   *
   * @param counted with its length before it, RFC 5425, which syslog over TLS has
   */
  byte[] message(
      LogBatch.Line line, int facility, String host, String tag, long pid, boolean counted) {
    int priority = facility * 8 + (line.stream().equals("stderr") ? ERROR : INFO);
    byte[] head = head(priority, line.at(), host, tag, pid).getBytes(UTF_8);
    byte[] text = line.text().toArray();
    var message = new ByteArrayOutputStream(head.length + text.length + 8);
    if (counted) {
      message.writeBytes((head.length + text.length + 1 + " ").getBytes(US_ASCII));
    }
    message.writeBytes(head);
    message.writeBytes(text);
    message.write('\n');
    return message.toByteArray();
  }

  private String head(int priority, Instant at, String host, String tag, long pid) {
    String time = times.format(ZonedDateTime.ofInstant(at, ZoneId.systemDefault()));
    return switch (this) {
      case UNIX -> "<" + priority + ">" + time + " " + tag + "[" + pid + "]: ";
      case RFC3164 -> "<" + priority + ">" + time + " " + host + " " + tag + "[" + pid + "]: ";
      case RFC5424, RFC5424MICRO ->
          "<%d>1 %s %s %s %d %s - ".formatted(priority, time, host, tag, pid, tag);
    };
  }
}

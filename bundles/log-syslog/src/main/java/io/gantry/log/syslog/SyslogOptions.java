package io.gantry.log.syslog;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a container's log options ask for.
 *
 * @param facility 0 to 23
 */
record SyslogOptions(SyslogAddress address, int facility, SyslogFormat format) {
  private static final Set<String> NAMES =
      Set.of(
          "env",
          "env-regex",
          "labels",
          "labels-regex",
          "syslog-address",
          "syslog-facility",
          "syslog-tls-ca-cert",
          "syslog-tls-cert",
          "syslog-tls-key",
          "syslog-tls-skip-verify",
          "syslog-format",
          "tag");

  /** In the order of their numbers; 12 to 15 have no names. */
  private static final List<String> FACILITIES =
      List.of(
          "kern",
          "user",
          "mail",
          "daemon",
          "auth",
          "syslog",
          "lpr",
          "news",
          "uucp",
          "cron",
          "authpriv",
          "ftp",
          "12",
          "13",
          "14",
          "15",
          "local0",
          "local1",
          "local2",
          "local3",
          "local4",
          "local5",
          "local6",
          "local7");

  /**
   * @throws GantryException INVALID, in dockerd's words
   */
  static SyslogOptions parse(Map<String, String> options) {
    for (String name : options.keySet().stream().sorted().toList()) {
      if (!NAMES.contains(name)) {
        throw new GantryException(INVALID, "unknown log opt '" + name + "' for syslog log driver");
      }
    }
    return new SyslogOptions(
        SyslogAddress.parse(options.getOrDefault("syslog-address", "")),
        facility(options.getOrDefault("syslog-facility", "")),
        SyslogFormat.parse(options.getOrDefault("syslog-format", "")));
  }

  private static int facility(String text) {
    String name = text.isEmpty() ? "daemon" : text;
    int number = name.matches("[0-9]{1,2}") ? Integer.parseInt(name) : FACILITIES.indexOf(name);
    if (number < 0 || number >= FACILITIES.size()) {
      throw new GantryException(INVALID, "invalid syslog facility");
    }
    return number;
  }
}

package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerSpec;
import io.gantry.api.HostSpec;
import io.gantry.spi.GantryException;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The texts of a container's {@code /etc/hosts}, {@code /etc/hostname} and {@code
 * /etc/resolv.conf}.
 */
public final class EtcTexts {
  private static final String LOOPBACK =
      """
      127.0.0.1\tlocalhost
      ::1\tlocalhost ip6-localhost ip6-loopback
      fe00::\tip6-localnet
      ff00::\tip6-mcastprefix
      ff02::1\tip6-allnodes
      ff02::2\tip6-allrouters
      """;

  private EtcTexts() {}

  public static String hostname(ContainerSpec.Process process) {
    return process.hostname() + "\n";
  }

  /**
   * @param address of the container; 127.0.1.1 where it has no network of its own, as Debian does
   */
  public static String hosts(ContainerSpec spec, String address) {
    var text = new StringBuilder(LOOPBACK);
    for (String extra : spec.host().resolver().extraHosts()) {
      int at = separator(extra);
      text.append(extra.substring(at + 1)).append('\t').append(extra, 0, at).append('\n');
    }
    var process = spec.process();
    if (!process.hostname().isEmpty()) {
      text.append(address).append('\t');
      if (process.domainname().isEmpty()) {
        text.append(process.hostname());
      } else {
        text.append(process.hostname())
            .append('.')
            .append(process.domainname())
            .append(' ')
            .append(process.hostname());
      }
      text.append('\n');
    }
    return text.toString();
  }

  /** The host's file, with what was asked for in its place. */
  public static String resolvConf(HostSpec asked, String ofHost) {
    var lines = ofHost.lines().toList();
    var text = new StringBuilder();
    put(text, "nameserver", asked.resolver().servers(), lines, false);
    put(text, "search", asked.resolver().search(), lines, true);
    put(text, "options", asked.resolver().options(), lines, true);
    return text.toString();
  }

  private static void put(
      StringBuilder text, String key, List<String> asked, List<String> ofHost, boolean oneLine) {
    if (asked.isEmpty()) {
      ofHost.stream()
          .map(String::strip)
          .filter(line -> line.startsWith(key + " ") || line.startsWith(key + "\t"))
          .forEach(line -> text.append(line).append('\n'));
    } else if (oneLine) {
      String values =
          asked.stream().filter(value -> !value.equals(".")).collect(Collectors.joining(" "));
      if (!values.isEmpty()) {
        text.append(key).append(' ').append(values).append('\n');
      }
    } else {
      asked.forEach(value -> text.append(key).append(' ').append(value).append('\n'));
    }
  }

  static void checkExtraHost(String extra) {
    int at = separator(extra);
    if (at <= 0 || at == extra.length() - 1 || extra.chars().anyMatch(c -> c <= ' ')) {
      throw new GantryException(INVALID, "bad format for add-host: \"" + extra + "\"");
    }
    if (extra.substring(at + 1).equals("host-gateway")) {
      throw Modes.unsupported(
          "host-gateway is not supported yet: it needs the bridge network driver");
    }
    if (!extra.substring(at + 1).matches("[0-9.]{7,15}|[0-9a-fA-F:.%]{2,}")) {
      throw new GantryException(
          INVALID, "invalid IP address in add-host: \"" + extra.substring(at + 1) + "\"");
    }
  }

  private static int separator(String extra) {
    int equals = extra.indexOf('=');
    return equals > 0 ? equals : extra.indexOf(':');
  }
}

package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerSpec;
import io.gantry.api.HostSpec;
import io.gantry.engine.network.NetworkSettings.Resolver;
import io.gantry.spi.GantryException;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
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

  private static final String HOST_GATEWAY = "host-gateway";

  /** Where a network namespace has no address of its own to say, as Debian has it. */
  private static final List<String> NO_ADDRESS = List.of("127.0.1.1");

  private static final Pattern LOCAL_SERVER =
      Pattern.compile("\\s*nameserver\\s+(127\\..*|::1)\\s*");

  private EtcTexts() {}

  public static String hostname(ContainerSpec.Process process) {
    return process.hostname() + "\n";
  }

  public static String hosts(ContainerSpec spec, NetworkNames names) {
    var text = new StringBuilder(LOOPBACK);
    for (String extra : spec.host().resolver().extraHosts()) {
      int at = separator(extra);
      String to = extra.substring(at + 1);
      String address = to.equals(HOST_GATEWAY) ? names.hostGateway() : to;
      if (!address.isEmpty()) {
        text.append(address).append('\t').append(extra, 0, at).append('\n');
      }
    }
    names.others().forEach(line -> text.append(line).append('\n'));
    var process = spec.process();
    for (String address : names.addresses().isEmpty() ? NO_ADDRESS : names.addresses()) {
      own(process, address, text);
    }
    return text.toString();
  }

  private static void own(ContainerSpec.Process process, String address, StringBuilder text) {
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
  }

  /**
   * The host's file, with what was asked for in its place; without resolvers that cannot be reached
   * from where it is.
   */
  public static String resolvConf(HostSpec asked, String ofHost, NetworkNames names) {
    var lines =
        ofHost
            .lines()
            .filter(line -> !(names.apart() && LOCAL_SERVER.matcher(line).matches()))
            .toList();
    var text = new StringBuilder();
    var configured = names.resolver();
    if (names.server().isEmpty()) {
      put(text, "nameserver", or(asked.resolver().servers(), configured.servers()), lines, false);
    } else {
      text.append("nameserver ").append(names.server()).append('\n');
    }
    put(text, "search", or(asked.resolver().search(), configured.search()), lines, true);
    put(text, "options", or(asked.resolver().options(), configured.options()), lines, true);
    if (!names.server().isEmpty() && !hasDots(asked, ofHost, configured)) {
      text.append("options ndots:0\n");
    }
    return text.toString();
  }

  /** Whom a container's names are asked of, in the end. */
  public static List<String> servers(HostSpec asked, String ofHost, Resolver configured) {
    var named = or(asked.resolver().servers(), configured.servers());
    return named.isEmpty() ? words(ofHost, "nameserver") : named;
  }

  /** Whether it says itself which names are looked up as they are. */
  public static boolean hasDots(HostSpec asked, String ofHost, Resolver configured) {
    var options = or(asked.resolver().options(), configured.options());
    return (options.isEmpty() ? words(ofHost, "options") : options)
        .stream().anyMatch(option -> option.startsWith("ndots:"));
  }

  /** All that follows a key, in the order of the lines. */
  private static List<String> words(String text, String key) {
    return text.lines()
        .map(line -> line.strip().split("\\s+"))
        .filter(words -> words[0].equals(key))
        .flatMap(words -> Arrays.stream(words).skip(1))
        .toList();
  }

  private static List<String> or(List<String> asked, List<String> otherwise) {
    return asked.isEmpty() ? otherwise : asked;
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
    if (extra.substring(at + 1).equals(HOST_GATEWAY)) {
      return;
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

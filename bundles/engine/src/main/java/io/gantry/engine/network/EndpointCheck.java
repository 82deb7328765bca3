package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.Networks;
import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Refuses what cannot be asked for of an endpoint. */
public final class EndpointCheck {
  /** Option: settings of the endpoint's own interface, which it calls IFNAME. */
  public static final String SYSCTLS = "com.docker.network.endpoint.sysctls";

  /** Option: what the interface is called inside. */
  public static final String NAME = "com.docker.network.endpoint.ifname";

  private static final Pattern MAC = Pattern.compile("([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}");
  private static final Pattern SYSCTL =
      Pattern.compile("net\\.(ipv4|ipv6|mpls)\\.[a-z0-9_]+\\.IFNAME\\.[a-z0-9_]+=[^,\\s]*");
  private static final Pattern DEVICE = Pattern.compile("[a-zA-Z0-9_.-]{1,15}");

  private EndpointCheck() {}

  /**
   * As far as can be told without the network.
   *
   * @throws GantryException INVALID in dockerd's words
   */
  public static void check(NetworkRequest asked) {
    refuse(asked.network(), wrong(asked));
  }

  private static List<String> wrong(NetworkRequest asked) {
    var wrong = new ArrayList<String>();
    boolean own = !Networks.PREDEFINED.contains(asked.network());
    if (!own && (!asked.address().isEmpty() || !asked.address6().isEmpty())) {
      wrong.add("user specified IP address is supported on user defined networks only");
    }
    family("IPv4", asked.address(), false, wrong);
    family("IPv6", asked.address6(), true, wrong);
    for (String text : asked.linkLocal()) {
      if (Ip.parse(text) == null) {
        wrong.add("invalid link-local IP address: " + text);
      }
    }
    if (!asked.mac().isEmpty() && !MAC.matcher(asked.mac()).matches()) {
      wrong.add("invalid MAC address: " + asked.mac());
    }
    String sysctls = asked.options().get(SYSCTLS);
    if (sysctls != null) {
      for (String sysctl : sysctls.split(",", -1)) {
        if (!SYSCTL.matcher(sysctl).matches()) {
          wrong.add(
              "unrecognised network interface sysctl '"
                  + sysctl
                  + "'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4',"
                  + " 'ipv6' or 'mpls'");
        }
      }
    }
    String name = asked.options().get(NAME);
    if (name != null
        && (!DEVICE.matcher(name).matches() || name.matches("\\.\\.?|lo|all|default"))) {
      wrong.add("invalid interface name: " + name);
    }
    return wrong;
  }

  /** With the network it is for. */
  static void check(NetworkRequest asked, NetworkRecord record) {
    var wrong = new ArrayList<>(wrong(asked.in(record.name())));
    if (wrong.isEmpty() && record.chosen() && hasStatic(asked)) {
      wrong.add(
          "user specified IP address is supported only when connecting to networks with user"
              + " configured subnets");
    } else if (wrong.isEmpty()) {
      inside(asked.address(), record, wrong);
      inside(asked.address6(), record, wrong);
    }
    refuse(record.name(), wrong);
  }

  private static boolean hasStatic(NetworkRequest asked) {
    return !asked.address().isEmpty() || !asked.address6().isEmpty();
  }

  private static void refuse(String network, List<String> wrong) {
    if (!wrong.isEmpty()) {
      throw new GantryException(
          INVALID,
          "invalid config for network "
              + network
              + ": invalid endpoint settings:\n"
              + String.join("\n", wrong));
    }
  }

  private static void family(String name, String text, boolean six, List<String> wrong) {
    if (!text.isEmpty() && !isOf(Ip.parse(text), six)) {
      wrong.add("invalid " + name + " address: " + text);
    }
  }

  private static boolean isOf(@Nullable Ip ip, boolean six) {
    return ip != null && ip.six() == six;
  }

  private static void inside(String text, NetworkRecord record, List<String> wrong) {
    Ip ip = Ip.parse(text);
    if (ip != null
        && record.ipam().pools().stream().noneMatch(pool -> Cidr.of(pool.subnet()).contains(ip))) {
      wrong.add("no configured subnet contains IP address " + text);
    }
  }
}

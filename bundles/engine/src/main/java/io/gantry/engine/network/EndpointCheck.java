package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.Networks;
import io.gantry.spi.GantryException;
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
  private static final int GROUP = 1;
  private static final List<Cidr> LINK_LOCAL =
      List.of(Cidr.of("169.254.0.0/16"), Cidr.of("fe80::/10"));
  private static final Pattern SYSCTL =
      Pattern.compile("net\\.(ipv4|ipv6|mpls)\\.[a-z0-9_]+\\.IFNAME\\.[a-z0-9_]+=[^,\\s]*");
  private static final Pattern DEVICE = Pattern.compile("[a-zA-Z0-9_.-]{1,15}");

  private EndpointCheck() {}

  /** What is wrong is of an endpoint for this network. */
  static GantryException with(String network, GantryException e) {
    return new GantryException(
        e.kind(), "invalid config for network " + network + ": " + e.getMessage(), e);
  }

  /**
   * @param asked with the network's name
   * @param record of the network it is for, if there is one
   * @throws GantryException INVALID in dockerd's words
   */
  static void check(NetworkRequest asked, @Nullable NetworkRecord record) {
    if (!asked.mac().isEmpty() && !isOfOne(asked.mac())) {
      throw new GantryException(INVALID, "invalid MAC address " + asked.mac());
    }
    var wrong = new Wrongs();
    boolean own = !Networks.PREDEFINED.contains(asked.network());
    if (!own && hasStatic(asked)) {
      wrong.add("user specified IP address is supported on user defined networks only");
    }
    if (!own && !asked.aliases().isEmpty()) {
      wrong.add("network-scoped alias is supported only for containers in user defined networks");
    }
    family("IPv4", asked.address(), false, wrong);
    family("IPv6", asked.address6(), true, wrong);
    for (String text : asked.linkLocal()) {
      Ip ip = Ip.parse(text);
      if (ip == null || LINK_LOCAL.stream().noneMatch(block -> block.contains(ip))) {
        wrong.add("invalid link-local IP address: " + text);
      }
    }
    if (own && record != null) {
      inside(asked.address(), false, record, wrong);
      inside(asked.address6(), true, record, wrong);
    }
    options(asked, wrong);
    wrong.refuse("invalid endpoint settings");
  }

  /** The kernel gives an interface no address of a group, and not that of nobody. */
  private static boolean isOfOne(String mac) {
    return MAC.matcher(mac).matches()
        && (Integer.parseInt(mac.substring(0, 2), 16) & GROUP) == 0
        && !mac.matches("[0:-]+");
  }

  private static void options(NetworkRequest asked, Wrongs wrong) {
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
  }

  private static boolean hasStatic(NetworkRequest asked) {
    return !asked.address().isEmpty() || !asked.address6().isEmpty();
  }

  private static void family(String name, String text, boolean six, Wrongs wrong) {
    if (!text.isEmpty() && !isOf(Ip.parse(text), six)) {
      wrong.add("invalid " + name + " address: " + text);
    }
  }

  private static boolean isOf(@Nullable Ip ip, boolean six) {
    return ip != null && ip.six() == six;
  }

  private static void inside(String text, boolean six, NetworkRecord record, Wrongs wrong) {
    if (text.isEmpty()) {
      return;
    }
    var subnets =
        record.ipam().pools().stream()
            .map(pool -> Cidr.of(pool.subnet()))
            .filter(subnet -> subnet.six() == six)
            .toList();
    Ip ip = Ip.parse(text);
    if (record.chosen() || subnets.isEmpty()) {
      wrong.add(
          "user specified IP address is supported only when connecting to networks with user"
              + " configured subnets");
    } else if (ip == null || subnets.stream().noneMatch(subnet -> subnet.contains(ip))) {
      wrong.add("no configured subnet or ip-range contain the IP address " + text);
    }
  }
}

package io.gantry.network.macvlan;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.linux.netlink.RouteMessages.IpvlanFlag;
import io.gantry.linux.netlink.RouteMessages.IpvlanMode;
import io.gantry.linux.netlink.RouteMessages.MacvlanMode;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Network;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Docker's options of such a network, by their names, with dockerd's refusals.
 *
 * @param parent interface of the host; empty: none, containers reach each other alone
 * @param vlan number that a parent is given by which is not there, {@code eth0.10}; 0: none
 */
record VlanOptions(
    String parent,
    int vlan,
    MacvlanMode macvlan,
    IpvlanMode ipvlan,
    IpvlanFlag flag,
    String prefix) {

  private static final String PARENT = "parent";
  private static final String MACVLAN_MODE = "macvlan_mode";
  private static final String IPVLAN_MODE = "ipvlan_mode";
  private static final String IPVLAN_FLAG = "ipvlan_flag";
  private static final String PREFIX = "com.docker.network.container_iface_prefix";
  private static final String FIREWALL = "io.gantry.network.firewall";
  private static final Set<String> DONE = // by the engine
      Set.of("com.docker.network.enable_ipv4", "com.docker.network.enable_ipv6");
  private static final Pattern INTERFACE = Pattern.compile("[a-zA-Z0-9_.-]{1,15}");
  private static final Pattern VLAN = Pattern.compile("(.+)\\.(\\d{1,4})");
  private static final int LAST_VLAN = 4094;
  private static final int LONGEST_PREFIX = 12;

  static VlanOptions of(LinkKind kind, Network network) {
    var known =
        kind == LinkKind.MACVLAN
            ? Set.of(PARENT, MACVLAN_MODE, PREFIX, FIREWALL)
            : Set.of(PARENT, IPVLAN_MODE, IPVLAN_FLAG, PREFIX, FIREWALL);
    Map<String, String> all = network.options();
    for (String option : all.keySet()) {
      if (!known.contains(option) && !DONE.contains(option)) {
        throw new GantryException(
            INVALID, "unknown option of the network " + network.name() + ": " + option);
      }
    }
    String parent = all.getOrDefault(PARENT, "");
    if (!parent.isEmpty() && !INTERFACE.matcher(parent).matches()) {
      throw new GantryException(INVALID, "invalid interface name: " + parent);
    }
    if (parent.equals("lo")) {
      throw new GantryException(
          INVALID, "loopback interface is not a valid " + kind + " parent link");
    }
    return new VlanOptions(
        parent,
        vlan(parent),
        mode(MacvlanMode.class, all, MACVLAN_MODE, MacvlanMode.BRIDGE, "macvlan mode"),
        mode(IpvlanMode.class, all, IPVLAN_MODE, IpvlanMode.L2, "ipvlan mode"),
        mode(IpvlanFlag.class, all, IPVLAN_FLAG, IpvlanFlag.BRIDGE, "ipvlan flag"),
        prefix(all.getOrDefault(PREFIX, "")));
  }

  private static int vlan(String parent) {
    Matcher m = VLAN.matcher(parent);
    int id = m.matches() ? Integer.parseInt(m.group(2)) : 0;
    return id > LAST_VLAN ? 0 : id;
  }

  /** The interface that the VLAN is on. */
  String carrier() {
    return parent.substring(0, parent.lastIndexOf('.'));
  }

  private static <E extends Enum<E>> E mode(
      Class<E> type, Map<String, String> all, String option, E usual, String what) {
    String value = all.getOrDefault(option, "");
    if (value.isEmpty()) {
      return usual;
    }
    for (E one : type.getEnumConstants()) {
      if (one.name().toLowerCase(Locale.ROOT).equals(value)) {
        return one;
      }
    }
    throw new GantryException(
        INVALID,
        "requested %s '%s' is not valid, '%s' is the default"
            .formatted(what, value, usual.name().toLowerCase(Locale.ROOT)));
  }

  private static String prefix(String value) {
    if (!value.isEmpty()
        && (!INTERFACE.matcher(value).matches() || value.length() > LONGEST_PREFIX)) {
      throw new GantryException(
          INVALID, "failed to parse " + PREFIX + " value: " + value + " (invalid interface name)");
    }
    return value.isEmpty() ? "eth" : value;
  }

  /** Whether containers find others by the network alone, without asking for hardware addresses. */
  boolean isRouted(LinkKind kind) {
    return kind == LinkKind.IPVLAN && ipvlan != IpvlanMode.L2;
  }
}

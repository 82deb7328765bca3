package io.gantry.network.bridge;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.linux.netlink.Cidr;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Network;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Docker's options of a bridge network, by their names, with dockerd's refusals. Others are
 * nobody's and stay without effect, as with dockerd.
 *
 * @param bridge its name, empty where the driver chooses
 * @param isDefault whether it is the network of those who ask for none
 * @param masquerade whether containers go out under the host's address
 * @param icc whether containers of the network reach each other
 * @param mtu bytes, 0 for the kernel's default
 * @param inhibitIpv4 whether the host gets no IPv4 address in it
 * @param prefix of the names of interfaces inside
 * @param ipv4 how it is joined to the world
 * @param ipv6 the same of IPv6
 * @param source that containers go out under; null: an address of the interface they go out by
 * @param source6 the same of IPv6
 * @param trusted interfaces whose neighbours come to published ports at containers' own addresses
 */
record BridgeOptions(
    String bridge,
    boolean isDefault,
    boolean masquerade,
    boolean icc,
    int mtu,
    boolean inhibitIpv4,
    String prefix,
    GatewayMode ipv4,
    GatewayMode ipv6,
    @Nullable InetAddress source,
    @Nullable InetAddress source6,
    List<String> trusted) {

  private static final String BRIDGE = "com.docker.network.bridge.";
  private static final String NAME = BRIDGE + "name";
  private static final String DEFAULT = BRIDGE + "default_bridge";
  private static final String MASQUERADE = BRIDGE + "enable_ip_masquerade";
  private static final String ICC = BRIDGE + "enable_icc";
  private static final String BINDING = BRIDGE + "host_binding_ipv4";
  private static final String INHIBIT = BRIDGE + "inhibit_ipv4";
  private static final String MODE_IPV4 = BRIDGE + "gateway_mode_ipv4";
  private static final String MODE_IPV6 = BRIDGE + "gateway_mode_ipv6";
  private static final String TRUSTED = BRIDGE + "trusted_host_interfaces";
  private static final String SOURCE = "com.docker.network.host_ipv4";
  private static final String SOURCE6 = "com.docker.network.host_ipv6";
  private static final String MTU = "com.docker.network.driver.mtu";
  private static final String PREFIX = "com.docker.network.container_iface_prefix";
  private static final String FIREWALL = "io.gantry.network.firewall";
  private static final Set<String> KNOWN =
      Set.of(
          NAME,
          DEFAULT,
          MASQUERADE,
          ICC,
          BINDING,
          INHIBIT,
          MODE_IPV4,
          MODE_IPV6,
          TRUSTED,
          SOURCE,
          SOURCE6,
          "com.docker.network.enable_ipv4", // which the engine has done
          "com.docker.network.enable_ipv6",
          MTU,
          PREFIX,
          FIREWALL);
  private static final Set<String> YES = Set.of("1", "t", "T", "TRUE", "true", "True");
  private static final Set<String> NO = Set.of("0", "f", "F", "FALSE", "false", "False");
  private static final int SMALLEST_MTU = 68;
  private static final int LARGEST_MTU = 65535;

  /** As dev_valid_name of the kernel, and nothing that a shell or nft(8) could stumble over. */
  private static final Pattern INTERFACE = Pattern.compile("[a-zA-Z0-9_.-]{1,15}");

  private static final int LONGEST_PREFIX = 12; // with a number behind it

  static BridgeOptions of(Network network) {
    Map<String, String> all = network.options();
    binding(all.getOrDefault(BINDING, ""));
    firewall(all.getOrDefault(FIREWALL, ""));
    var options =
        new BridgeOptions(
            name(all.getOrDefault(NAME, "")),
            yes(all, DEFAULT, false),
            yes(all, MASQUERADE, true),
            yes(all, ICC, true),
            mtu(all.getOrDefault(MTU, "")),
            yes(all, INHIBIT, false),
            prefix(all.getOrDefault(PREFIX, "")),
            mode(all, MODE_IPV4),
            mode(all, MODE_IPV6),
            source(all, SOURCE, false),
            source(all, SOURCE6, true),
            trusted(all.getOrDefault(TRUSTED, "")));
    boolean isolated = options.ipv4 == GatewayMode.ISOLATED || options.ipv6 == GatewayMode.ISOLATED;
    if (isolated && !network.internal()) {
      throw new GantryException(
          INVALID, "gateway mode 'isolated' can only be used for an internal network");
    }
    return options;
  }

  static List<String> unknown(Network network) {
    return network.options().keySet().stream()
        .filter(option -> !KNOWN.contains(option))
        .sorted()
        .toList();
  }

  private static boolean yes(Map<String, String> all, String option, boolean otherwise) {
    String value = all.getOrDefault(option, "");
    if (value.isEmpty()) {
      return otherwise;
    }
    if (!YES.contains(value) && !NO.contains(value)) {
      throw refused(option, value, "strconv.ParseBool: parsing \"" + value + "\": invalid syntax");
    }
    return YES.contains(value);
  }

  private static int mtu(String value) {
    if (value.isEmpty()) {
      return 0;
    }
    if (!value.matches("[+-]?\\d{1,18}")) {
      throw refused(MTU, value, "strconv.Atoi: parsing \"" + value + "\": invalid syntax");
    }
    long mtu = Long.parseLong(value);
    if (mtu != 0 && (mtu < SMALLEST_MTU || mtu > LARGEST_MTU)) {
      throw new GantryException(INVALID, "invalid MTU number: " + mtu);
    }
    return (int) mtu;
  }

  private static GatewayMode mode(Map<String, String> all, String option) {
    String value = all.getOrDefault(option, "");
    if (value.isEmpty()) {
      return GatewayMode.NAT;
    }
    for (GatewayMode mode : GatewayMode.values()) {
      if (mode.toString().equals(value)) {
        return mode;
      }
    }
    throw refused(option, value, "unknown gateway mode " + value);
  }

  /** Which addresses ports are published on is the engine's to use. */
  private static void binding(String value) {
    try {
      if (!value.isEmpty()) {
        Cidr.address(value);
      }
    } catch (GantryException e) {
      throw refused(BINDING, value, "nil ip");
    }
  }

  /** By which way clients come to published ports is the engine's to use. */
  private static void firewall(String value) {
    if (!Set.of("", "own", "host").contains(value)) {
      throw refused(FIREWALL, value, "neither own nor host");
    }
  }

  private static @Nullable InetAddress source(
      Map<String, String> all, String option, boolean ipv6) {
    String value = all.get(option);
    if (value == null) {
      return null;
    }
    InetAddress address;
    try {
      address = Cidr.address(value);
    } catch (GantryException e) {
      throw refused(option, value, "nil ip");
    }
    if (address instanceof Inet6Address != ipv6 || address.isAnyLocalAddress()) {
      throw refused(option, value, "no IPv" + (ipv6 ? 6 : 4) + " address to go out under");
    }
    return address;
  }

  /** Separated by colons, as an interface's name holds none; those that are not there may come. */
  private static List<String> trusted(String value) {
    var names = Stream.of(value.split(":")).filter(name -> !name.isEmpty()).distinct().toList();
    for (String name : names) {
      if (!INTERFACE.matcher(name).matches()) {
        throw refused(TRUSTED, value, "invalid interface name " + name);
      }
    }
    return names;
  }

  private static String name(String value) {
    if (!value.isEmpty() && (!INTERFACE.matcher(value).matches() || value.matches("\\.\\.?"))) {
      throw refused(NAME, value, "invalid interface name");
    }
    return value;
  }

  private static String prefix(String value) {
    if (!value.isEmpty() && name(value).length() > LONGEST_PREFIX) {
      throw refused(PREFIX, value, "too long");
    }
    return value.isEmpty() ? "eth" : value;
  }

  private static GantryException refused(String option, String value, String reason) {
    return new GantryException(
        INVALID, "failed to parse " + option + " value: " + value + " (" + reason + ")");
  }
}

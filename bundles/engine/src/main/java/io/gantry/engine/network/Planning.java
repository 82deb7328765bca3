package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.api.Networks;
import io.gantry.api.Networks.Ipam;
import io.gantry.api.Networks.NetworkSpec;
import io.gantry.api.Networks.Pool;
import io.gantry.engine.network.NetworkSettings.AddressBlock;
import io.gantry.spi.GantryException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Supplier;

/** Makes of what is asked for a network as it will be: checked, with subnets and gateways. */
final class Planning {
  static final String BRIDGE_NAME = "com.docker.network.bridge.name";
  private static final String DEFAULT_IPAM = "default";
  private static final String NULL_IPAM = "null";
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int LONGEST_NAME = 255;

  private final Subnets subnets;
  private final Supplier<NetworkSettings> settings;

  Planning(Subnets subnets, Supplier<NetworkSettings> settings) {
    this.subnets = subnets;
    this.settings = settings;
  }

  /** With what it takes from another one. */
  NetworkSpec check(NetworkSpec asked, Function<String, NetworkState> find) {
    name(asked.name());
    ones(asked);
    NetworkSpec spec = asked.configFrom().isEmpty() ? asked : derived(asked, find);
    if (!spec.ipv4() && !spec.ipv6()) {
      throw new GantryException(INVALID, "IPv4 or IPv6 must be enabled");
    }
    String ipam = spec.ipam().driver();
    if (!Set.of("", DEFAULT_IPAM, NULL_IPAM).contains(ipam)) {
      throw new GantryException(NOT_FOUND, "plugin \"" + ipam + "\" not found");
    }
    IpamCheck.check(spec.ipam(), spec.ipv6());
    return spec;
  }

  private static void name(String name) {
    if (name.isBlank()) {
      throw new GantryException(INVALID, "invalid name: name is empty");
    }
    if (name.length() > LONGEST_NAME || name.chars().anyMatch(c -> c < ' ' || c == 127)) {
      throw new GantryException(INVALID, "invalid name: " + name.replaceAll("\\p{Cntrl}", "?"));
    }
    if (Networks.PREDEFINED.contains(name) || name.equals("default")) {
      throw new GantryException(
          FORBIDDEN, "operation is not permitted on predefined " + name + " network ");
    }
  }

  private static void ones(NetworkSpec asked) {
    String driver = asked.driver();
    if (driver.equals("host") || driver.equals("null")) {
      throw new GantryException(
          FORBIDDEN, "only one instance of \"" + driver + "\" network is allowed");
    }
    if (driver.equals(NetworkKeeper.BUILTIN)) {
      throw new GantryException(NOT_FOUND, "plugin \"" + driver + "\" not found");
    }
    if (asked.ingress() && !asked.configOnly()) {
      throw new GantryException(FORBIDDEN, "Ingress network can only be global scope network");
    }
    if (driver.equals("overlay")) {
      throw new GantryException(
          FORBIDDEN,
          "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to"
              + " connect this node to swarm and try again.");
    }
    if (asked.configOnly() && !asked.configFrom().isEmpty()) {
      throw new GantryException(
          FORBIDDEN, "a configuration network cannot depend on another configuration network");
    }
    if (asked.configOnly() && (asked.ingress() || asked.internal() || asked.attachable())) {
      throw new GantryException(
          FORBIDDEN,
          "configuration network can only contain network specific fields. Network operator fields"
              + " like [ ingress | internal | attachable | scope ] are not supported.");
    }
  }

  private static NetworkSpec derived(NetworkSpec asked, Function<String, NetworkState> find) {
    NetworkRecord source;
    try {
      source = find.apply(asked.configFrom()).record();
    } catch (GantryException e) {
      throw new GantryException(
          e.kind(), "configuration network \"" + asked.configFrom() + "\" does not exist", e);
    }
    if (!source.configOnly()) {
      throw new GantryException(
          NOT_FOUND, "configuration network \"" + asked.configFrom() + "\" does not exist");
    }
    if (!asked.options().isEmpty()) {
      throw new GantryException(
          FORBIDDEN,
          "network driver options are not supported if the network depends on a configuration"
              + " network");
    }
    if (!asked.ipam().pools().isEmpty() || !asked.labels().isEmpty() || asked.ipv6()) {
      throw new GantryException(
          FORBIDDEN,
          "user specified configurations are not supported if the network depends on a"
              + " configuration network");
    }
    return new NetworkSpec(
        asked.name(),
        asked.driver(),
        source.ipv4(),
        source.ipv6(),
        source.ipam(),
        asked.internal(),
        asked.attachable(),
        asked.ingress(),
        false,
        source.name(),
        source.options(),
        source.labels());
  }

  /** That its driver can do what is asked for. */
  static void check(NetworkSpec spec, String driver, Set<String> features) {
    require(!spec.ipv6() || features.contains("ipv6"), driver, "IPv6");
    require(!spec.internal() || features.contains("internal"), driver, "internal networks");
    for (boolean six : new boolean[] {false, true}) {
      long pools =
          spec.ipam().pools().stream().filter(pool -> Cidr.of(pool.subnet()).six() == six).count();
      require(pools <= 1 || features.contains("multiple-subnets"), driver, "multiple subnets");
    }
  }

  private static void require(boolean holds, String driver, String what) {
    if (!holds) {
      throw new GantryException(FORBIDDEN, driver + " driver doesn't support " + what);
    }
  }

  /** The keeper's lock is held. */
  NetworkRecord plan(
      NetworkSpec spec,
      String driver,
      Instant now,
      Collection<NetworkState> others,
      List<HostRoutes.Route> routes) {
    byte[] id = new byte[32];
    RANDOM.nextBytes(id);
    boolean chosen = spec.ipam().pools().isEmpty();
    var record =
        new NetworkRecord(
            HexFormat.of().formatHex(id),
            spec.name(),
            driver,
            now,
            spec.ipv4(),
            spec.ipv6(),
            new Ipam(
                spec.ipam().driver().isEmpty() ? DEFAULT_IPAM : spec.ipam().driver(),
                spec.ipam().options(),
                spec.ipam().pools()),
            chosen,
            spec.internal(),
            spec.attachable(),
            spec.ingress(),
            spec.configOnly(),
            spec.configFrom(),
            spec.options(),
            spec.labels());
    return spec.configOnly() || record.ipam().driver().equals(NULL_IPAM)
        ? record
        : propose(record, others, routes);
  }

  /** The record with all subnets and gateways that it lacks. The keeper's lock is held. */
  NetworkRecord propose(
      NetworkRecord record, Collection<NetworkState> others, List<HostRoutes.Route> routes) {
    IpamCheck.check(record.ipam(), record.ipv6());
    var taken = new ArrayList<Cidr>();
    for (var other : others) {
      if (!other.record().configOnly()) {
        other.pools.forEach(pool -> taken.add(pool.subnet));
      }
    }
    var pools = new ArrayList<Pool>();
    for (var pool : record.ipam().pools()) {
      Cidr subnet = Cidr.of(pool.subnet());
      if (subnet.six() ? !record.ipv6() : !record.ipv4()) {
        continue;
      }
      if (taken.stream().anyMatch(subnet::overlaps)) {
        throw new GantryException(
            FORBIDDEN, "invalid pool request: Pool overlaps with other one on this address space");
      }
      taken.add(subnet);
      pools.add(pool);
    }
    List<AddressBlock> blocks = settings.get().pools();
    for (boolean six : new boolean[] {false, true}) {
      boolean wanted = six ? record.ipv6() : record.ipv4();
      if (wanted && pools.stream().noneMatch(pool -> Cidr.of(pool.subnet()).six() == six)) {
        Cidr subnet = subnets.choose(six, blocks, taken, routes);
        taken.add(subnet);
        pools.add(new Pool(subnet.toString(), "", "", Map.of()));
      }
    }
    return record.with(
        new Ipam(
            record.ipam().driver(),
            record.ipam().options(),
            pools.stream().map(Planning::withGateway).toList()));
  }

  private static Pool withGateway(Pool pool) {
    Cidr subnet = Cidr.of(pool.subnet());
    var addresses =
        new AddressPool(subnet, pool.range().isEmpty() ? subnet : Cidr.of(pool.range()));
    if (!pool.gateway().isEmpty()) {
      keep("gateway (" + pool.gateway() + ")", pool.gateway(), addresses);
    }
    new TreeMap<>(pool.auxiliary())
        .forEach(
            (name, text) ->
                keep("secondary ip address (" + name + ":" + text + ")", text, addresses));
    if (!pool.gateway().isEmpty()) {
      return pool;
    }
    Ip ip = addresses.take();
    if (ip == null) {
      throw new GantryException(
          UNAVAILABLE, "failed to allocate gateway (): No available addresses on this pool");
    }
    return new Pool(pool.subnet(), pool.range(), ip.toString(), pool.auxiliary());
  }

  private static void keep(String what, String text, AddressPool addresses) {
    if (!addresses.isUsable(parsed(text)) || !addresses.take(parsed(text))) {
      throw new GantryException(INVALID, "failed to allocate " + what + ": Address already in use");
    }
  }

  private static Ip parsed(String text) {
    Ip ip = Ip.parse(text);
    if (ip == null) {
      throw new GantryException(INVALID, "invalid address: " + text);
    }
    return ip;
  }

  /**
   * The default network with a name for its bridge, if none is configured: several engines may be
   * on one host.
   *
   * @param tries so many names were no good
   */
  static NetworkRecord named(NetworkRecord record, int tries) {
    if (record.options().containsKey(BRIDGE_NAME)) {
      return record;
    }
    int n = 0;
    for (int left = tries; ; n++) {
      if (!Files.exists(Path.of("/proc/sys/net/ipv4/conf/gantry" + n)) && left-- == 0) {
        break;
      }
    }
    var options = new HashMap<>(record.options());
    options.put(BRIDGE_NAME, "gantry" + n);
    return record.withOptions(options);
  }
}

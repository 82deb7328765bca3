package io.gantry.engine.network;

import java.util.List;

/**
 * What is configured for networks. Empty, 0: not said.
 *
 * @param bridge name of the default network's bridge; {@code none}: there is no default network
 * @param bip address and prefix of that bridge
 * @param bip6 the same of IPv6
 * @param fixedCidr part of the subnet that containers get addresses from
 * @param gateway of containers in the default network, if not the bridge
 * @param binding address of the host that ports are published on
 * @param ipv6 the default network has IPv6
 * @param pools that networks without subnets get theirs from; empty: {@link Subnets#DEFAULT}
 */
public record NetworkSettings(
    String bridge,
    String bip,
    String bip6,
    String fixedCidr,
    String fixedCidr6,
    String gateway,
    String gateway6,
    int mtu,
    boolean icc,
    boolean masquerade,
    String binding,
    boolean ipv6,
    List<AddressBlock> pools,
    Resolver resolver) {

  public static final NetworkSettings NONE =
      new NetworkSettings(
          "", "", "", "", "", "", "", 0, true, true, "", false, List.of(), Resolver.HOSTS);

  public NetworkSettings {
    pools = List.copyOf(pools);
  }

  /** With other addresses of the default network's bridge. */
  NetworkSettings on(String address, String address6) {
    return new NetworkSettings(
        bridge,
        address,
        address6,
        fixedCidr,
        fixedCidr6,
        gateway,
        gateway6,
        mtu,
        icc,
        masquerade,
        binding,
        ipv6,
        pools,
        resolver);
  }

  /** What containers' resolv.conf says where they did not ask for it. */
  public record Resolver(List<String> servers, List<String> search, List<String> options) {

    /** As the host's. */
    public static final Resolver HOSTS = new Resolver(List.of(), List.of(), List.of());

    public Resolver {
      servers = List.copyOf(servers);
      search = List.copyOf(search);
      options = List.copyOf(options);
    }
  }

  /**
   * @param base {@code 172.30.0.0/16}
   * @param size length of the prefixes of its parts
   */
  public record AddressBlock(String base, int size) {}
}

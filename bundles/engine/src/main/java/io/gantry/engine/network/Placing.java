package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.spi.GantryException;
import java.security.SecureRandom;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Finds addresses and names for endpoints. The keeper's lock is held. */
final class Placing {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final String PREFIX = "com.docker.network.container_iface_prefix";

  /**
   * Of interfaces inside: kernels number what they make by themselves, and what the container
   * makes, from 1.
   */
  private static final int FIRST_INDEX = 4097;

  private static final int LINK_LOCAL_BITS = 16;
  private static final int LINK_LOCAL_BITS6 = 64;

  private Placing() {}

  /** Addresses that could be had are given back when others could not. */
  static Placed place(NetworkState state, NetworkRequest asked, List<Placed> others) {
    var record = state.record();
    AddressPool pool = pool(state, false, asked.address());
    Ip ip = pool == null ? null : take(state, pool, false, asked.address());
    AddressPool pool6 = null;
    Ip ip6 = null;
    try {
      pool6 = pool(state, true, asked.address6());
      ip6 = pool6 == null ? null : take(state, pool6, true, asked.address6());
    } catch (GantryException e) {
      if (pool != null && ip != null) {
        pool.release(ip);
      }
      throw e;
    }
    String id = random();
    return new Placed(
        record.id(),
        record.name(),
        record.driver(),
        id,
        record.driver().equals(NetworkKeeper.BUILTIN) ? 0 : index(others),
        device(record, asked, others.stream().map(Placed::device).toList()),
        cidr(ip, pool),
        gateway(state, pool),
        cidr(ip6, pool6),
        gateway(state, pool6),
        asked.linkLocal().stream().map(Placing::linkLocal).toList(),
        mac(record, asked, ip, id),
        asked.gatewayPriority(),
        asked.options(),
        null);
  }

  private static int index(List<Placed> others) {
    var taken = others.stream().map(Placed::index).toList();
    int index = FIRST_INDEX;
    while (taken.contains(index)) {
      index++;
    }
    return index;
  }

  private static String random() {
    byte[] bytes = new byte[32];
    RANDOM.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  /** The one that has the address, or an address left; null for a family the network has not. */
  private static @Nullable AddressPool pool(NetworkState state, boolean six, String asked) {
    Ip ip = Ip.parse(asked);
    if (ip != null) {
      return state.poolOf(ip);
    }
    List<AddressPool> pools =
        state.pools.stream().filter(pool -> pool.subnet.six() == six).toList();
    return pools.stream()
        .filter(AddressPool::hasFree)
        .findFirst()
        .orElse(pools.isEmpty() ? null : pools.get(0));
  }

  private static Ip take(NetworkState state, AddressPool pool, boolean six, String asked) {
    Ip wanted = Ip.parse(asked);
    if (wanted != null) {
      if (!pool.isUsable(wanted) || !pool.take(wanted)) {
        throw new GantryException(FORBIDDEN, "Address already in use");
      }
      return wanted;
    }
    Ip ip = pool.take();
    if (ip == null) {
      throw new GantryException(
          UNAVAILABLE,
          "no available IPv%d addresses on this network's address pools: %s (%s)"
              .formatted(six ? 6 : 4, state.record().name(), state.record().id()));
    }
    return ip;
  }

  private static String device(
      NetworkRecord record, NetworkRequest asked, Collection<String> taken) {
    if (record.driver().equals(NetworkKeeper.BUILTIN)) {
      return "";
    }
    String named = asked.options().get(EndpointCheck.NAME);
    if (named != null) {
      if (taken.contains(named)) {
        throw new GantryException(
            FORBIDDEN, "interface name " + named + " is already used by another network");
      }
      return named;
    }
    String prefix = record.options().getOrDefault(PREFIX, "eth");
    int n = 0;
    while (taken.contains(prefix + n)) {
      n++;
    }
    return prefix + n;
  }

  private static String gateway(NetworkState state, @Nullable AddressPool pool) {
    return pool == null ? "" : state.gateway(pool);
  }

  private static String cidr(@Nullable Ip ip, @Nullable AddressPool pool) {
    return ip == null || pool == null ? "" : ip + "/" + pool.subnet.bits();
  }

  private static String linkLocal(String text) {
    Ip ip = Ip.parse(text);
    return text + "/" + (ip != null && ip.six() ? LINK_LOCAL_BITS6 : LINK_LOCAL_BITS);
  }

  private static String mac(
      NetworkRecord record, NetworkRequest asked, @Nullable Ip ip, String id) {
    if (record.driver().equals(NetworkKeeper.BUILTIN)) {
      return "";
    }
    if (!asked.mac().isEmpty()) {
      return asked.mac().toLowerCase(Locale.ROOT).replace('-', ':');
    }
    return ip != null ? ip.mac() : "02:42:" + id.substring(0, 8).replaceAll("(..)(?=.)", "$1:");
  }

  static void release(NetworkState state, Placed place) {
    free(state, place.address());
    free(state, place.address6());
  }

  private static void free(NetworkState state, String cidr) {
    Ip ip = Ip.parse(Placed.plain(cidr));
    AddressPool pool = ip == null ? null : state.poolOf(ip);
    if (ip != null && pool != null) {
      pool.release(ip);
    }
  }

  /** Of one that has it already. */
  static void take(NetworkState state, Placed place) {
    for (String cidr : List.of(place.address(), place.address6())) {
      Ip ip = Ip.parse(Placed.plain(cidr));
      AddressPool pool = ip == null ? null : state.poolOf(ip);
      if (ip != null && pool != null) {
        pool.take(ip);
      }
    }
  }
}

package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.CANCELLED;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.spi.GantryException;
import io.gantry.spi.network.Network;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** One network and who is in it. */
final class NetworkState {
  /** A driver may keep others waiting for less than this. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Held by who makes or removes it, while the driver is called about it. */
  private final ReentrantLock making = new ReentrantLock();

  /** Whoever is in it now, by endpoint. Changed by who holds the keeper's lock. */
  final Map<String, Inhabitant> inhabitants = new ConcurrentHashMap<>();

  /** Published ports that clients come to at containers' own addresses, by listener. */
  final Map<String, Network.Port> ports = new ConcurrentSkipListMap<>();

  /** Places whose addresses its driver may still let clients come to; guarded as the pools. */
  final List<Withheld> withheld = new ArrayList<>();

  final List<AddressPool> pools = new ArrayList<>(); // guarded by the keeper's lock

  private volatile NetworkRecord record;
  private volatile Phase phase;
  private volatile boolean listed;
  private volatile List<Network.Link> links = List.of();
  private final AtomicLong changes = new AtomicLong(); // of what it lets pass
  private volatile long told; // how many of these its driver knows

  /** What its driver has to do with it. */
  enum Phase {
    PROPOSED,
    MAKING,
    MADE,
    /** There are containers in it and no record: nobody else comes in. */
    LEFT
  }

  /**
   * @param listed clients may know of it
   */
  NetworkState(NetworkRecord record, Phase phase, boolean listed) {
    this.record = record;
    this.phase = phase;
    this.listed = listed;
    fill();
  }

  /**
   * @param container id
   */
  record Inhabitant(String container, Placed place) {}

  /**
   * @param changes of what the network lets pass, which its driver has to know first
   */
  record Withheld(Placed place, long changes) {}

  NetworkRecord record() {
    return record;
  }

  /** Nobody may be in it. The keeper's lock is held. */
  void record(NetworkRecord changed) {
    record = changed;
    fill();
  }

  private void fill() {
    pools.clear();
    for (var pool : record.ipam().pools()) {
      Cidr subnet = Cidr.of(pool.subnet());
      var addresses =
          new AddressPool(subnet, pool.range().isEmpty() ? subnet : Cidr.of(pool.range()));
      keep(addresses, pool.gateway());
      pool.auxiliary().values().forEach(text -> keep(addresses, text));
      pools.add(addresses);
    }
  }

  private static void keep(AddressPool pool, String text) {
    Ip ip = Ip.parse(text);
    if (ip != null) {
      pool.take(ip);
    }
  }

  Phase phase() {
    return phase;
  }

  boolean isMade() {
    return phase == Phase.MADE;
  }

  void phase(Phase now) {
    phase = now;
  }

  List<Network.Link> links() {
    return links;
  }

  void links(List<Network.Link> now) {
    links = List.copyOf(now);
  }

  /** What it lets pass has changed, or is about to; its driver does not know yet. */
  void changed() {
    changes.incrementAndGet();
  }

  long changes() {
    return changes.get();
  }

  /** Its driver knows the first so many changes. Held. */
  void told(long first) {
    told = first;
  }

  boolean knows(long first) {
    return told >= first;
  }

  /** As its driver is to know it. */
  Network network() {
    return record.network(links, ports.values().stream().distinct().toList());
  }

  boolean isListed() {
    return listed;
  }

  void listed(boolean now) {
    listed = now;
  }

  /**
   * @throws GantryException UNAVAILABLE when a driver keeps somebody else too long
   */
  void hold() {
    try {
      if (making.tryLock(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "cancelled", e);
    }
    throw new GantryException(
        UNAVAILABLE,
        "network " + record.name() + " is busy: its driver does not answer; try again");
  }

  void letGo() {
    making.unlock();
  }

  /** The pool that an address is of; null for none. */
  @Nullable AddressPool poolOf(Ip ip) {
    return pools.stream().filter(pool -> pool.subnet.contains(ip)).findFirst().orElse(null);
  }

  String gateway(AddressPool pool) {
    return NetworkRecord.gateway(record.ipam().pools().get(pools.indexOf(pool)));
  }
}

package io.gantry.portmap.nat;

import io.gantry.linux.SyscallError;
import io.gantry.linux.netlink.Cidr;
import io.gantry.linux.netlink.NftBatch;
import io.gantry.linux.netlink.NftBatch.Entry;
import io.gantry.linux.netlink.NftBatch.Family;
import io.gantry.linux.netlink.NftBatch.Hook;
import io.gantry.linux.netlink.NftBatch.Policy;
import io.gantry.linux.netlink.NftGuard;
import io.gantry.linux.netlink.NftRule;
import io.gantry.linux.netlink.NftRule.Field;
import io.gantry.linux.netlink.NftSet;
import io.gantry.linux.netlink.NftSet.Type;
import io.gantry.linux.netlink.NftSocket;
import io.gantry.portmap.nat.Port.Target;
import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The mapper's table: ten rules, however many ports there are, which are elements of four maps. A
 * change of ports is one batch of elements; the rules come with the first one.
 */
final class PortTable implements NftGuard.Owner, AutoCloseable {
  private static final List<String> MAPS = List.of("bound4", "any4", "bound6", "any6");
  private static final List<String> CHAINS = List.of("prerouting", "output");
  private static final int DESTINATION_NAT = -100;

  private final String table;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable NftSocket socket; // guarded by lock
  private final Map<Port, Target> ports = new HashMap<>(); // guarded by lock
  private final Map<String, Integer> rules = new TreeMap<>(); // guarded by lock; empty: no table
  private long emptySince; // guarded by lock

  PortTable(String table) {
    this.table = table;
  }

  /** Guarded by lock. */
  private NftSocket socket() {
    var open = socket;
    if (open == null) {
      open = NftSocket.open();
      socket = open;
    }
    return open;
  }

  /**
   * Whether this kernel has what it takes.
   *
   * @throws GantryException why not
   */
  void require() {
    lock.lock();
    try {
      socket().generation();
    } finally {
      lock.unlock();
    }
  }

  /** These ports and no others. */
  void set(Map<Port, Target> all) {
    lock.lock();
    try {
      ports.clear();
      ports.putAll(all);
      if (!ports.isEmpty()) {
        render();
      } else {
        rules.clear();
        if (!socket().chains(Family.INET, table).isEmpty()) {
          socket().send(new NftBatch(Family.INET, table).deleteTable());
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** Adds all of them or none; a port that leads elsewhere is turned round. */
  void add(Map<Port, Target> more) {
    lock.lock();
    try {
      var before = new HashMap<Port, Target>();
      var elsewhere = new ArrayList<Port>();
      var added = new HashMap<Port, Target>();
      more.forEach(
          (port, target) -> {
            var old = ports.put(port, target);
            if (old != null) {
              before.put(port, old);
            }
            if (old != null && !old.equals(target)) {
              elsewhere.add(port);
            }
            if (!target.equals(old)) {
              added.put(port, target);
            }
          });
      try {
        change(elsewhere, added);
      } catch (GantryException e) {
        ports.keySet().removeAll(added.keySet());
        ports.putAll(before);
        throw e;
      }
    } finally {
      lock.unlock();
    }
  }

  /** Guarded by lock. */
  private void change(List<Port> gone, Map<Port, Target> added) {
    if (rules.isEmpty()) {
      render();
      return;
    }
    var batch = new NftBatch(Family.INET, table);
    delete(batch, gone);
    add(batch, added);
    if (gone.isEmpty() && added.isEmpty()) {
      return;
    }
    try {
      socket().send(batch);
    } catch (GantryException e) {
      switch (SyscallError.errno(e)) {
        // Somebody has been there: what it should look like is known.
        case ENOENT, EEXIST, EBUSY -> render();
        default -> throw e;
      }
    }
  }

  /** Takes away those that lead where they are said to, as far as they are there. */
  void remove(Map<Port, Target> fewer) {
    lock.lock();
    try {
      var gone =
          fewer.keySet().stream().filter(p -> Objects.equals(fewer.get(p), ports.get(p))).toList();
      if (gone.isEmpty()) {
        return;
      }
      gone.forEach(ports::remove);
      try {
        change(gone, Map.of());
      } catch (GantryException e) {
        fewer.forEach(
            (port, target) -> {
              if (gone.contains(port)) {
                ports.put(port, target); // it may be asked for once more
              }
            });
        throw e;
      }
      emptySince = System.nanoTime();
    } finally {
      lock.unlock();
    }
  }

  private static void delete(NftBatch batch, List<Port> gone) {
    for (String map : MAPS) {
      batch.delete(map, gone.stream().filter(p -> p.map().equals(map)).map(Port::key).toList());
    }
  }

  private static void add(NftBatch batch, Map<Port, Target> added) {
    for (String map : MAPS) {
      var entries =
          added.entrySet().stream()
              .filter(entry -> entry.getKey().map().equals(map))
              .map(entry -> new Entry(entry.getKey().key(), entry.getValue().values()))
              .toList();
      batch.addEntries(map, entries);
    }
  }

  /** Guarded by lock. Sets all there is, whatever is there. */
  private void render() {
    var batch = new NftBatch(Family.INET, table).table();
    batch.chain("prerouting", "nat", Hook.PREROUTING, DESTINATION_NAT, Policy.ACCEPT);
    batch.chain("output", "nat", Hook.OUTPUT, DESTINATION_NAT, Policy.ACCEPT);
    for (boolean ipv6 : List.of(false, true)) {
      var address = ipv6 ? Type.IPV6 : Type.IPV4;
      String bound = ipv6 ? "bound6" : "bound4";
      String any = ipv6 ? "any6" : "any4";
      var keys = List.of(address, Type.PROTOCOL, Type.PORT);
      batch.set(NftSet.map(bound, keys, address, Type.PORT)).flushSet(bound);
      batch.set(NftSet.map(any, List.of(Type.PROTOCOL, Type.PORT), address, Type.PORT));
      batch.flushSet(any);
    }
    rules.clear();
    for (String chain : CHAINS) {
      batch.flushChain(chain);
      if (chain.equals("output")) {
        String words = "by the proxy";
        rule(batch, chain, new NftRule(words).to(Cidr.parse("127.0.0.0/8")).back());
        rule(batch, chain, new NftRule(words).to(Cidr.parse("::1/128")).back());
      }
      rules(batch, chain, false);
      rules(batch, chain, true);
    }
    add(batch, ports);
    try {
      socket().send(batch);
    } catch (GantryException e) {
      rules.clear();
      throw e;
    }
  }

  private void rules(NftBatch batch, String chain, boolean ipv6) {
    var address = ipv6 ? Field.IPV6_DESTINATION : Field.IPV4_DESTINATION;
    var bound = new NftRule("published on an address");
    rule(
        batch,
        chain,
        (ipv6 ? bound.ipv6() : bound.ipv4())
            .load(address)
            .load(Field.PROTOCOL)
            .load(Field.DESTINATION_PORT)
            .destinationBy(ipv6 ? "bound6" : "bound4", ipv6));
    var any = new NftRule("published on all addresses");
    rule(
        batch,
        chain,
        (ipv6 ? any.ipv6() : any.ipv4())
            .load(Field.DESTINATION_TYPE)
            .is(NftRule.LOCAL)
            .load(Field.PROTOCOL)
            .load(Field.DESTINATION_PORT)
            .destinationBy(ipv6 ? "any6" : "any4", ipv6));
  }

  private void rule(NftBatch batch, String chain, NftRule rule) {
    batch.rule(chain, rule);
    rules.merge(chain, 1, Integer::sum);
  }

  @Override
  public boolean isOwn(int port) {
    lock.lock();
    try {
      return socket != null && socket.port() == port;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean restore() {
    lock.lock();
    try {
      if (rules.isEmpty() || isWhole()) {
        return false;
      }
      render();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Deletes the table when it has been empty for long enough, but not between one container and the
   * next.
   *
   * @return nanoseconds until it is to be asked again; negative: not at all
   */
  long tidy(long nanos) {
    lock.lock();
    try {
      if (!ports.isEmpty() || rules.isEmpty()) {
        return -1;
      }
      long left = nanos - (System.nanoTime() - emptySince);
      if (left > 0) {
        return left;
      }
      set(Map.of());
      return -1;
    } finally {
      lock.unlock();
    }
  }

  /** Guarded by lock. */
  private boolean isWhole() {
    if (!socket().rules(Family.INET, table).equals(rules)) {
      return false;
    }
    for (String map : MAPS) {
      long wanted = ports.keySet().stream().filter(port -> port.map().equals(map)).count();
      if (socket().elements(Family.INET, table, map) != wanted) {
        return false;
      }
    }
    return true;
  }

  int count() {
    lock.lock();
    try {
      return ports.size();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      rules.clear();
      if (socket != null) {
        socket.close();
        socket = null;
      }
    } finally {
      lock.unlock();
    }
  }
}

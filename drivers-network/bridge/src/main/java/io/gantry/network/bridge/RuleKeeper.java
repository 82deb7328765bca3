package io.gantry.network.bridge;

import io.gantry.linux.LegacyTables;
import io.gantry.linux.netlink.NftBatch;
import io.gantry.linux.netlink.NftBatch.Family;
import io.gantry.linux.netlink.NftGuard;
import io.gantry.linux.netlink.NftSocket;
import io.gantry.network.bridge.Rules.Shape;
import io.gantry.spi.GantryException;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The driver's table: set for the networks there are, and set again when somebody has taken it
 * away. All that is remembered can be read from the table.
 */
final class RuleKeeper implements NftGuard.Owner, AutoCloseable {
  private final String table;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable NftSocket socket; // guarded by lock
  private List<Bridged> networks = List.of(); // guarded by lock
  private boolean closed; // guarded by lock; nothing but our networks is forwarded
  private boolean closed6; // guarded by lock
  private @Nullable Shape shape; // guarded by lock; null while the table is not ours to keep

  RuleKeeper(String table) {
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

  /**
   * What an earlier driver has left says about this host.
   *
   * @param wanted whether a host that was no router shall stay none
   */
  void takeOver(boolean wanted) {
    lock.lock();
    try {
      closed = wanted && (closed || Rules.isClosed(socket(), table, false));
      closed6 = wanted && (closed6 || Rules.isClosed(socket(), table, true));
    } finally {
      lock.unlock();
    }
  }

  /** Whether, from the next time on that rules are set, nothing else is forwarded. */
  void close(boolean ipv6, boolean wanted) {
    lock.lock();
    try {
      if (ipv6) {
        closed6 = wanted;
      } else {
        closed = wanted;
      }
    } finally {
      lock.unlock();
    }
  }

  /** Sets the rules for these networks and no others. */
  void set(Collection<Bridged> wanted) {
    lock.lock();
    try {
      networks = List.copyOf(wanted);
      if (networks.isEmpty()) {
        clear();
      } else {
        render();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Guarded by lock. */
  private void render() {
    var rules = new Rules(table, networks, closed, closed6);
    for (boolean ipv6 : List.of(false, true)) {
      if (!(ipv6 ? closed6 : closed) && Rules.isClosed(socket(), table, ipv6)) {
        rules.open(ipv6);
      }
    }
    socket().send(rules.batch());
    shape = rules.shape();
  }

  /**
   * Guarded by lock. A table in which the operator has rules is kept, and so is one that closes.
   */
  private void clear() {
    shape = null;
    if (socket().chains(Family.INET, table).isEmpty()) {
      return;
    }
    boolean kept =
        closed || closed6 || socket().rules(Family.INET, table).containsKey(Rules.OPERATOR);
    if (kept) {
      render();
    } else {
      socket().send(new NftBatch(Family.INET, table).deleteTable());
    }
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
      if (shape == null || shape.isIn(socket(), table)) {
        return false;
      }
      render();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Chains of others that drop what they do not know, our networks' packets among it. */
  List<String> obstacles() {
    var all = new LinkedHashSet<String>();
    lock.lock();
    try {
      socket().baseChains().stream()
          .filter(chain -> chain.hook() == NftBatch.Hook.FORWARD.ordinal() && chain.drops())
          .filter(chain -> !chain.table().equals(table))
          .forEach(chain -> all.add("table " + chain.table() + ", chain " + chain.name()));
    } finally {
      lock.unlock();
    }
    for (boolean ipv6 : List.of(false, true)) {
      String program = ipv6 ? "ip6tables-legacy" : "iptables-legacy";
      LegacyTables.droppingForwarded(ipv6)
          .forEach(name -> all.add("table " + name + " of " + program + ", chain FORWARD"));
    }
    return List.copyOf(all);
  }

  @Override
  public void close() {
    lock.lock();
    try {
      shape = null;
      if (socket != null) {
        socket.close();
        socket = null;
      }
    } finally {
      lock.unlock();
    }
  }
}

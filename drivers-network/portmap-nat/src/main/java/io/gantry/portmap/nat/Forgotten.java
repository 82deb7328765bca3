package io.gantry.portmap.nat;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.linux.netlink.Connections;
import io.gantry.linux.netlink.RouteSocket;
import io.gantry.spi.GantryException;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * UDP ports that lead elsewhere by now. Datagrams of a client that goes on sending would go on to
 * where the first one went: to a container that has ended, or to the proxy. All connections that
 * there are have to be looked through for it, so nobody waits, and ports that come meanwhile are
 * looked for together.
 */
final class Forgotten {
  private static final System.Logger log = System.getLogger(Forgotten.class.getName());

  private final Executor worker;
  private final Consumer<Set<Integer>> clearing;
  private final ReentrantLock lock = new ReentrantLock();
  private Set<Integer> waiting = new TreeSet<>(); // guarded by lock

  /**
   * @param worker one thread, or several, that do one thing after the other
   * @param clearing of the connections to some ports
   */
  Forgotten(Executor worker, Consumer<Set<Integer>> clearing) {
    this.worker = worker;
    this.clearing = clearing;
  }

  void add(Set<Integer> ports) {
    if (ports.isEmpty()) {
      return;
    }
    lock.lock();
    try {
      boolean first = waiting.isEmpty();
      waiting.addAll(ports);
      if (!first) {
        return; // who was called for the first one has not begun
      }
    } finally {
      lock.unlock();
    }
    worker.execute(() -> clearing.accept(taken()));
  }

  private Set<Integer> taken() {
    lock.lock();
    try {
      var taken = waiting;
      waiting = new TreeSet<>();
      return taken;
    } finally {
      lock.unlock();
    }
  }

  static void clear(Set<Integer> ports) {
    try (var routes = RouteSocket.open();
        var connections = Connections.open()) {
      var own =
          routes.addresses().stream()
              .map(address -> address.cidr().address())
              .collect(Collectors.toSet());
      connections.forget(Port.UDP, own, ports);
    } catch (GantryException e) {
      log.log(WARNING, "connections to UDP ports {0} go on: {1}", ports, e.getMessage());
    }
  }
}

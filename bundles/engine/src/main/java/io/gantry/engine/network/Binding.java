package io.gantry.engine.network;

import io.gantry.engine.network.PortKeeper.Wish;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;

/**
 * What a run has got of the ports that were asked for.
 *
 * @param ports with one number, on one address of the host or on all; none when nothing leads there
 */
public record Binding(Wish wish, List<Published> ports) {

  public Binding {
    ports = List.copyOf(ports);
  }

  /**
   * Finds what came of each wish. Of two that cannot be told apart either may have either's.
   *
   * @param binding address of ports that were asked for on none; empty: all
   */
  public static List<Binding> of(List<Wish> wishes, List<Published> ports, String binding) {
    var left = new ArrayList<>(ports);
    var found = new IdentityHashMap<Wish, Binding>();
    wishes.stream()
        .sorted(Comparator.comparingInt(Wish::freedom)) // who may have any leaves others theirs
        .forEach(wish -> found.put(wish, take(wish, left, binding)));
    return wishes.stream().map(found::get).toList();
  }

  private static Binding take(Wish wish, List<Published> left, String binding) {
    var its = new ArrayList<Published>();
    for (var port : left) {
      if (its.stream().allMatch(other -> goWith(other, port)) && wish.allows(port, binding)) {
        its.add(port);
      }
    }
    left.removeAll(its);
    return new Binding(wish, its);
  }

  /** Whether one wish may have got both. */
  private static boolean goWith(Published one, Published other) {
    boolean sameNumber = one.hostPort() == other.hostPort();
    return !one.hostAddress().equals(other.hostAddress())
        && (sameNumber || one.isRouted() || other.isRouted());
  }

  /** The port of the host that was asked for, or came out; empty: any. */
  String number() {
    return ports.stream()
        .filter(port -> !port.isRouted())
        .findFirst()
        .map(port -> Integer.toString(port.hostPort()))
        .orElse(wish.hostPort());
  }

  /** Whether it is meant by somebody who names a port as it was asked for, or as it came out. */
  public boolean isMeantBy(Wish named) {
    return named.name().equals(wish.name())
        && (named.hostAddress().isEmpty() || wish.isOn(named.hostAddress()))
        && (named.hostPort().isEmpty()
            || named.hostPort().equals(wish.hostPort())
            || ports.stream()
                .anyMatch(port -> named.hostPort().equals(Integer.toString(port.hostPort()))));
  }
}

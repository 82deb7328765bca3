package io.gantry.engine.network;

import io.gantry.engine.network.PortKeeper.Wish;
import java.util.ArrayList;
import java.util.List;

/**
 * What becomes of a run's ports when another of its networks carries them: each keeps its number.
 *
 * @param staying on their addresses of the host, and leading to the other place
 * @param gone that are on addresses the other network does not publish on, or that nobody wants
 * @param wanted in their place
 */
public record PortMove(List<Published> staying, List<Published> gone, List<Wish> wanted) {

  public PortMove {
    staying = List.copyOf(staying);
    gone = List.copyOf(gone);
    wanted = List.copyOf(wanted);
  }

  /**
   * @param from where they were published on that were asked for on no address; empty: all
   * @param binding the same of the other network
   */
  public static PortMove of(
      List<Wish> wishes, List<Published> ports, String from, String binding, Target to) {
    var staying = new ArrayList<Published>();
    var wanted = new ArrayList<Wish>();
    var gone = new ArrayList<>(ports);
    for (var one : Binding.of(wishes, ports, from)) {
      var missing = new ArrayList<>(PortKeeper.addresses(one.wish(), binding, to));
      for (var port : one.ports()) {
        boolean same = port.isRouted() == to.isRouted(port.hostAddress());
        if (same && missing.remove(port.hostAddress())) {
          staying.add(port.to(to));
          gone.remove(port);
        }
      }
      if (one.ports().isEmpty()) {
        wanted.add(one.wish());
        continue;
      }
      missing.forEach(address -> wanted.add(new Wish(one.wish().name(), address, one.number())));
    }
    return new PortMove(staying, gone, wanted);
  }
}

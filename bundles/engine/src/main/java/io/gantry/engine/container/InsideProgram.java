package io.gantry.engine.container;

import io.gantry.engine.network.EndpointCheck;
import io.gantry.engine.network.Placed;
import io.gantry.linux.netlink.Cidr;
import io.gantry.linux.netlink.InsideMessages;
import io.gantry.linux.netlink.NameRedirect;
import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.Bytes;
import io.gantry.spi.network.Attachment.Route;
import java.net.Inet4Address;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What is done in a container's network namespace, as a program for init or for a visit to it. */
final class InsideProgram {
  private static final String DEFAULT = "default";

  /** Port 53 is the container's own. */
  private static final Bytes REDIRECT =
      Bytes.copyOf(
          NameRedirect.to((Inet4Address) Cidr.address(NetTables.RESOLVER), NetTables.HIDDEN_PORT));

  private InsideProgram() {}

  /** For a run that begins. */
  static void begin(List<Placed> places, OpProgram program) {
    if (places.stream().allMatch(InsideProgram::isEmpty)) {
      program.loopbackUp();
      places.forEach(place -> sysctls(place, program));
      names(places, program);
      return;
    }
    places.forEach(place -> sysctls(place, program));
    var messages = new InsideMessages().loopback();
    places.forEach(place -> links(place, messages));
    gateways(places).forEach(gateway -> gateway.set(messages));
    program.netlink(Bytes.copyOf(messages.bytes()));
    names(places, program);
  }

  private static void names(List<Placed> places, OpProgram program) {
    if (!NetTables.hasNames(places)) {
      return;
    }
    if (NameRedirect.isPossible()) {
      program.netfilter(REDIRECT);
    }
    program.dns(
        NetTables.RESOLVER, NameRedirect.isPossible() ? NetTables.HIDDEN_PORT : NetTables.PORT);
  }

  /** For one that comes to others. */
  static Bytes joined(List<Placed> before, Placed place) {
    var messages = new InsideMessages();
    links(place, messages);
    var all = new ArrayList<>(before);
    all.add(place);
    change(gateways(before), gateways(all), messages);
    var program = new OpProgram();
    sysctls(place, program);
    if (!messages.isEmpty()) {
      program.netlink(Bytes.copyOf(messages.bytes()));
    }
    if (!NetTables.hasNames(before)) {
      names(List.of(place), program);
    }
    return program.build();
  }

  /** For those that stay when one has gone, interface and all; null: nothing to be done. */
  static @Nullable Bytes left(List<Placed> before, Placed gone) {
    var messages = new InsideMessages();
    change(
        gateways(before).stream().filter(gateway -> gateway.of != gone).toList(),
        gateways(before.stream().filter(place -> place != gone).toList()),
        messages);
    return messages.isEmpty()
        ? null
        : new OpProgram().netlink(Bytes.copyOf(messages.bytes())).build();
  }

  private static boolean isEmpty(Placed place) {
    var made = place.madeOrNone();
    return made.links().isEmpty() && made.addresses().isEmpty() && made.routes().isEmpty();
  }

  private static void links(Placed place, InsideMessages messages) {
    var made = place.madeOrNone();
    made.links().forEach(link -> messages.link(link.index(), link.name(), link.mac(), link.mtu()));
    made.addresses().forEach(address -> messages.address(address.link(), address.cidr()));
    if (!made.links().isEmpty()) {
      int first = made.links().get(0).index();
      place.linkLocal().forEach(cidr -> messages.address(first, cidr));
    }
    made.routes().stream()
        .filter(route -> !isDefault(route))
        .forEach(route -> messages.route(route.link(), route.destination(), route.via()));
  }

  private static void sysctls(Placed place, OpProgram program) {
    place.madeOrNone().sysctls().forEach((key, value) -> program.sysctl(path(key), value));
    String own = place.options().get(EndpointCheck.SYSCTLS);
    if (own != null && !place.device().isEmpty()) {
      for (String sysctl : own.split(",")) {
        int equals = sysctl.indexOf('=');
        String key = sysctl.substring(0, equals).replace('.', '/');
        program.sysctl(key.replace("IFNAME", place.device()), sysctl.substring(equals + 1));
      }
    }
  }

  /** Of a key as sysctl(8) takes it: a dot in a name is a slash there. */
  static String path(String key) {
    var path = new StringBuilder(key);
    for (int i = 0; i < key.length(); i++) {
      switch (key.charAt(i)) {
        case '.' -> path.setCharAt(i, '/');
        case '/' -> path.setCharAt(i, '.');
        default -> {}
      }
    }
    return path.toString();
  }

  // Default routes

  record Gateway(Placed of, Route route) {
    void set(InsideMessages messages) {
      messages.route(route.link(), DEFAULT, route.via());
    }

    boolean six() {
      return InsideProgram.six(route);
    }
  }

  private static boolean isDefault(Route route) {
    return route.destination().equals(DEFAULT);
  }

  private static boolean six(Route route) {
    return route.via().indexOf(':') >= 0;
  }

  /**
   * Of one place for each family: that with the highest priority, the first by the network's name
   * among equals; one with both families comes before those with one.
   */
  static List<Gateway> gateways(List<Placed> places) {
    var order =
        places.stream()
            .sorted(
                Comparator.comparingInt(Placed::priority).reversed().thenComparing(Placed::name))
            .toList();
    Gateway four = null;
    Gateway six = null;
    for (var place : order) {
      var its = new Gateway[] {null, null};
      for (var route : place.madeOrNone().routes()) {
        if (isDefault(route)) {
          its[six(route) ? 1 : 0] = new Gateway(place, route);
        }
      }
      if (its[0] != null && its[1] != null) {
        return List.of(its[0], its[1]);
      }
      four = four == null ? its[0] : four;
      six = six == null ? its[1] : six;
    }
    return Stream.of(four, six).filter(Objects::nonNull).toList();
  }

  private static void change(List<Gateway> from, List<Gateway> to, InsideMessages messages) {
    for (var gateway : to) {
      if (!from.contains(gateway)) {
        for (var former : from) {
          if (former.six() == gateway.six()) {
            messages.deleteRoute(former.route.link(), DEFAULT, former.route.via());
          }
        }
        gateway.set(messages);
      }
    }
    for (var former : from) {
      if (to.stream().noneMatch(gateway -> gateway.six() == former.six())) {
        messages.deleteRoute(former.route.link(), DEFAULT, former.route.via());
      }
    }
  }
}

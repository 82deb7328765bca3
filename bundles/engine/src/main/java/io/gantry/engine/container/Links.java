package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.api.ContainerSpec;
import io.gantry.api.HostSpec;
import io.gantry.engine.network.Placed;
import io.gantry.engine.spec.ExposedPorts;
import io.gantry.engine.spec.Modes;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Network;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Links: names that a container has for others. As asked for they are {@code NAME:ALIAS}; in
 * records, where a rename must not matter, {@code ID:ALIAS}.
 */
final class Links {
  private Links() {}

  private record Link(String child, String alias) {}

  /** Also as inspect shows them: {@code /CHILD:/PARENT/ALIAS}. */
  private static Link parse(String text) {
    if (text.isEmpty()) {
      throw new GantryException(INVALID, "empty string specified for links");
    }
    String[] parts = text.split(":", -1);
    String alias = parts[parts.length - 1];
    if (parts.length > 1 && text.startsWith("/")) {
      alias = alias.substring(alias.lastIndexOf('/') + 1);
    }
    if (parts.length > 2 || parts[0].isEmpty() || alias.isEmpty() || alias.contains("/")) {
      throw new GantryException(INVALID, "bad format for links: " + text);
    }
    return new Link(parts[0], alias);
  }

  /** The spec with whom it links to by id; the first of several with one alias counts. */
  static ContainerSpec byId(ContainerSpec spec, ContainerTable table) {
    var asked = spec.host().resolver();
    if (asked.links().isEmpty()) {
      return spec;
    }
    refuseModes(spec.host());
    var ids = new LinkedHashMap<String, String>();
    for (String text : asked.links()) {
      var link = parse(text);
      var child = find(link.child(), table);
      if (child.record().spec().host().namespaces().network().equals(Modes.HOST)) {
        throw conflict("host type networking");
      }
      ids.putIfAbsent(link.alias(), child.id + ":" + link.alias());
    }
    return spec.with(with(spec.host(), List.copyOf(ids.values())));
  }

  private static void refuseModes(HostSpec host) {
    String mode = host.namespaces().network();
    if (mode.equals(Modes.HOST)) {
      throw conflict("host type networking");
    }
    if (!Modes.container(mode).isEmpty()) {
      throw conflict("container type network");
    }
  }

  private static GantryException conflict(String what) {
    return new GantryException(
        INVALID,
        "conflicting options: "
            + what
            + " can't be used with links. This would result in undefined behavior");
  }

  /** Whoever has a network of another's is reached where that is. */
  private static Container find(String ref, ContainerTable table) {
    try {
      var child = table.find(ref);
      String donor = Modes.container(child.record().spec().host().namespaces().network());
      return donor.isEmpty() ? child : table.find(donor);
    } catch (GantryException e) { // clients take a NOT_FOUND for the image's
      throw new GantryException(
          INVALID, "could not get container for " + ref + ": " + e.getMessage(), e);
    }
  }

  private static HostSpec with(HostSpec host, List<String> links) {
    var other = host.resolver();
    return host.with(
        new HostSpec.Resolver(
            other.extraHosts(), other.servers(), other.search(), other.options(), links));
  }

  /** As inspect shows them; those that have gone are not there. */
  static List<String> shown(ContainerRecord parent, ContainerTable table) {
    var shown = new ArrayList<String>();
    for (var link : of(parent)) {
      var child = table.byId(link.child());
      if (child != null) {
        shown.add("/" + child.record().name() + ":/" + parent.name() + "/" + link.alias());
      }
    }
    return shown;
  }

  /** Names that links give, {@code PARENT/ALIAS}, by id of whom they lead to. */
  static Map<String, List<String>> aliases(Collection<Container> all) {
    var aliases = new HashMap<String, List<String>>();
    for (var parent : all) {
      for (var link : of(parent.record())) {
        aliases
            .computeIfAbsent(link.child(), child -> new ArrayList<>())
            .add(parent.record().name() + "/" + link.alias());
      }
    }
    aliases.values().forEach(names -> names.sort(null));
    return aliases;
  }

  /** Who is meant by {@code PARENT/ALIAS}; null when there is no such link. */
  static @Nullable Container follow(String name, ContainerTable table) {
    int slash = name.lastIndexOf('/');
    var parent = slash <= 0 ? null : table.byName(name.substring(0, slash));
    if (parent == null) {
      return null;
    }
    String alias = name.substring(slash + 1);
    return of(parent.record()).stream()
        .filter(link -> link.alias().equals(alias))
        .map(link -> table.byId(link.child()))
        .findFirst()
        .orElse(null);
  }

  /** Takes a link away. */
  static void remove(String ref, ContainerTable table, ContainerRecords records) {
    table.find(ref);
    String name = ref.startsWith("/") ? ref.substring(1) : ref;
    int slash = name.lastIndexOf('/');
    if (slash <= 0) {
      throw new GantryException(
          CONFLICT, "Conflict, cannot remove the default link name of the container");
    }
    var parent = table.byName(name.substring(0, slash));
    if (parent == null) {
      throw new GantryException(
          NOT_FOUND, "Cannot get parent /" + name.substring(0, slash) + " for link name /" + name);
    }
    parent.hold();
    try {
      parent.requireThere();
      var record = parent.record();
      String suffix = ":" + name.substring(slash + 1);
      var left =
          record.spec().host().resolver().links().stream()
              .filter(link -> !link.endsWith(suffix))
              .toList();
      var changed = record.specified(record.spec().with(with(record.spec().host(), left)));
      records.put(changed);
      parent.record(changed);
    } finally {
      parent.lock.unlock();
    }
  }

  /**
   * On the network that links are for, whom they lead to has to run, and be in it, too.
   *
   * @throws GantryException CONFLICT
   */
  static void requireReachable(ContainerRecord parent, ContainerTable table) {
    for (var link : of(parent)) {
      var child = table.byId(link.child());
      if (child != null && !child.run().running()) {
        throw new GantryException(
            CONFLICT,
            "Cannot link to a non running container: /"
                + child.record().name()
                + " AS /"
                + parent.name()
                + "/"
                + link.alias());
      }
      if (child != null && !isOnBridge(child.record())) {
        throw new GantryException(
            CONFLICT, "container " + child.id + " not attached to default bridge network");
      }
    }
  }

  private static boolean isOnBridge(ContainerRecord record) {
    return record.networked()
        ? record.spec().networks().stream()
            .anyMatch(asked -> asked.network().equals(Networking.BRIDGE))
        : Networking.isOnBridge(record.spec());
  }

  /** Whether one of its links leads to a container. */
  static boolean lead(ContainerRecord parent, String child) {
    return of(parent).stream().anyMatch(link -> link.child().equals(child));
  }

  /** Lines for the hosts file of whoever links to others in the default network. */
  static List<String> hosts(ContainerRecord parent, ContainerTable table) {
    var lines = new ArrayList<String>();
    for (var link : of(parent)) {
      var child = table.byId(link.child());
      String address = child == null ? "" : addressOf(child);
      if (child != null && !address.isEmpty()) {
        String name = child.record().name();
        lines.add(
            address
                + "\t"
                + link.alias()
                + " "
                + child.record().spec().process().hostname()
                + (name.equals(link.alias()) ? "" : " " + name));
      }
    }
    return lines;
  }

  /** Variables of whoever links to others in the default network, as Docker has them. */
  static List<String> variables(ContainerRecord parent, ContainerTable table) {
    var all = new ArrayList<String>();
    for (var link : of(parent)) {
      var child = table.byId(link.child());
      String address = child == null ? "" : addressOf(child);
      if (child != null && !address.isEmpty()) {
        String prefix = link.alias().toUpperCase(Locale.ROOT).replace('-', '_');
        ports(prefix, address, child.record().spec().process(), all);
        all.add(prefix + "_NAME=/" + parent.name() + "/" + link.alias());
        for (String variable : child.record().spec().process().env()) {
          if (variable.indexOf('=') > 0
              && !variable.startsWith("PATH=")
              && !variable.startsWith("HOME=")) {
            all.add(prefix + "_ENV_" + variable);
          }
        }
      }
    }
    return all;
  }

  private static void ports(
      String prefix, String address, ContainerSpec.Process child, List<String> all) {
    var ports = new ArrayList<>(ExposedPorts.each(child.exposedPorts()));
    ports.sort(
        Comparator.comparingInt(port -> Integer.parseInt(port.substring(0, port.indexOf('/')))));
    for (int i = 0; i < ports.size(); i++) {
      String[] port = ports.get(i).split("/");
      String url = port[1] + "://" + address + ":" + port[0];
      if (i == 0) {
        all.add(prefix + "_PORT=" + url);
      }
      String name = prefix + "_PORT_" + port[0] + "_" + port[1].toUpperCase(Locale.ROOT);
      all.add(name + "=" + url);
      all.add(name + "_ADDR=" + address);
      all.add(name + "_PORT=" + port[0]);
      all.add(name + "_PROTO=" + port[1]);
    }
  }

  /**
   * What the driver of the default network lets pass to ports that containers expose.
   *
   * @param addresses in the default network, by container
   */
  static List<Network.Link> open(
      ContainerRecord parent, Map<String, String> addresses, ContainerTable table) {
    var all = new ArrayList<Network.Link>();
    String client = addresses.get(parent.id());
    for (var link : of(parent)) {
      var child = table.byId(link.child());
      String server = addresses.get(link.child());
      if (client != null && child != null && server != null) {
        for (String exposed : ExposedPorts.each(child.record().spec().process().exposedPorts())) {
          String[] port = exposed.split("/");
          all.add(new Network.Link(client, server, port[1], Integer.parseInt(port[0])));
        }
      }
    }
    return all;
  }

  private static String addressOf(Container child) {
    return addressIn(child.run().places());
  }

  /** IPv4, in the default network; empty for who is not there. */
  static String addressIn(List<Placed> places) {
    return places.stream()
        .filter(place -> place.name().equals(Networking.BRIDGE))
        .map(place -> Placed.plain(place.address()))
        .findFirst()
        .orElse("");
  }

  private static List<Link> of(ContainerRecord parent) {
    var links = parent.spec().host().resolver().links();
    return links.isEmpty() ? List.of() : links.stream().map(Links::parse).toList();
  }
}

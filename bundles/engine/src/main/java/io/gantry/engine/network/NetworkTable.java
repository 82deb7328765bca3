package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static java.util.stream.Collectors.joining;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.Networks;
import io.gantry.api.Networks.Member;
import io.gantry.api.Networks.NetworkView;
import io.gantry.engine.network.NetworkState.Phase;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Network;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * All networks there are, by name and id, and what is to be known of each. Looks at them without a
 * lock; whoever changes what it holds has the keeper's.
 */
public final class NetworkTable {
  private final String instance;
  private final Map<String, NetworkState> states = new ConcurrentHashMap<>(); // by id

  NetworkTable(String instance) {
    this.instance = instance;
  }

  void put(NetworkState state) {
    states.put(state.record().id(), state);
  }

  void remove(String id) {
    states.remove(id);
  }

  @Nullable NetworkState get(String id) {
    return states.get(id);
  }

  /** The default network; null where there is none. */
  @Nullable NetworkState bridge() {
    return states.get(Predefined.id(instance, Predefined.BRIDGE));
  }

  List<NetworkState> all() {
    return List.copyOf(states.values());
  }

  /** Those that clients may know of. */
  Collection<NetworkState> listed() {
    return states.values().stream().filter(NetworkState::isListed).toList();
  }

  /**
   * By name, id, or a prefix of an id that only one has.
   *
   * @throws GantryException NOT_FOUND
   */
  NetworkState find(String ref) {
    NetworkState found = null;
    var byPrefix = new ArrayList<NetworkState>();
    for (var state : listed()) {
      if (state.record().name().equals(ref)) {
        return state;
      }
      if (state.record().id().equals(ref)) {
        found = state;
      } else if (!ref.isEmpty() && state.record().id().startsWith(ref)) {
        byPrefix.add(state);
      }
    }
    if (found != null) {
      return found;
    }
    if (byPrefix.size() > 1) {
      throw new GantryException(
          INVALID,
          "network %s is ambiguous (%d matches found on ID prefix)"
              .formatted(ref, byPrefix.size()));
    }
    if (byPrefix.isEmpty()) {
      throw new GantryException(NOT_FOUND, "network " + shown(ref) + " not found");
    }
    return byPrefix.get(0);
  }

  private static String shown(String ref) {
    return ref.length() > 256 ? ref.substring(0, 256) + "…" : ref;
  }

  /**
   * What clients see of those there are, but for who else is to be in them.
   *
   * @param called what a container is called, by its id
   */
  public List<NetworkView> views(UnaryOperator<String> called) {
    return listed().stream().map(state -> view(state, called)).toList();
  }

  public NetworkView view(String ref, UnaryOperator<String> called) {
    return view(find(ref), called);
  }

  private static NetworkView view(NetworkState state, UnaryOperator<String> called) {
    var record = state.record();
    var members = new HashMap<String, Member>();
    for (var one : state.inhabitants.values()) {
      var place = one.place();
      members.put(
          one.container(),
          new Member(
              one.container(),
              called.apply(one.container()),
              place.endpoint(),
              place.mac(),
              place.address(),
              place.address6()));
    }
    return new NetworkView(
        record.id(),
        record.name(),
        record.created(),
        record.driver(),
        record.ipv4(),
        record.ipv6(),
        record.ipam(),
        record.internal(),
        record.attachable(),
        record.ingress(),
        record.configOnly(),
        record.configFrom(),
        record.options(),
        record.labels(),
        Networks.PREDEFINED.contains(record.name()),
        members,
        List.of());
  }

  /**
   * The name of a network that an endpoint may be asked for of.
   *
   * @throws GantryException INVALID
   */
  public String checked(String ref, NetworkRequest asked) {
    var record = find(ref).record();
    EndpointCheck.check(asked.in(record.name()), record);
    return record.name();
  }

  /**
   * Refuses what cannot be asked for of an endpoint, as far as is known: the network may be made
   * later.
   *
   * @param asked with the network's name
   * @throws GantryException INVALID
   */
  public void check(NetworkRequest asked) {
    var record =
        listed().stream()
            .map(NetworkState::record)
            .filter(one -> one.name().equals(asked.network()))
            .findFirst();
    try {
      EndpointCheck.check(asked, record.orElse(null));
    } catch (GantryException e) {
      throw EndpointCheck.with(asked.network(), e);
    }
  }

  /**
   * @throws GantryException NOT_FOUND
   */
  public String nameOfExisting(String ref) {
    return find(ref).record().name();
  }

  /** Its name, for one that is there; the text itself else. */
  public String nameOf(String ref) {
    try {
      return find(ref).record().name();
    } catch (GantryException e) {
      if (e.kind() != NOT_FOUND) {
        throw e;
      }
      return ref;
    }
  }

  /** The id of what is called so; empty when there is none. */
  public String idOf(String name) {
    for (var state : listed()) {
      if (state.record().name().equals(name)) {
        return state.record().id();
      }
    }
    return "";
  }

  void requireFree(String name) {
    if (states.values().stream().anyMatch(state -> state.record().name().equals(name))) {
      throw new GantryException(CONFLICT, "network with name " + name + " already exists");
    }
  }

  void requireUnused(NetworkState state, UnaryOperator<String> called) {
    var record = state.record();
    if (!state.inhabitants.isEmpty()) {
      throw new GantryException(
          FORBIDDEN,
          "error while removing network: network %s has active endpoints (%s)"
              .formatted(record.name(), inhabitants(state, called)));
    }
    boolean isSource =
        record.configOnly()
            && states.values().stream()
                .anyMatch(other -> other.record().configFrom().equals(record.name()));
    if (isSource) {
      throw new GantryException(
          FORBIDDEN,
          "error while removing network: configuration network \""
              + record.name()
              + "\" is in use");
    }
  }

  private static String inhabitants(NetworkState state, UnaryOperator<String> called) {
    return state.inhabitants.values().stream()
        .map(
            one ->
                "name:\"%s\" id:\"%s\""
                    .formatted(
                        called.apply(one.container()), one.place().endpoint().substring(0, 12)))
        .sorted()
        .collect(joining(", "));
  }

  /** Whether nothing leads out of it; also one that is not there any more. */
  public boolean isInternal(String id) {
    var state = states.get(id);
    return state == null || state.record().internal();
  }

  /** Whether clients of published ports have to get past what the host's firewall lets in. */
  public boolean isHeldToFirewall(String id) {
    return option(id, "io.gantry.network.firewall").equals("host");
  }

  /** Whether clients of a family come to containers' own addresses, not to ports of the host. */
  public boolean isRouted(String id, boolean six) {
    String option = "com.docker.network.bridge.gateway_mode_ipv" + (six ? 6 : 4);
    return option(id, option).equals("routed");
  }

  /** Whether some clients come to published ports at containers' own addresses. */
  boolean leadsToContainers(String id) {
    String trusted = option(id, "com.docker.network.bridge.trusted_host_interfaces");
    return isRouted(id, false) || isRouted(id, true) || !trusted.isEmpty();
  }

  /** Empty for one that is not set, and of a network that is not there any more. */
  private String option(String id, String name) {
    var state = states.get(id);
    return state == null ? "" : state.record().options().getOrDefault(name, "");
  }

  /** Address of the host that ports are published on which were asked for on none. */
  public String bindingOf(String id) {
    String text = option(id, "com.docker.network.bridge.host_binding_ipv4");
    return text.equals("0.0.0.0") ? "" : text;
  }

  /** Of the default network, IPv4; empty when there is none. */
  public String defaultGateway() {
    var bridge = bridge();
    return bridge == null
        ? ""
        : bridge.record().ipam().pools().stream()
            .map(pool -> pool.gateway())
            .filter(gateway -> gateway.indexOf(':') < 0)
            .findFirst()
            .orElse("");
  }

  /** Whether containers of the default network reach each other by links alone. */
  public boolean keepsApart() {
    var bridge = bridge();
    return bridge != null
        && bridge
            .record()
            .options()
            .getOrDefault("com.docker.network.bridge.enable_icc", "true")
            .equals("false");
  }

  /** Who is in networks of a driver or on the way into one. */
  public List<Placed> inhabitants(String driver) {
    return states.values().stream()
        .flatMap(state -> state.inhabitants.values().stream())
        .map(NetworkState.Inhabitant::place)
        .filter(place -> place.driver().equals(driver))
        .toList();
  }

  /** Also of one that is not there any more. */
  Network network(Placed place) {
    var state = states.get(place.network());
    return state == null
        ? new Network(place.network(), place.name(), List.of(), false, Map.of())
        : state.network();
  }

  /** Networks that a driver has made, as far as the records know. */
  public List<Network> networksOf(String driver) {
    return all().stream()
        .filter(state -> state.phase() != Phase.PROPOSED && state.record().driver().equals(driver))
        .map(NetworkState::network)
        .toList();
  }
}

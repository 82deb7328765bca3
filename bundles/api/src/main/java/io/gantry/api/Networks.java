package io.gantry.api;

import io.gantry.api.ContainerSpec.NetworkRequest;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Networks and who is in them. A {@code ref} is a name, a full id, or an unambiguous prefix of an
 * id; looked up in that order.
 *
 * <p>Every method that takes a ref fails with NOT_FOUND ({@code network REF not found}), INVALID
 * when a prefix is ambiguous.
 */
@ProviderType
public interface Networks {

  /** Those that are always there. */
  List<String> PREDEFINED = List.of("bridge", "host", "none");

  /**
   * Makes a network, durably.
   *
   * @throws io.gantry.spi.GantryException CONFLICT when there is one of that name, INVALID for
   *     settings that are none, FORBIDDEN for a predefined name or subnets that are taken,
   *     NOT_FOUND for a driver that is not there
   */
  Created create(NetworkSpec spec);

  /** All there are, by name. */
  List<NetworkView> list();

  NetworkView inspect(String ref);

  /** What keeps the default network, where it was made, from working as users expect. */
  default List<String> warnings() {
    return List.of();
  }

  /**
   * Removes it, durably.
   *
   * @throws io.gantry.spi.GantryException FORBIDDEN for a predefined one and while a running
   *     container is in it
   */
  void remove(String ref);

  /**
   * Removes those that no container has and that match; predefined ones stay.
   *
   * @return names
   */
  List<String> prune(Predicate<NetworkView> which);

  /**
   * Connects a container, durably: a running one at once, others at their next start.
   *
   * @param endpoint its {@code network} is not looked at
   * @throws io.gantry.spi.GantryException FORBIDDEN when it is connected already, or has no network
   *     of its own; INVALID for addresses that are none
   */
  void connect(String ref, String container, NetworkRequest endpoint);

  /**
   * Takes a container out of a network, durably.
   *
   * @param force also one that is not there any more; its name is enough
   * @throws io.gantry.spi.GantryException FORBIDDEN when it is not connected
   */
  void disconnect(String ref, String container, boolean force);

  record Created(String id, List<String> warnings) {
    public Created {
      warnings = List.copyOf(warnings);
    }
  }

  /**
   * A network as asked for.
   *
   * @param driver empty: the default one
   * @param configOnly nothing but settings, for other networks to take theirs from
   * @param configFrom name of such a network, or empty
   * @param options of the driver, by the names Docker gives them
   */
  record NetworkSpec(
      String name,
      String driver,
      boolean ipv4,
      boolean ipv6,
      Ipam ipam,
      boolean internal,
      boolean attachable,
      boolean ingress,
      boolean configOnly,
      String configFrom,
      Map<String, String> options,
      Map<String, String> labels) {

    public NetworkSpec {
      options = Map.copyOf(options);
      labels = Map.copyOf(labels);
    }
  }

  /**
   * Where addresses come from.
   *
   * @param driver empty or {@code default}: the engine's own
   * @param options null when the client said nothing
   * @param pools in the order given; none of a family: the engine chooses one
   */
  record Ipam(String driver, @Nullable Map<String, String> options, List<Pool> pools) {

    public static final Ipam NONE = new Ipam("", null, List.of());

    public Ipam {
      options = options == null ? null : Map.copyOf(options);
      pools = List.copyOf(pools);
    }
  }

  /**
   * A subnet.
   *
   * @param subnet {@code 172.18.0.0/16}
   * @param range part of it that addresses are chosen from; empty: all of it
   * @param gateway empty: the engine chooses
   * @param auxiliary addresses by name that belong to somebody else
   */
  record Pool(String subnet, String range, String gateway, Map<String, String> auxiliary) {

    public Pool {
      auxiliary = Map.copyOf(auxiliary);
    }
  }

  /**
   * A network at one moment.
   *
   * @param predefined one that is always there
   * @param endpoints of containers that run, by id
   * @param users ids of all containers that have it, running or not
   */
  record NetworkView(
      String id,
      String name,
      Instant created,
      String driver,
      boolean ipv4,
      boolean ipv6,
      Ipam ipam,
      boolean internal,
      boolean attachable,
      boolean ingress,
      boolean configOnly,
      String configFrom,
      Map<String, String> options,
      Map<String, String> labels,
      boolean predefined,
      Map<String, Member> endpoints,
      List<String> users) {

    public NetworkView {
      options = Map.copyOf(options);
      labels = Map.copyOf(labels);
      endpoints = Map.copyOf(endpoints);
      users = List.copyOf(users);
    }

    /** The same with other users. */
    public NetworkView with(List<String> others) {
      return new NetworkView(
          id,
          name,
          created,
          driver,
          ipv4,
          ipv6,
          ipam,
          internal,
          attachable,
          ingress,
          configOnly,
          configFrom,
          options,
          labels,
          predefined,
          endpoints,
          others);
    }
  }

  /**
   * A running container in a network.
   *
   * @param address {@code 172.18.0.2/16}, or empty
   * @param address6 the same of IPv6
   */
  record Member(
      String container,
      String name,
      String endpointId,
      String mac,
      String address,
      String address6) {}
}

package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNSUPPORTED;

import io.gantry.api.ContainerSpec;
import io.gantry.api.Leased;
import io.gantry.engine.spec.Modes;
import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Attachment;
import io.gantry.spi.network.Endpoint;
import io.gantry.spi.network.Network;
import io.gantry.spi.network.NetworkDriver;
import io.gantry.store.Digest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Containers' networks. So far there are {@code host} and {@code none}; who asks for the default
 * network gets loopback only, and is told so.
 */
final class Networking {
  static final String DRIVER = "builtin";
  private static final Set<String> DEFAULT = Set.of("default", "bridge");
  private static final String NO_BRIDGE =
      "The bridge network driver is not built yet: the container has a network of its own with"
          + " loopback only.";
  private static final String NO_PORTS =
      "Ports cannot be published yet: they need the bridge network driver.";

  private final Leased<NetworkDriver> drivers;
  private final String instance;

  Networking(Leased<NetworkDriver> drivers, String instance) {
    this.drivers = drivers;
    this.instance = instance;
  }

  /** Whether it is on the network that links are for. */
  static boolean isOnBridge(ContainerSpec spec) {
    return DEFAULT.contains(spec.host().namespaces().network());
  }

  /**
   * Refuses networks that there are not; that of the mode is looked for at the start, as clients
   * take a NOT_FOUND of create for the image's.
   *
   * @return warnings
   */
  static List<String> check(ContainerSpec spec) {
    String mode = spec.host().namespaces().network();
    spec.networks().forEach(network -> known(network.network()));
    var warnings = new ArrayList<String>();
    if (DEFAULT.contains(mode)) {
      warnings.add(NO_BRIDGE);
      if (!spec.host().publishing().ports().isEmpty() || spec.host().publishing().all()) {
        warnings.add(NO_PORTS);
      }
    }
    return warnings;
  }

  /**
   * @throws GantryException NOT_FOUND for a network that there is not
   */
  static void checkMode(ContainerSpec spec) {
    try {
      known(spec.host().namespaces().network());
    } catch (GantryException e) {
      throw new GantryException(
          e.kind(), "failed to set up container networking: " + e.getMessage(), e);
    }
  }

  private static void known(String name) {
    boolean there =
        name.isEmpty()
            || DEFAULT.contains(name)
            || name.equals(Modes.HOST)
            || name.equals(Modes.NONE)
            || !Modes.container(name).isEmpty();
    if (!there) {
      throw new GantryException(NOT_FOUND, "network " + name + " not found");
    }
  }

  /** Null where it shares somebody else's network. */
  static @Nullable String networkOf(ContainerSpec spec) {
    String mode = spec.host().namespaces().network();
    if (!Modes.container(mode).isEmpty()) {
      return null;
    }
    return mode.equals(Modes.HOST) ? Modes.HOST : Modes.NONE;
  }

  /** Whether an attachment brings nothing inside: its namespace need not be there for it. */
  static boolean isAlone(ContainerSpec spec) {
    String name = networkOf(spec);
    return name == null || name.equals(Modes.HOST) || name.equals(Modes.NONE);
  }

  /** Whether it has a network namespace of its own. */
  static boolean isOwn(ContainerSpec spec) {
    String name = networkOf(spec);
    return name != null && !name.equals(Modes.HOST);
  }

  /** Waits for the driver if need be, for who does not wait for an attach. */
  boolean ready(ContainerSpec spec) {
    return networkOf(spec) == null || drivers.call(DRIVER, driver -> true);
  }

  Network network(String name) {
    return new Network(
        Digest.sha256((instance + "/" + name).getBytes(StandardCharsets.UTF_8)).hex(),
        name,
        List.of(),
        false,
        Map.of());
  }

  List<Network> all() {
    return List.of(network(Modes.HOST), network(Modes.NONE));
  }

  /** An endpoint in the namespaces of a process; null where it shares somebody else's network. */
  static @Nullable Endpoint endpoint(ContainerSpec spec, long initPid) {
    return networkOf(spec) == null
        ? null
        : new Endpoint(
            Ids.random(), initPid, "/proc/" + initPid + "/ns/net", List.of(), "", Map.of());
  }

  @Nullable Attachment attach(ContainerSpec spec, @Nullable Endpoint endpoint) {
    String name = networkOf(spec);
    if (name == null || endpoint == null) {
      return null;
    }
    return drivers.call(DRIVER, driver -> driver.attach(network(name), endpoint));
  }

  /**
   * Takes back an attach, whatever has become of it.
   *
   * @param attached what it returned; null when it failed: detaching goes by the endpoint
   */
  void abandon(ContainerSpec spec, @Nullable Endpoint endpoint, @Nullable Attachment attached) {
    if (endpoint != null) {
      detach(spec, attached == null ? Attachment.none(endpoint.id()) : attached);
    }
  }

  void detach(ContainerSpec spec, @Nullable Attachment attachment) {
    String name = networkOf(spec);
    if (name != null && attachment != null) {
      drivers.call(
          DRIVER,
          driver -> {
            driver.detach(network(name), attachment);
            return true;
          });
    }
  }

  /** The inside of an attachment, for init to carry out before anything else. */
  static void prepare(ContainerSpec spec, @Nullable Attachment attachment, OpProgram program) {
    if (Modes.NONE.equals(networkOf(spec))) {
      program.loopbackUp();
    }
    if (attachment == null) {
      return;
    }
    if (!attachment.links().isEmpty()
        || !attachment.addresses().isEmpty()
        || !attachment.routes().isEmpty()) {
      throw new GantryException(
          UNSUPPORTED, "this engine cannot set up interfaces in a container yet");
    }
    attachment.sysctls().forEach((key, value) -> program.sysctl(key.replace('.', '/'), value));
  }
}

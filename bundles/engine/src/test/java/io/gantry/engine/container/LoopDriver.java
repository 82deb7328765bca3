package io.gantry.engine.container;

import io.gantry.api.Leased;
import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.network.Attachment;
import io.gantry.spi.network.Endpoint;
import io.gantry.spi.network.Network;
import io.gantry.spi.network.NetworkDriver;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Networks whose containers have their addresses and routes on their loopback interface: all of the
 * inside is real, and nothing is done to the host.
 */
final class LoopDriver implements NetworkDriver {
  private static final int LOOPBACK = 1;

  final List<String> calls = new CopyOnWriteArrayList<>();

  /** Of every attach from now on. */
  volatile @Nullable GantryException failure;

  /** Of the next one that is told of links. */
  volatile @Nullable GantryException linkFailure;

  /** What passes between containers, as it was told last. */
  volatile List<Network.Link> links = List.of();

  /** Of the next one that is told of ports. */
  volatile @Nullable GantryException openFailure;

  /** Ports of containers that clients come to, as it was told last, by network. */
  final Map<String, List<Network.Port>> ports = new ConcurrentHashMap<>();

  /** The network that it does not let go. */
  volatile String stuck = "";

  /** Whom the last attach was for. */
  volatile long initPid;

  /** At the end of every attach from now on. */
  volatile Runnable meanwhile = () -> {};

  /** In every detach from now on. */
  volatile Runnable detaching = () -> {};

  /** In every disconnect from now on. */
  volatile Runnable leaving = () -> {};

  Leased<NetworkDriver> leased() {
    return new Leased<>() {
      @Override
      public <R> R call(String name, Function<? super NetworkDriver, ? extends R> body) {
        return body.apply(LoopDriver.this);
      }

      @Override
      public List<String> names() {
        return List.of("builtin", "loop");
      }

      @Override
      public String defaultName() {
        return "loop";
      }
    };
  }

  @Override
  public Support probe() {
    return Support.yes();
  }

  @Override
  public Set<String> features() {
    return Set.of("ipv6", "internal", "live-attach");
  }

  @Override
  public void create(Network network) {
    calls.add("create " + network.name());
  }

  @Override
  public void remove(Network network) {
    calls.add("remove " + network.name());
    if (network.name().equals(stuck)) {
      throw new GantryException(GantryException.Kind.INTERNAL, "it is stuck");
    }
  }

  @Override
  public void link(Network network) {
    var no = linkFailure;
    linkFailure = null;
    if (no != null) {
      throw no;
    }
    calls.add("link " + network.name());
    links = network.links();
  }

  @Override
  public void open(Network network) {
    var no = openFailure;
    openFailure = null;
    if (no != null) {
      throw no;
    }
    calls.add("open " + network.name());
    ports.put(network.name(), network.ports());
  }

  @Override
  public Attachment attach(Network network, Endpoint endpoint) {
    calls.add("attach " + network.name());
    initPid = endpoint.initPid();
    var no = failure;
    if (no != null) {
      throw no;
    }
    meanwhile.run();
    if (endpoint.addresses().isEmpty()) {
      return Attachment.none(endpoint.id());
    }
    return new Attachment(
        endpoint.id(),
        List.of(),
        endpoint.addresses().stream().map(a -> new Attachment.Address(LOOPBACK, a)).toList(),
        network.internal() ? List.of() : List.of(new Attachment.Route(LOOPBACK, "default", "")),
        Map.of());
  }

  @Override
  public void detach(Network network, Attachment attachment) {
    calls.add("detach " + network.name());
    detaching.run();
  }

  @Override
  public void disconnect(Network network, Attachment attachment) {
    calls.add("disconnect " + network.name());
    leaving.run();
  }

  @Override
  public Recovery recover(List<Network> networks, List<Attachment> attachments) {
    return new Recovery(Set.of(), Set.of());
  }
}

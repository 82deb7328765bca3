package io.gantry.engine.network;

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
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A driver that notes what it is asked for, and is the default one. */
public final class FakeBridge implements NetworkDriver {
  public final List<String> calls = new CopyOnWriteArrayList<>();

  /** Of every create from now on. */
  volatile @Nullable GantryException failure;

  /** Of every remove from now on. */
  volatile @Nullable GantryException removal;

  /** Of the next create. */
  volatile @Nullable GantryException refuseOnce;

  /** Whether who is attached from now on gets a default route. */
  volatile boolean leadsOut;

  /** A lease on it, and on itself as the builtin one. */
  public Leased<NetworkDriver> leased() {
    return new Leased<>() {
      @Override
      public <R> R call(String name, Function<? super NetworkDriver, ? extends R> body) {
        if (!names().contains(name)) {
          throw new GantryException(GantryException.Kind.NOT_FOUND, "no driver " + name);
        }
        return body.apply(FakeBridge.this);
      }

      @Override
      public List<String> names() {
        return List.of("bridge", "builtin");
      }

      @Override
      public String defaultName() {
        return "bridge";
      }
    };
  }

  @Override
  public Support probe() {
    return Support.yes();
  }

  @Override
  public Set<String> features() {
    return Set.of("ipv6", "internal", "multiple-subnets", "live-attach");
  }

  @Override
  public void create(Network network) {
    calls.add("create " + network.name());
    var once = refuseOnce;
    refuseOnce = null;
    fail(once);
    fail(failure);
  }

  @Override
  public void remove(Network network) {
    calls.add("remove " + network.name());
    fail(removal);
  }

  private static void fail(@Nullable GantryException e) {
    if (e != null) {
      throw e;
    }
  }

  @Override
  public Attachment attach(Network network, Endpoint endpoint) {
    calls.add("attach " + network.name());
    if (!leadsOut) {
      return Attachment.none(endpoint.id());
    }
    var routes =
        network.subnets().stream()
            .map(subnet -> new Attachment.Route(endpoint.index(), "default", subnet.gateway()))
            .toList();
    return new Attachment(endpoint.id(), List.of(), List.of(), routes, Map.of());
  }

  @Override
  public void detach(Network network, Attachment attachment) {
    calls.add("detach " + network.name());
  }

  @Override
  public Recovery recover(List<Network> networks, List<Attachment> attachments) {
    return new Recovery(Set.of(), Set.of());
  }
}

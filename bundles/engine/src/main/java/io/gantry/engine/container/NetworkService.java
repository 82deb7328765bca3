package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.Networks;
import io.gantry.engine.network.NetworkKeeper;
import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Networks as the edges see them. */
final class NetworkService implements Networks {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final NetworkKeeper keeper;
  private final ContainerTable table;
  private final Networking networking;
  private final Connecting connecting;

  NetworkService(
      NetworkKeeper keeper, ContainerTable table, Networking networking, Connecting connecting) {
    this.keeper = keeper;
    this.table = table;
    this.networking = networking;
    this.connecting = connecting;
  }

  @Override
  public Created create(NetworkSpec spec) {
    var warnings = new ArrayList<String>();
    return new Created(keeper.create(spec, warnings), warnings);
  }

  @Override
  public List<NetworkView> list() {
    var users = users();
    return keeper.table().views(this::called).stream()
        .map(view -> view.with(users.getOrDefault(view.name(), List.of())))
        .sorted(Comparator.comparing(NetworkView::name))
        .toList();
  }

  @Override
  public NetworkView inspect(String ref) {
    var view = keeper.table().view(ref, this::called);
    return view.with(users().getOrDefault(view.name(), List.of()));
  }

  @Override
  public List<String> warnings() {
    return keeper.warnings();
  }

  private String called(String container) {
    var found = table.byId(container);
    return found == null ? container : found.record().name();
  }

  /** Ids of containers by the name of a network that they are to be in. */
  private Map<String, List<String>> users() {
    var users = new HashMap<String, List<String>>();
    for (var container : table.newestFirst()) {
      for (var wanted : networking.wanted(container.record())) {
        users.computeIfAbsent(wanted.network(), none -> new ArrayList<>()).add(container.id);
      }
    }
    return users;
  }

  @Override
  public void remove(String ref) {
    keeper.remove(ref, this::called);
  }

  @Override
  public List<String> prune(Predicate<NetworkView> which) {
    var names = new ArrayList<String>();
    for (var view : list()) {
      if (view.predefined() || !view.users().isEmpty() || !which.test(view)) {
        continue;
      }
      try {
        remove(view.id());
        names.add(view.name());
      } catch (GantryException e) {
        boolean meanwhile = e.kind() == FORBIDDEN || e.kind() == NOT_FOUND; // taken, or removed
        log.log(meanwhile ? DEBUG : WARNING, "{0} stays: {1}", view.name(), e.getMessage());
      }
    }
    keeper.tellPruned();
    return names;
  }

  @Override
  public void connect(String ref, String container, NetworkRequest endpoint) {
    if (container.isEmpty()) {
      throw new GantryException(INVALID, "invalid name or ID supplied: \"\"");
    }
    var found = table.find(container);
    connecting.connect(found, endpoint.in(keeper.table().checked(ref, endpoint)));
  }

  @Override
  public void disconnect(String ref, String container, boolean force) {
    var found = table.find(container);
    String name = keeper.table().nameOf(ref);
    boolean known =
        networking.wanted(found.record()).stream().anyMatch(one -> one.network().equals(name));
    connecting.disconnect(found, known ? name : keeper.table().nameOfExisting(ref));
  }
}

package io.gantry.rest.docker;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.api.ContainerView;
import io.gantry.api.Containers;
import io.gantry.api.Images;
import io.gantry.api.Images.ImageView;
import io.gantry.spi.GantryException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** The filters of {@code GET /containers/json}. */
public final class ContainerFilter {

  private static final Set<String> KEYS =
      Set.of(
          "ancestor",
          "before",
          "exited",
          "expose",
          "health",
          "id",
          "isolation",
          "is-task",
          "label",
          "name",
          "network",
          "publish",
          "since",
          "status",
          "volume");
  private static final List<String> STATES =
      List.of("created", "running", "paused", "restarting", "removing", "exited", "dead");
  private static final List<String> HEALTH = List.of("none", "starting", "healthy", "unhealthy");

  private final Filters filters;
  private final List<Predicate<ContainerView>> tests = new ArrayList<>();

  public ContainerFilter(String text, Containers containers, Images images) {
    filters = Filters.parse(text, KEYS);
    check("status", "state", STATES);
    check("health", "health", HEALTH);
    tests.add(
        view ->
            filters.matches("name", view.name())
                || filters.matches("name", "/" + view.name())
                || (filters.has("name")
                    && view.aliases().stream()
                        .anyMatch(alias -> filters.matches("name", "/" + alias))));
    tests.add(view -> filters.begins("id", view.id()));
    tests.add(view -> filters.labels(view.spec().labels()));
    tests.add(view -> filters.allows("status", ContainerJson.word(view.state())));
    tests.add(view -> filters.allows("health", HealthJson.word(view.state())));
    tests.add(view -> !filters.flag("is-task", false));
    tests.add(this::onNetwork);
    tests.add(this::hasVolume);
    if (filters.has("exited")) {
      exited();
    }
    bounds(containers);
    ports();
    if (filters.has("ancestor")) {
      Set<String> ids = descendants(images);
      tests.add(view -> ids.contains(view.imageId()));
    }
  }

  /** Stopped ones are wanted although nobody said {@code all}. */
  public boolean wantsAll() {
    return filters.has("status") || filters.has("before") || filters.has("since");
  }

  public boolean allows(ContainerView view) {
    return tests.stream().allMatch(test -> test.test(view));
  }

  private void check(String key, String what, List<String> allowed) {
    for (String value : filters.get(key)) {
      if (!allowed.contains(value)) {
        throw new GantryException(
            INVALID,
            "invalid filter '"
                + key
                + "="
                + value
                + "': invalid value for "
                + what
                + " ("
                + value
                + "): must be one of "
                + String.join(", ", allowed));
      }
    }
  }

  private boolean onNetwork(ContainerView view) {
    return !filters.has("network")
        || filters.get("network").stream()
            .anyMatch(
                asked ->
                    view.networks().containsKey(asked)
                        || view.networks().values().stream()
                            .anyMatch(endpoint -> endpoint.networkId().equals(asked)));
  }

  /** By name, what has none by where it is on the host; or by where it is inside. */
  private boolean hasVolume(ContainerView view) {
    var asked = filters.get("volume");
    return asked.isEmpty()
        || view.mounts().stream()
            .anyMatch(
                mount ->
                    asked.contains(mount.name().isEmpty() ? mount.source() : mount.name())
                        || asked.contains(mount.destination()));
  }

  private void exited() {
    var codes = new HashSet<Integer>();
    for (String code : filters.get("exited")) {
      try {
        codes.add(Integer.valueOf(code));
      } catch (NumberFormatException e) {
        throw new GantryException(
            INVALID,
            "invalid filter 'exited="
                + code
                + "': strconv.Atoi: parsing \""
                + code
                + "\": invalid syntax",
            e);
      }
    }
    tests.add(
        view ->
            !view.state().running()
                && view.state().started() != null
                && codes.contains(view.state().exitCode()));
  }

  private void bounds(Containers containers) {
    for (String ref : filters.get("before")) {
      Instant bound = containers.inspect(ref).created();
      tests.add(view -> view.created().isBefore(bound));
    }
    for (String ref : filters.get("since")) {
      Instant bound = containers.inspect(ref).created();
      tests.add(view -> view.created().isAfter(bound));
    }
  }

  /** Of those that a list shows: either one that is published, by its number on the host. */
  private void ports() {
    if (!filters.has("expose") && !filters.has("publish")) {
      return;
    }
    Set<String> inside = ports("expose");
    Set<String> outside = ports("publish");
    tests.add(
        view ->
            ContainerListJson.ports(view).stream()
                .anyMatch(
                    port ->
                        inside.contains(port.get("PrivatePort") + "/" + port.get("Type"))
                            || outside.contains(port.get("PublicPort") + "/" + port.get("Type"))));
  }

  private Set<String> ports(String key) {
    var asked = new HashSet<String>();
    filters.get(key).forEach(range -> asked.addAll(expanded(key, range)));
    return asked;
  }

  /** {@code 80}, {@code 80/udp} or {@code 80-82/tcp} as single ports. */
  private static List<String> expanded(String key, String range) {
    String[] parts = range.split("/", 2);
    String[] ends = parts[0].split("-", 2);
    try {
      int first = Integer.parseInt(ends[0]);
      int last = Integer.parseInt(ends[ends.length - 1]);
      if (first < 0 || last > 65535 || first > last) {
        throw new NumberFormatException(range);
      }
      var ports = new ArrayList<String>();
      for (int port = first; port <= last; port++) {
        ports.add(port + "/" + (parts.length == 1 ? "tcp" : parts[1]));
      }
      return ports;
    } catch (NumberFormatException e) {
      throw new GantryException(
          INVALID,
          "error while looking up for "
              + key
              + " "
              + range
              + ": strconv.ParseUint: parsing \""
              + range
              + "\": invalid syntax",
          e);
    }
  }

  /** The images asked for and all that stand on them. */
  private Set<String> descendants(Images images) {
    var roots = new HashSet<String>();
    for (String ref : filters.get("ancestor")) {
      try {
        roots.add(images.inspect(ref).id());
      } catch (GantryException e) {
        if (e.kind() != NOT_FOUND) {
          throw e;
        } // no such image: nothing stands on it
      }
    }
    Map<String, String> parents = new HashMap<>();
    for (ImageView image : images.list()) {
      parents.put(image.id(), image.parent());
    }
    var found = new HashSet<>(roots);
    for (String id : parents.keySet()) {
      String at = id;
      for (int steps = 0; steps < 128 && at != null && !at.isEmpty(); steps++) {
        if (roots.contains(at)) {
          found.add(id);
          break;
        }
        at = parents.get(at);
      }
    }
    return found;
  }
}

package io.gantry.rest;

import io.gantry.api.Volumes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/** Volumes in memory. */
final class FakeVolumes implements Volumes {

  private static final Instant CREATED = Instant.parse("2026-11-23T06:50:04.123Z");

  final Map<String, VolumeView> all = new TreeMap<>();

  void add(String name, Map<String, String> labels, String... users) {
    all.put(
        name,
        new VolumeView(
            name,
            "local",
            "/var/lib/docker/volumes/" + name + "/_data",
            CREATED,
            null,
            labels.isEmpty() ? null : labels,
            Map.of(),
            List.of(users)));
  }

  @Override
  public VolumeView create(VolumeSpec spec) {
    if (!spec.driver().isEmpty() && !spec.driver().equals("local")) {
      throw new GantryException(
          Kind.NOT_FOUND,
          "create x: error looking up volume plugin nosuch: plugin \"nosuch\" not found");
    }
    var view =
        new VolumeView(
            spec.name(),
            "local",
            "/var/lib/docker/volumes/" + spec.name() + "/_data",
            CREATED,
            spec.options(),
            spec.labels(),
            Map.of(),
            List.of());
    all.put(spec.name(), view);
    return view;
  }

  @Override
  public List<VolumeView> list() {
    return List.copyOf(all.values());
  }

  @Override
  public VolumeView inspect(String name) {
    var view = all.get(name);
    if (view == null) {
      throw new GantryException(Kind.NOT_FOUND, "get " + name + ": no such volume");
    }
    return view;
  }

  @Override
  public void remove(String name, boolean force) {
    if (all.remove(name) == null && !force) {
      throw new GantryException(Kind.NOT_FOUND, "get " + name + ": no such volume");
    }
  }

  @Override
  public Pruned prune(Predicate<VolumeView> which) {
    var names = new ArrayList<String>();
    for (var view : list()) {
      if (view.users().isEmpty() && which.test(view)) {
        all.remove(view.name());
        names.add(view.name());
      }
    }
    return new Pruned(names, 10L * names.size());
  }

  @Override
  public long bytes(String name) {
    inspect(name);
    return 0;
  }
}

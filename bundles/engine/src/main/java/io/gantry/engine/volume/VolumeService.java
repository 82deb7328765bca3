package io.gantry.engine.volume;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.api.Volumes;
import io.gantry.spi.GantryException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Volumes as the edges see them. */
public final class VolumeService implements Volumes {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int NAME_BYTES = 32;

  private final VolumeKeeper keeper;

  public VolumeService(VolumeKeeper keeper) {
    this.keeper = keeper;
  }

  /** A name for a volume that was given none. */
  public static String madeUp() {
    byte[] bytes = new byte[NAME_BYTES];
    RANDOM.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  /** The labels with the one that says that nobody gave it a name. */
  public static Map<String, String> anonymous(@Nullable Map<String, String> labels) {
    var all = new TreeMap<>(labels == null ? Map.of() : labels);
    all.put(ANONYMOUS, "");
    return all;
  }

  @Override
  public VolumeView create(VolumeSpec asked) {
    var spec =
        asked.name().isEmpty()
            ? new VolumeSpec(madeUp(), asked.driver(), asked.options(), anonymous(asked.labels()))
            : asked;
    if (!spec.driver().isEmpty()) {
      keeper.requireDriver(spec.name(), spec.driver()); // clients learn of a wrong one first
    }
    VolumeNames.check(spec.name());
    return keeper
        .table()
        .with(
            spec.name(),
            state -> {
              keeper.obtain(state, spec, "", false);
              return view(state, state.require());
            });
  }

  @Override
  public List<VolumeView> list() {
    var views = new ArrayList<VolumeView>();
    for (var state : keeper.table().all()) {
      var record = state.record();
      if (record != null && !record.removing()) {
        views.add(view(state, record));
      }
    }
    return views;
  }

  @Override
  public VolumeView inspect(String name) {
    var state = find(name);
    return view(state, state.require());
  }

  private VolumeState find(String name) {
    var state = keeper.table().find(name);
    if (state == null) {
      throw new GantryException(NOT_FOUND, "get " + name + ": no such volume");
    }
    return state;
  }

  private static VolumeView view(VolumeState state, VolumeRecord record) {
    return new VolumeView(
        record.name(),
        record.driver(),
        state.path(),
        record.created(),
        record.options(),
        record.labels(),
        state.status(),
        List.copyOf(state.users));
  }

  @Override
  public void remove(String name, boolean force) {
    try {
      find(name).require();
      keeper
          .table()
          .with(
              name,
              state -> {
                keeper.remove(state, force);
                return true;
              });
    } catch (GantryException e) {
      if (!(force && e.kind() == NOT_FOUND)) {
        throw e;
      }
    }
  }

  @Override
  public Pruned prune(Predicate<VolumeView> which) {
    keeper.requireUsersKnown();
    var names = new ArrayList<String>();
    var left = new ArrayList<GantryException>();
    long bytes = 0;
    for (var view : list()) {
      if (!view.users().isEmpty() || !which.test(view)) {
        continue;
      }
      try {
        long size = bytes(view.name());
        remove(view.name(), false);
        names.add(view.name());
        bytes += Math.max(0, size);
      } catch (GantryException e) { // a driver that is away keeps no others' volumes
        if (e.kind() != CONFLICT && e.kind() != NOT_FOUND) {
          left.add(e);
        } // else it was taken or removed by somebody meanwhile
      }
    }
    keeper.teller().pruned(bytes);
    if (!left.isEmpty()) {
      var first = left.get(0);
      throw new GantryException(
          first.kind(),
          "%d volumes were removed and %d not: %s"
              .formatted(names.size(), left.size(), first.getMessage()),
          first);
    }
    return new Pruned(names, bytes);
  }

  @Override
  public long bytes(String name) {
    return keeper.bytes(find(name).require());
  }
}

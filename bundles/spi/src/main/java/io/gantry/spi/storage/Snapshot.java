package io.gantry.spi.storage;

import io.gantry.spi.GantryException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One snapshot as listed. */
public record Snapshot(
    String id, Kind kind, @Nullable String parent, Instant created, Map<String, String> labels) {

  private static final Pattern ID = Pattern.compile("[a-zA-Z0-9_-][a-zA-Z0-9_.-]{0,127}");

  /** What may be done with it. */
  public enum Kind {
    LAYER,
    WRITABLE,
    VIEW
  }

  public Snapshot {
    labels = Map.copyOf(labels);
  }

  /**
   * What every verb of a driver does first: an id that passes is one path component.
   *
   * @throws GantryException INVALID
   */
  public static void checkId(String id) {
    if (!ID.matcher(id).matches()) {
      throw new GantryException(
          GantryException.Kind.INVALID, "not a snapshot id: " + id.replaceAll("[^ -~]", "?"));
    }
  }

  /** Parents before children; a parent that is missing keeps nobody out. */
  public static List<Snapshot> parentsFirst(Collection<Snapshot> snapshots) {
    Map<String, Snapshot> left = new LinkedHashMap<>();
    snapshots.forEach(snapshot -> left.put(snapshot.id(), snapshot));
    List<Snapshot> sorted = new ArrayList<>();
    while (!left.isEmpty()) {
      List<Snapshot> line = new ArrayList<>();
      Snapshot next = left.values().iterator().next();
      while (next != null) {
        line.add(left.remove(next.id()));
        next = next.parent() == null ? null : left.get(next.parent());
      }
      Collections.reverse(line);
      sorted.addAll(line);
    }
    return sorted;
  }
}

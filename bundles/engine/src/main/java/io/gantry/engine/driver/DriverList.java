package io.gantry.engine.driver;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The durable list of drivers: which bundles bring them, in which version, and which are the
 * defaults.
 *
 * @param bundles by symbolic name
 * @param defaults by kind
 */
record DriverList(Map<String, Entry> bundles, Map<String, Choice> defaults) {

  static final DriverList EMPTY = new DriverList(Map.of(), Map.of());

  /** Stands for the version that came with the distribution. */
  static final String SHIPPED = "";

  DriverList {
    bundles = Map.copyOf(bundles);
    defaults = Map.copyOf(defaults);
  }

  /**
   * A bundle.
   *
   * @param version whose jar runs, or {@link #SHIPPED}
   * @param before what ran before, oldest first, as {@code version}; only the last one is kept
   * @param shipped version that the distribution had when this one was chosen, empty for none
   * @param drivers that it brought so far
   */
  record Entry(String version, List<String> before, String shipped, List<DriverName> drivers) {
    Entry {
      before = List.copyOf(before);
      drivers = List.copyOf(drivers);
    }

    Entry run(String next) {
      return new Entry(next, List.of(version), shipped, drivers);
    }
  }

  /**
   * An operator's default: holds until the configured one changes.
   *
   * @param insteadOf what was configured then
   */
  record Choice(String name, String insteadOf) {}

  Optional<Entry> bundle(String symbolicName) {
    return Optional.ofNullable(bundles.get(symbolicName));
  }

  DriverList with(String symbolicName, Entry entry) {
    var changed = new TreeMap<>(bundles);
    changed.put(symbolicName, entry);
    return new DriverList(changed, defaults);
  }

  DriverList with(String kind, Choice choice) {
    var changed = new TreeMap<>(defaults);
    changed.put(kind, choice);
    return new DriverList(bundles, changed);
  }
}

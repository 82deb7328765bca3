package io.gantry.network.bridge;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toCollection;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Ports that follow each other: one element of a set, however many they are.
 *
 * @param of what has them
 */
record PortRange<K>(K of, int first, int last) {

  /** All ports as the fewest ranges. */
  static <T, K> List<PortRange<K>> of(
      Collection<T> all, Function<T, K> owner, Function<T, Integer> port) {
    var ports =
        all.stream()
            .collect(
                groupingBy(owner, LinkedHashMap::new, mapping(port, toCollection(TreeSet::new))));
    var ranges = new ArrayList<PortRange<K>>();
    ports.forEach((one, its) -> add(one, its, ranges));
    return ranges;
  }

  private static <K> void add(K of, SortedSet<Integer> ports, List<PortRange<K>> ranges) {
    int first = ports.first();
    int last = first;
    for (int port : ports) {
      if (port > last + 1) {
        ranges.add(new PortRange<>(of, first, last));
        first = port;
      }
      last = port;
    }
    ranges.add(new PortRange<>(of, first, last));
  }
}

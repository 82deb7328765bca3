package io.gantry.jmx.remote;

import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;

/**
 * The connections that are open, limited in number. For another one somebody gives way who has not
 * logged in: of the address that has most of these connections the oldest.
 */
final class Arrivals {
  private final int most;
  private final ReentrantLock lock = new ReentrantLock();
  private final Set<Arrival> open = new LinkedHashSet<>(); // guarded by lock; the oldest first

  Arrivals(int most) {
    this.most = most;
  }

  /**
   * Takes in one more.
   *
   * @return who has to be closed for it; itself when all others have logged in
   */
  Optional<Arrival> add(Arrival arrival) {
    lock.lock();
    try {
      open.add(arrival);
      var leaves = open.size() > most ? strangerOfMost(arrival) : Optional.<Arrival>empty();
      leaves.ifPresent(open::remove);
      return leaves;
    } finally {
      lock.unlock();
    }
  }

  void remove(Arrival arrival) {
    lock.lock();
    try {
      open.remove(arrival);
    } finally {
      lock.unlock();
    }
  }

  private Optional<Arrival> strangerOfMost(Arrival latest) {
    Map<String, Long> counts =
        open.stream()
            .filter(arrival -> !arrival.isAdmitted() && arrival != latest)
            .collect(Collectors.groupingBy(Arrival::from, Collectors.counting()));
    return counts.entrySet().stream()
        .max(Comparator.comparing(Map.Entry::getValue))
        .map(Map.Entry::getKey)
        .flatMap(from -> oldest(from))
        .or(() -> Optional.of(latest));
  }

  private Optional<Arrival> oldest(String from) {
    return open.stream()
        .filter(arrival -> !arrival.isAdmitted() && arrival.from().equals(from))
        .findFirst();
  }
}

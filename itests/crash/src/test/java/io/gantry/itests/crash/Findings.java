package io.gantry.itests.crash;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What went wrong, by kind; the table at the end of a run. Thread-safe. */
final class Findings {

  enum Kind {
    /** Something acknowledged is not there, or in another state. */
    STATE,
    /** Something is there that nobody asked for, or half of it. */
    HALF,
    /** A wrong exit code was told. */
    EXIT,
    /** Log lines are missing. */
    LOG,
    /** A call failed that nothing kept from succeeding. */
    REFUSED,
    /** Mounts, control groups, processes, interfaces, files or descriptors that nobody owns. */
    LEAK
  }

  private final List<String> texts = new ArrayList<>(); // guarded by this
  private final Map<Kind, Integer> counts = new EnumMap<>(Kind.class); // guarded by this
  private String context = ""; // guarded by this

  /** Said with each finding from now on. */
  synchronized void context(String now) {
    context = now;
  }

  synchronized void add(Kind kind, String text) {
    counts.merge(kind, 1, Integer::sum);
    texts.add(kind + " in " + context + ": " + text);
    System.out.println("VIOLATION " + kind + " in " + context + ": " + text);
  }

  void addAll(Kind kind, String about, List<String> found) {
    found.forEach(text -> add(kind, about + ": " + text));
  }

  synchronized List<String> all() {
    return List.copyOf(texts);
  }

  synchronized String table() {
    return counts.isEmpty()
        ? "no violation"
        : counts.entrySet().stream()
            .map(each -> each.getValue() + " " + each.getKey())
            .collect(Collectors.joining(", "));
  }
}

package io.gantry.itests.attacks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;

/**
 * A known mistake of engines, and what shows that this one does not make it.
 *
 * @param list those that it was found in: {@code first list}, or a section
 * @param by {@code case REGEX} of ids, {@code test NAME} of another test, {@code later WHAT} has to
 *     be built first, {@code none: WHY}; several with semicolons
 */
record Rule(String list, String id, String what, String by) {

  static List<Rule> all() {
    try (var in = Objects.requireNonNull(Rule.class.getResourceAsStream("/rules.tsv"))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .map(line -> line.split("\t"))
          .map(parts -> new Rule(parts[0], parts[1], parts[2], parts[3]))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  List<String> shownBy(String kind) {
    return List.of(by.split("; ")).stream()
        .filter(part -> part.startsWith(kind))
        .map(part -> part.substring(kind.length()).strip())
        .toList();
  }

  /** The cases that show it. */
  List<String> cases(List<String> ids) {
    return ids.stream().filter(id -> shownBy("case ").stream().anyMatch(id::matches)).toList();
  }
}

package io.gantry.itests.attacks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The results of all engines side by side. Each run keeps its engine's in a file of its own; the
 * table is made of what is there.
 */
final class Table {

  private static final List<String> ENGINES =
      List.of("Gantry", "dockerd 26.1", "dockerd 28.5", "podman");

  /** Where faults are planted: an engine that believes everything, a container without guards. */
  static final String CARELESS = "careless";

  static final String UNGUARDED = "unguarded";

  private static final Path FOLDER =
      Path.of(Objects.requireNonNull(System.getProperty("attacks.target"))).resolve("attacks");

  private Table() {}

  static void keep(String engine, Collection<Outcome> outcomes) {
    var text = new StringBuilder();
    for (Outcome outcome : outcomes) {
      String why = outcome.why().replaceAll("[\\t\\n|]+", " ");
      text.append(outcome.attack())
          .append('\t')
          .append(outcome.held())
          .append('\t')
          .append(why)
          .append('\n');
    }
    try {
      Files.createDirectories(FOLDER);
      Files.writeString(FOLDER.resolve(engine + ".tsv"), text);
      render();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, Outcome> of(String engine) throws IOException {
    var outcomes = new LinkedHashMap<String, Outcome>();
    Path file = FOLDER.resolve(engine + ".tsv");
    if (Files.exists(file)) {
      for (String line : Files.readAllLines(file)) {
        String[] parts = line.split("\t", 3);
        outcomes.put(parts[0], new Outcome(parts[0], parts[1].equals("true"), parts[2]));
      }
    }
    return outcomes;
  }

  private static void render() throws IOException {
    var all = new LinkedHashMap<String, Map<String, Outcome>>();
    for (String engine : ENGINES) {
      all.put(engine, of(engine));
    }
    Map<String, Outcome> planted = of(CARELESS);
    planted.putAll(of(UNGUARDED));
    var attacks = new ArrayList<>(Corpus.all());
    attacks.addAll(Programs.all());
    var text = new StringBuilder();
    text.append("| attack | stands for | what holds | ")
        .append(String.join(" | ", ENGINES))
        .append(" | trips on |\n|---|---|---|")
        .append("---|".repeat(ENGINES.size() + 1))
        .append('\n');
    for (Attack attack : attacks) {
      text.append("| ").append(attack.id().replace("|", "")).append(" | ");
      text.append(attack.standsFor()).append(" | ").append(attack.holds()).append(" |");
      for (String engine : ENGINES) {
        text.append(' ').append(cell(all.get(engine).get(attack.id()))).append(" |");
      }
      text.append(' ').append(proof(attack, planted.get(attack.id()), all)).append(" |\n");
    }
    Files.writeString(FOLDER.resolveSibling("attacks.md"), totals(attacks, all) + "\n" + text);
  }

  private static String cell(Outcome outcome) {
    return outcome == null ? "-" : outcome.held() ? "holds" : "**fails**";
  }

  private static String proof(
      Attack attack, Outcome planted, Map<String, Map<String, Outcome>> all) {
    if (planted != null && !planted.held()) {
      return attack.id().startsWith("in-") ? "no guards" : "careless engine";
    }
    return all.values().stream()
            .map(outcomes -> outcomes.get(attack.id()))
            .anyMatch(outcome -> outcome != null && !outcome.held())
        ? "peer"
        : "nothing here";
  }

  private static String totals(List<Attack> attacks, Map<String, Map<String, Outcome>> all) {
    var text = new StringBuilder("| engine | attacks | fails |\n|---|---|---|\n");
    all.forEach(
        (engine, outcomes) -> {
          long tried = attacks.stream().filter(a -> outcomes.containsKey(a.id())).count();
          long failed =
              attacks.stream()
                  .map(a -> outcomes.get(a.id()))
                  .filter(o -> o != null && !o.held())
                  .count();
          text.append("| " + engine + " | " + tried + " | " + failed + " |\n");
        });
    return text.toString();
  }
}

package io.gantry.itests.attacks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The results of each engine, in a file of its own: attack, whether it held, why not. With {@code
 * -Dattacks.record=true} they are kept in the sources, and the page is made of them.
 */
final class Table {

  static final String GANTRY = "Gantry";

  static final List<String> ENGINES = List.of(GANTRY, "dockerd 26.1", "dockerd 28.5", "podman 5.4");

  /** Where faults are planted: an engine that believes everything, a container without guards. */
  static final String CARELESS = "careless engine";

  static final String UNGUARDED = "no guards";

  private static final Path RECORDED = folder("attacks.results");

  private Table() {}

  private static Path folder(String property) {
    return Path.of(Objects.requireNonNull(System.getProperty(property), property));
  }

  static boolean isRecorded() {
    return Boolean.getBoolean("attacks.record");
  }

  /** In the place of what was known of these attacks. */
  static void keep(String engine, Collection<Outcome> outcomes) {
    Path folder = isRecorded() ? RECORDED : folder("attacks.target").resolve("results");
    try {
      Map<String, Outcome> all = read(folder.resolve(file(engine)));
      outcomes.forEach(outcome -> all.put(outcome.attack(), outcome));
      Files.createDirectories(folder);
      var text = new StringBuilder();
      for (Outcome outcome : all.values()) {
        text.append(outcome.attack()).append('\t').append(outcome.held()).append('\t');
        text.append(outcome.why().replaceAll("[\\p{Cntrl}|]+", " ")).append('\n');
      }
      Files.writeString(folder.resolve(file(engine)), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What is recorded of an engine, by attack. */
  static Map<String, Outcome> recorded(String engine) {
    try {
      return read(RECORDED.resolve(file(engine)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String file(String engine) {
    return engine.replace(' ', '-') + ".tsv";
  }

  private static Map<String, Outcome> read(Path file) throws IOException {
    var outcomes = new LinkedHashMap<String, Outcome>();
    if (Files.exists(file)) {
      for (String line : Files.readAllLines(file)) {
        String[] parts = line.split("\t", 3);
        outcomes.put(parts[0], new Outcome(parts[0], parts[1].equals("true"), parts[2]));
      }
    }
    return outcomes;
  }
}

package io.gantry.itests.attacks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** What is recorded of the attacks is whole, and what the page says of it is true. */
@Tag("root") // the list of programs comes from the compiled program
class RecordedTest {

  private Page page;

  @BeforeEach
  void read() {
    page = new Page();
  }

  @Test
  @EnabledIfSystemProperty(named = "os.arch", matches = "amd64") // some programs are for it only
  void thePageSaysWhatIsRecorded() throws IOException {
    Path file = Path.of(Objects.requireNonNull(System.getProperty("attacks.page")));
    if (Table.isRecorded()) {
      Files.writeString(file, page.text());
    }
    assertEquals(page.text(), Files.readString(file), "itests/attacks/run writes it");
  }

  @Test
  void thisEngineHeldInEveryCase() {
    Map<String, Outcome> outcomes = Table.recorded(Table.GANTRY);
    var missing = new ArrayList<String>();
    for (Attack attack : page.attacks()) {
      Outcome outcome = outcomes.get(attack.id());
      if (outcome == null || !outcome.held()) {
        missing.add(attack.id());
      }
    }
    assertEquals(List.of(), missing, "lost, or never tried");
  }

  @Test
  void everyCaseIsLostToBySomeEngine() {
    assertEquals(
        List.of(),
        page.attacks().stream().filter(a -> page.proof(a).isEmpty()).map(Attack::id).toList(),
        "nobody loses to them: they prove nothing");
  }

  @Test
  void everyRuleIsShownBySomething() throws IOException {
    List<String> ids =
        Stream.concat(Corpus.byApi().stream(), Programs.all().stream()).map(Attack::id).toList();
    Set<String> tests = tests();
    var open = new ArrayList<String>();
    for (Rule rule : Rule.all()) {
      if (!rule.shownBy("case ").isEmpty() && rule.cases(ids).isEmpty()) {
        open.add(rule.id() + ": no case");
      }
      for (String test : rule.shownBy("test ")) {
        if (!tests.contains(test)) {
          open.add(rule.id() + ": no test " + test);
        }
      }
    }
    assertEquals(List.of(), open);
    assertTrue(Rule.all().stream().map(Rule::list).distinct().count() == 5, "a list is missing");
  }

  private static Set<String> tests() throws IOException {
    Path sources = Path.of(Objects.requireNonNull(System.getProperty("gantry.sources")));
    var names = new TreeSet<String>();
    for (String folder : List.of("bundles", "itests", "distribution")) {
      try (Stream<Path> files = Files.walk(sources.resolve(folder), 12)) {
        names.addAll(
            files
                .map(file -> file.getFileName().toString())
                .filter(name -> name.endsWith("Test.java"))
                .map(name -> name.replace(".java", ""))
                .collect(Collectors.toSet()));
      }
    }
    return names;
  }
}

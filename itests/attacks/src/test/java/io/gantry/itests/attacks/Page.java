package io.gantry.itests.attacks;

import static java.util.stream.Collectors.joining;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The page of the results: counts, rules, and each attack that an engine lost to. */
final class Page {

  private static final String PROGRAMS = "programs in a container";

  private static final String HEAD =
      """
      # Attacks

      Written by `itests/attacks/run`; edit that, not this page. Each case is something that somebody may try on an engine: a request,
      an archive, an image, a program in a container. It holds when the engine refuses in words or carries it out where it belongs, and
      afterwards the same process lists containers at once, has not taken 640 MiB more, and the host's files are as before. The same
      cases ran on other engines; what those lose is told below, whatever it weighs: *500* means that all that is wrong is that a
      client's mistake is said to be the engine's own.

      A case stands here only if it is lost somewhere: by another engine, by an engine made to believe everything (`Careless`), or, for
      programs, in a container without guards. All results with reasons, case by case: `itests/attacks/results`.

      """;

  private final Map<String, List<Attack>> groups = new LinkedHashMap<>(Corpus.groups());
  private final List<Attack> attacks = new ArrayList<>();
  private final Map<String, Map<String, Outcome>> results = new LinkedHashMap<>();
  private final Map<String, Map<String, Outcome>> planted = new LinkedHashMap<>();
  private final List<String> absent = new ArrayList<>();

  Page() {
    Table.ENGINES.forEach(engine -> results.put(engine, Table.recorded(engine)));
    List.of(Table.CARELESS, Table.UNGUARDED)
        .forEach(engine -> planted.put(engine, Table.recorded(engine)));
    Map<String, Outcome> unguarded = planted.get(Table.UNGUARDED);
    var programs = new ArrayList<Attack>();
    for (Attack attack : Programs.all()) {
      Outcome outcome = unguarded.get(attack.id());
      boolean here = outcome == null || !outcome.held() || lost(attack).findAny().isPresent();
      if (here) {
        programs.add(attack);
      } else {
        absent.add(attack.id().substring(3));
      }
    }
    groups.put(PROGRAMS, programs);
    groups.values().forEach(attacks::addAll);
  }

  List<Attack> attacks() {
    return attacks;
  }

  /** The engines that lose to it. */
  Stream<String> lost(Attack attack) {
    return results.entrySet().stream()
        .filter(entry -> !entry.getValue().getOrDefault(attack.id(), held(attack)).held())
        .map(Map.Entry::getKey);
  }

  private static Outcome held(Attack attack) {
    return Outcome.held(attack.id());
  }

  String text() {
    var text = new StringBuilder(HEAD);
    engines(text);
    groups(text);
    rules(text);
    text.append("## What other engines lose to\n\n");
    groups.forEach((name, members) -> lost(text, name, members));
    text.append("## What each case is lost to\n\n");
    proofs(text);
    return text.toString();
  }

  private static void row(StringBuilder text, Stream<String> cells) {
    text.append(cells.collect(joining(" | ", "| ", " |\n")));
  }

  private static void head(StringBuilder text, String... titles) {
    row(text, Stream.of(titles));
    text.append("|").append("---|".repeat(titles.length)).append('\n');
  }

  private void engines(StringBuilder text) {
    head(text, "engine", "cases", "lost", "of which *500*");
    results.forEach(
        (engine, outcomes) -> {
          var tried = attacks.stream().map(Attack::id).filter(outcomes::containsKey).toList();
          var lost = tried.stream().map(outcomes::get).filter(outcome -> !outcome.held()).toList();
          long mild = lost.stream().filter(Outcome::saidItsOwn).count();
          row(text, Stream.of(engine, "" + tried.size(), "" + lost.size(), "" + mild));
        });
    text.append('\n');
  }

  private void groups(StringBuilder text) {
    var titles = new ArrayList<String>(List.of("lost, by what the attack comes in", "cases"));
    titles.addAll(Table.ENGINES);
    head(text, titles.toArray(String[]::new));
    groups.forEach(
        (name, members) ->
            row(
                text,
                Stream.concat(
                    Stream.of(name, "" + members.size()),
                    Table.ENGINES.stream()
                        .map(
                            engine ->
                                ""
                                    + members.stream()
                                        .filter(a -> lost(a).anyMatch(engine::equals))
                                        .count()))));
    text.append('\n');
    if (!absent.isEmpty()) {
      text.append("Not in the kernel of this run, and so not counted: ")
          .append(String.join(", ", absent))
          .append(".\n\n");
    }
  }

  private void rules(StringBuilder text) {
    text.append("## Rules\n\n");
    head(text, "of", "mistake", "cases", "also, or instead");
    List<String> ids =
        Stream.concat(Corpus.byApi().stream(), Programs.all().stream()).map(Attack::id).toList();
    for (Rule rule : Rule.all()) {
      int cases = rule.cases(ids).size();
      row(
          text,
          Stream.of(
              rule.list(),
              rule.id() + ": " + rule.what(),
              cases == 0 ? "" : "" + cases,
              Stream.of(rule.by().split("; "))
                  .filter(part -> !part.startsWith("case "))
                  .map(Page::words)
                  .collect(joining("; "))));
    }
    text.append('\n');
  }

  private static String words(String by) {
    return by.startsWith("test ")
        ? "`" + by.substring(5) + "`"
        : by.startsWith("later ") ? "comes with " + by.substring(6) : by.substring(6);
  }

  private void lost(StringBuilder text, String name, List<Attack> members) {
    var worth = members.stream().filter(attack -> lost(attack).findAny().isPresent()).toList();
    if (worth.isEmpty()) {
      return;
    }
    text.append("### ").append(name).append("\n\n");
    var titles = new ArrayList<String>(List.of("case", "stands for", "what holds"));
    titles.addAll(Table.ENGINES);
    head(text, titles.toArray(String[]::new));
    for (Attack attack : worth) {
      row(
          text,
          Stream.concat(
              Stream.of("`" + attack.id() + "`", attack.standsFor(), attack.holds()),
              results.values().stream().map(outcomes -> cell(outcomes.get(attack.id())))));
    }
    text.append('\n');
  }

  private static String cell(@org.jspecify.annotations.Nullable Outcome outcome) {
    return outcome == null
        ? "-"
        : outcome.held() ? "holds" : outcome.saidItsOwn() ? "*500*" : "**lost**";
  }

  private void proofs(StringBuilder text) {
    var by = new LinkedHashMap<String, Integer>();
    for (Attack attack : attacks) {
      by.merge(proof(attack), 1, Integer::sum);
    }
    head(text, "lost to by", "cases");
    by.forEach((who, count) -> row(text, Stream.of(who, "" + count)));
  }

  /** Who loses to it; empty when nobody does, and it proves nothing. */
  String proof(Attack attack) {
    boolean fault =
        planted.values().stream()
            .map(outcomes -> outcomes.get(attack.id()))
            .anyMatch(outcome -> outcome != null && !outcome.held());
    boolean peer = lost(attack).anyMatch(engine -> !engine.equals(Table.GANTRY));
    return fault && peer
        ? "another engine and a planted fault"
        : fault ? "a planted fault" : peer ? "another engine" : "";
  }
}

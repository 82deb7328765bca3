package io.gantry.itests.upgrade;

import io.gantry.itests.harness.Command;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The distribution of the commit that {@code PREVIOUS} names, built from this checkout's history
 * without a network. A build is kept below {@code target}, by its commit.
 */
final class FormerBuild {

  private static final Duration LIMIT = Duration.ofMinutes(8);
  private static final Path NAMED = Path.of("PREVIOUS");
  private static final Path KEPT = Path.of("target/former");

  private FormerBuild() {}

  /** The unpacked distribution. */
  static Path home() {
    try {
      String commit = commit();
      Path tree = KEPT.resolve(commit).toAbsolutePath();
      Path made = tree.resolve("made");
      if (!Files.exists(made)) {
        Command.run(Map.of(), LIMIT, List.of("rm", "-rf", tree.toString())).ok();
        Files.createDirectories(tree);
        unpack(commit, tree);
        build(tree);
        Files.createFile(made);
      }
      return distribution(tree);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String commit() throws IOException {
    if (!Files.exists(NAMED)) {
      throw new AssertionError(
          NAMED.toAbsolutePath() + " is missing: it names the build to upgrade from");
    }
    String commit;
    try (Stream<String> lines = Files.lines(NAMED)) {
      commit =
          lines
              .filter(line -> line.matches("[0-9a-f]{40}"))
              .findFirst()
              .orElseThrow(() -> new AssertionError(NAMED.toAbsolutePath() + " names no commit"));
    }
    if (git("cat-file", "-e", commit + "^{commit}").exit() != 0) {
      String shallow = git("rev-parse", "--is-shallow-repository").out().strip();
      throw new AssertionError(
          shallow.equals("true")
              ? "this clone is shallow and lacks commit "
                  + commit
                  + ", which PREVIOUS names: run 'git fetch --unshallow'"
              : "commit " + commit + ", which PREVIOUS names, is not in this checkout's history");
    }
    return commit;
  }

  private static Command git(String... words) {
    return Command.run(Map.of(), LIMIT, Stream.concat(Stream.of("git"), Stream.of(words)).toList());
  }

  private static void unpack(String commit, Path tree) {
    // An installation that others may write is refused, and git packs with a mask of its own.
    String script =
        "umask 022; git -C \"$(git rev-parse --show-toplevel)\" archive \"$1\""
            + " | tar -x --no-same-owner --no-same-permissions -C \"$2\"";
    Command.run(Map.of(), LIMIT, List.of("sh", "-c", script, "sh", commit, tree.toString())).ok();
    if (!Files.exists(tree.resolve("pom.xml"))) {
      throw new AssertionError("git gave out nothing of " + commit);
    }
  }

  private static void build(Path tree) {
    String maven = Objects.requireNonNull(System.getProperty("gantry.maven"), "gantry.maven");
    // Its own modules come from its own tree; libraries and plugins are here, since we were built.
    Command.run(
            Map.of(),
            LIMIT,
            List.of(
                maven,
                "-o",
                "-B",
                "-ntp",
                "-q",
                "-Dquick",
                "-Dmaven.test.skip=true",
                "-f",
                tree.resolve("pom.xml").toString(),
                "-pl",
                "distribution",
                "-am",
                "package"))
        .ok();
  }

  private static Path distribution(Path tree) throws IOException {
    try (Stream<Path> found = Files.find(tree.resolve("distribution/target"), 4, (p, a) -> true)) {
      return found
          .filter(path -> path.endsWith("bin/gantryd"))
          .map(path -> path.getParent().getParent())
          .findFirst()
          .orElseThrow(() -> new AssertionError("no distribution was built in " + tree));
    }
  }
}

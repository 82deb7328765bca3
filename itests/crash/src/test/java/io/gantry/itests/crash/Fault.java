package io.gantry.itests.crash;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Instance;
import java.io.File;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.ToolProvider;

/**
 * A mistake that the engine does not make: one class is compiled from its source with one passage
 * changed and put in the jar of a copy of the installation.
 */
enum Fault {
  NO_DIRECTORY_SYNC( // a name is not there yet, or there still
      EnumSet.of(Findings.Kind.STATE, Findings.Kind.HALF),
      "bundles/store",
      "io.gantry.store.Folder",
      "      sync.force(path);\n      succeeded = true;",
      "      succeeded = true;"),

  EXIT_TOLD_BEFORE_IT_IS_WRITTEN(
      EnumSet.of(Findings.Kind.STATE),
      "bundles/engine",
      "io.gantry.engine.container.Ending",
      "          !goes\n"
          + "              && attempt(\n"
          + "                  \"record the end of\", container, () -> records.putRun(container.record(), run));\n",
      "          !goes;\n"
          + "      if (written) {\n"
          + "        shop.timer()\n"
          + "            .schedule(\n"
          + "                () -> {\n"
          + "                  if (container.run() == run && !container.isRemoving()) {\n"
          + "                    records.putRun(container.record(), run);\n"
          + "                  }\n"
          + "                },\n"
          + "                500, TimeUnit.MILLISECONDS);\n"
          + "      }\n"),

  UNDO_REMOVED(
      EnumSet.of(Findings.Kind.LEAK),
      "bundles/engine",
      "io.gantry.engine.container.Starting",
      "      undo.add(() -> grouping.remove(record));\n",
      ""),

  INGEST_LEFT( // of an archive that ends too soon
      EnumSet.of(Findings.Kind.LEAK),
      "bundles/store",
      "io.gantry.store.Ingest",
      "    if (!resumable) {\n      forget();\n",
      "    if (!resumable) {\n"),

  HEALTH_FORGOTTEN(
      EnumSet.of(Findings.Kind.STATE),
      "bundles/engine",
      "io.gantry.engine.container.HealthWatches",
      "if (!running.monitor().canCheck()) {\n      return new EngineChecks(container, running, told,",
      "if (known != null) {\n"
          + "      return new EngineChecks(container, running, HealthRules.starting(null),"),

  CHECKED_TWICE( // by its monitor and by the next engine
      EnumSet.of(Findings.Kind.LEAK),
      "bundles/engine",
      "io.gantry.engine.container.HealthWatches",
      "if (!running.monitor().canCheck()) {",
      "if (known != null) {"),

  RESTART_FORGOTTEN(
      EnumSet.of(Findings.Kind.STATE),
      "bundles/engine",
      "io.gantry.engine.container.Recovering",
      "      ending.restartFound(container);\n",
      ""),

  RESTARTS_COUNTED_ANEW(
      EnumSet.of(Findings.Kind.STATE),
      "bundles/engine",
      "io.gantry.engine.container.Recovering",
      "      ending.restartFound(container);\n",
      "      startAgain(container);\n"),

  OUT_OF_MEMORY_FORGOTTEN(
      EnumSet.of(Findings.Kind.STATE),
      "bundles/engine",
      "io.gantry.engine.container.RunRecord",
      "        exit.oomKills() > 0,\n",
      "        false,\n"),

  LINE_NOT_SHIPPED( // the first one that the next engine ships
      EnumSet.of(Findings.Kind.LOG),
      "bundles/engine",
      "io.gantry.engine.log.Shipment",
      "        reader.goOn(file, cursor.get().offset());\n",
      "        reader.goOn(file, cursor.get().offset());\n        reader.next();\n"),

  ROTATED_LOG_NOT_READ(
      EnumSet.of(Findings.Kind.LOG),
      "bundles/engine",
      "io.gantry.engine.log.SpoolNames",
      "      var found = open(age + step);\n",
      "      var found = open(step > 0 && age == 0 && exists(2) ? 2 : age + step);\n"),

  LIMIT_ON_PAPER(
      EnumSet.of(Findings.Kind.STATE),
      "bundles/engine",
      "io.gantry.engine.container.Updating",
      "        grouping.change(record, LimitUpdate.forKernel(before, spec.host().limits(), asked));\n",
      ""),

  END_NOT_TOLD(
      EnumSet.of(Findings.Kind.STATE),
      "bundles/engine",
      "io.gantry.engine.container.Ending",
      "      tell(container.record(), exit, ran);\n",
      ""),

  WRONG_CODE_FOR_WHO_WAITS(
      EnumSet.of(Findings.Kind.EXIT),
      "bundles/engine",
      "io.gantry.engine.container.Ending",
      "      var told = new Exit(exit.status(), exit.error());\n",
      "      var told = new Exit(exit.status() ^ 1, exit.error());\n"),

  VOLUME_NOT_FILLED(
      EnumSet.of(Findings.Kind.STATE),
      "bundles/engine",
      "io.gantry.engine.volume.Filling",
      "      TreeCopy.copy(from, to);\n      if (",
      "      if ("),

  LINK_LOST(
      EnumSet.of(Findings.Kind.STATE),
      "bundles/engine",
      "io.gantry.engine.container.Links",
      "      if (child != null) {\n        shown.add(",
      "      if (child != null && child.running() != null) {\n        shown.add("),

  OTHER_LIMIT_IN_STATS(
      EnumSet.of(Findings.Kind.STATE),
      "bundles/engine",
      "io.gantry.engine.stats.Samples",
      "            Math.min(memory.limit(), hostMemory),\n",
      "            hostMemory,\n"),

  OUTPUT_OF_EXEC_LOST(
      EnumSet.of(Findings.Kind.LOG),
      "bundles/engine",
      "io.gantry.engine.container.ExecBytes",
      "                    ? CompletableFuture.completedFuture(bytes)",
      "                    ? CompletableFuture.completedFuture(bytes.duplicate().limit(bytes.position() + 1))"),

  PLACE_FORGOTTEN( // and given to somebody else
      EnumSet.of(Findings.Kind.STATE),
      "bundles/engine",
      "io.gantry.engine.container.Networking",
      "      networks.expect(place, container.id);\n",
      ""),

  NAMES_FORGOTTEN(
      EnumSet.of(Findings.Kind.STATE),
      "bundles/engine",
      "io.gantry.engine.container.Serving",
      "        found.add(table(container.record(), run.places(), run.ports()));\n",
      "        found.add(table(container.record(), List.of(), List.of()));\n"),

  PORT_LEFT(
      EnumSet.of(Findings.Kind.LEAK),
      "bundles/engine",
      "io.gantry.engine.container.Publishing",
      "    unmap(container, ports);\n    keeper.release(ports);\n",
      "    keeper.release(ports);\n"),

  ATTACHED_OUTPUT_LOST(
      EnumSet.of(Findings.Kind.LOG),
      "bundles/engine",
      "io.gantry.engine.container.MonitorBytes",
      "    return stream.read();\n",
      "    return stream.read().thenCompose(lost -> stream.read());\n");

  private static final Duration LIMIT = Duration.ofSeconds(60);

  /** What the harness has to report: one of these. */
  private final Set<Findings.Kind> shows;

  private final String module;
  private final String type;
  private final String right;
  private final String wrong;

  Fault(Set<Findings.Kind> shows, String module, String type, String right, String wrong) {
    this.shows = shows;
    this.module = module;
    this.type = type;
    this.right = right;
    this.wrong = wrong;
  }

  boolean isShownBy(String finding) {
    return shows.stream().anyMatch(kind -> finding.startsWith(kind.name()));
  }

  /** A copy of the installation with the fault in it. */
  Path plant(Path scratch) throws IOException {
    Path home = scratch.resolve("home");
    run("cp", "-a", Instance.home().toString(), home.toString());
    Path classes = compile(home, scratch);
    String bundle = type.substring(0, type.indexOf('.', "io.gantry.".length()));
    Path jar = only(home.resolve("bundles"), bundle + "-");
    try (var zip = FileSystems.newFileSystem(jar);
        Stream<Path> files = Files.walk(classes)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(
            file,
            zip.getPath(classes.relativize(file).toString()),
            StandardCopyOption.REPLACE_EXISTING);
      }
    }
    return home;
  }

  /** Of the class, with the fault in it. */
  String changedSource() throws IOException {
    Path sources = Path.of(Objects.requireNonNull(System.getProperty("gantry.sources")));
    String text =
        Files.readString(sources.resolve(module).resolve("src/main/java").resolve(file()));
    if (text.split(Pattern.quote(right), -1).length != 2) {
      throw new AssertionError(type + " has not exactly one\n" + right);
    }
    return text.replace(right, wrong);
  }

  private String file() {
    return type.replace('.', '/') + ".java";
  }

  private Path compile(Path home, Path scratch) throws IOException {
    Path source = scratch.resolve("source").resolve(file());
    Files.createDirectories(source.getParent());
    Files.writeString(source, changedSource(), UTF_8);
    Path classes = Files.createDirectories(scratch.resolve("classes"));
    List<String> words = new ArrayList<>(List.of("-proc:none", "-nowarn", "-parameters"));
    words.addAll(List.of("-d", classes.toString(), "-cp", classPath(home), source.toString()));
    int code =
        ToolProvider.getSystemJavaCompiler().run(null, null, null, words.toArray(String[]::new));
    if (code != 0) {
      throw new AssertionError(this + " does not compile");
    }
    return classes;
  }

  private static String classPath(Path home) throws IOException {
    List<String> jars = new ArrayList<>(List.of(System.getProperty("java.class.path")));
    for (String folder : List.of("bundles", "lib")) {
      try (Stream<Path> all = Files.list(home.resolve(folder))) {
        all.map(Path::toString).filter(name -> name.endsWith(".jar")).forEach(jars::add);
      }
    }
    return String.join(File.pathSeparator, jars);
  }

  private static Path only(Path folder, String prefix) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(path -> path.getFileName().toString().startsWith(prefix))
          .findFirst()
          .orElseThrow(() -> new AssertionError("no " + prefix + " in " + folder));
    }
  }

  private static void run(String... words) {
    Command.run(Map.of(), LIMIT, List.of(words)).ok();
  }
}

package io.gantry.itests.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A container and a swap on every Java that this host has, 17 and newer. */
@Tag("root")
@Timeout(300)
class EveryJavaTest {

  private static final Path HOMES = Path.of("/usr/lib/jvm");
  private static final Pattern VERSION = Pattern.compile("JAVA_VERSION=\"(\\d+).*");

  static List<Path> homes() throws IOException {
    List<Path> homes;
    try (Stream<Path> there = Files.list(HOMES)) {
      homes = there.map(EveryJavaTest::real).distinct().filter(EveryJavaTest::isNewEnough).toList();
    }
    return homes.isEmpty() ? List.of(Path.of(System.getProperty("java.home"))) : homes;
  }

  private static Path real(Path home) {
    try {
      return home.toRealPath();
    } catch (IOException e) {
      return home; // a dangling link: not new enough
    }
  }

  private static boolean isNewEnough(Path home) {
    Path release = home.resolve("release");
    if (!Files.isExecutable(home.resolve("bin/java")) || !Files.isReadable(release)) {
      return false;
    }
    try (Stream<String> lines = Files.lines(release)) {
      return lines
          .map(VERSION::matcher)
          .anyMatch(line -> line.matches() && Integer.parseInt(line.group(1)) >= 17);
    } catch (IOException e) {
      return false; // it cannot be told
    }
  }

  @ParameterizedTest
  @MethodSource("homes")
  void runsContainersAndSwapsADriver(Path java) throws IOException {
    try (Instance engine = Instance.startIn(Map.of("JAVA_HOME", java.toString()));
        Http http = engine.http()) {
      assertEquals(
          java.resolve("bin/java").toRealPath().toString(),
          engine.engine().info().command().orElseThrow());
      engine.importBusybox();
      assertEquals("one", run(engine, "one"));
      Http.Answer updated =
          http.call(
              "POST",
              "/gantry/v1/drivers/StorageDriver/overlay/update",
              "{\"jar\": \"%s\"}".formatted(Instance.sample("io.gantry.storage.overlay")));
      assertEquals(200, updated.status(), updated.body());
      assertTrue(updated.body().contains("\"active\""), updated.body());
      assertEquals("two", run(engine, "two"));
      assertEquals(
          List.of(), engine.log().lines().filter(line -> line.startsWith("WARNING")).toList());
    }
  }

  private static String run(Instance engine, String word) {
    return engine.docker("run", "--rm", "--network", "none", "busybox", "echo", word).ok();
  }
}

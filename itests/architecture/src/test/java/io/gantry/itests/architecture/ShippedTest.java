package io.gantry.itests.architecture;

import static java.util.function.Predicate.not;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the distribution ships keeps to the rules. */
class ShippedTest {

  private static final Path HOME = Path.of(System.getProperty("gantry.home"));
  private static final Path SOURCES = Path.of(System.getProperty("gantry.sources"));

  private final List<Shipped> bundles;

  ShippedTest() throws IOException {
    bundles = Shipped.in(HOME.resolve("bundles"));
  }

  @Test
  void everyBundleKeepsToTheRules() {
    assertTrue(bundles.size() >= 12, () -> "only " + bundles.size() + " bundles are shipped");
    assertEquals(List.of(), Rules.violations(bundles));
  }

  @Test
  void samplesKeepToTheRulesToo() throws IOException {
    assertEquals(List.of(), Rules.violations(Shipped.in(HOME.resolve("samples"))));
  }

  @Test
  void atMostTwentyBundlesRunBesidesDrivers() throws IOException {
    List<String> running = names(HOME.resolve("bundles"), ".jar");
    long besides =
        running.stream().map(ShippedTest::withoutVersion).filter(not(Rules::isDriver)).count();
    assertTrue(besides <= 20, () -> besides + " bundles: " + running);
  }

  @Test
  void everyDriverHasAFeatureOfItsNameAndASample() throws IOException {
    List<String> features = names(SOURCES.resolve("features"), ".json");
    List<String> samples = names(HOME.resolve("samples"), ".jar");
    List<String> drivers =
        bundles.stream().map(Shipped::name).filter(Rules::isDriver).sorted().toList();
    assertFalse(drivers.isEmpty());
    for (String driver : drivers) {
      String feature = driver.substring("io.gantry.".length()).replace('.', '-');
      assertTrue(features.contains(feature), () -> "no features/" + feature + ".json");
    }
    assertEquals(drivers, samples.stream().map(ShippedTest::withoutVersion).toList());
  }

  @Test
  void everyConfigurationFileIsNamedAfterItsBundle() throws IOException {
    List<String> known = bundles.stream().map(Shipped::name).toList();
    List<String> files = names(SOURCES.resolve("etc"), ".json");
    assertFalse(files.isEmpty());
    assertEquals(List.of(), files.stream().filter(not(known::contains)).toList());
  }

  private static String withoutVersion(String jar) {
    return jar.replaceFirst("-[0-9].*", "");
  }

  private static List<String> names(Path folder, String ending) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(ending))
          .map(name -> name.substring(0, name.length() - ending.length()))
          .sorted()
          .toList();
    }
  }
}

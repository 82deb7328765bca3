package io.gantry.itests.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The rules find what they are there to find: each violation here is planted. */
class RulesTest {

  @ParameterizedTest
  @CsvSource({
    "io.gantry.linux, io.gantry.spi.exec",
    "io.gantry.monitor, io.gantry.spi.exec",
    "io.gantry.store, io.gantry.image",
    "io.gantry.image, io.gantry.api",
    "io.gantry.api, io.gantry.spi.storage",
    "io.gantry.rest, io.gantry.image",
    "io.gantry.rest, io.gantry.engine.container",
    "io.gantry.jmx, io.gantry.linux",
    "io.gantry.engine, io.gantry.rest",
    "io.gantry.engine, io.gantry.storage.vfs",
    "io.gantry.build, io.gantry.linux",
    "io.gantry.registry.server, io.gantry.spi.registry",
    "io.gantry.storage.vfs, io.gantry.api",
    "io.gantry.storage.vfs, io.gantry.monitor.program",
    "io.gantry.exec.namespaces, io.gantry.monitor",
    "io.gantry.network.builtin, io.gantry.storage.vfs",
  })
  void anImportThatTheTableDoesNotAllowIsReported(String bundle, String imported) {
    assertEquals(
        List.of(bundle + " may not import " + imported),
        violations(bundle, Map.of("Import-Package", imported + ";version=\"[0.1,1)\"")));
  }

  @ParameterizedTest
  @CsvSource({
    "io.gantry.linux, io.gantry.spi",
    "io.gantry.engine, io.gantry.monitor.program",
    "io.gantry.engine, io.gantry.spi.storage",
    "io.gantry.jmx, io.gantry.api",
    "io.gantry.registry.client, io.gantry.spi.registry",
    "io.gantry.exec.namespaces, io.gantry.monitor.program",
    "io.gantry.exec.namespaces, io.gantry.spi.exec",
    "io.gantry.linux, jnr.ffi",
  })
  void anImportThatTheTableAllowsIsNot(String bundle, String imported) {
    assertEquals(
        List.of(), violations(bundle, Map.of("Import-Package", imported + ";version=\"[0.1,1)\"")));
  }

  @Test
  void theSpiImportsNothingOfGantry() {
    assertEquals(
        List.of("io.gantry.spi may not import io.gantry.linux"),
        violations(
            "io.gantry.spi", Map.of("Import-Package", "io.gantry.linux;version=\"[0.1,1)\"")));
  }

  @Test
  void onlyLinuxImportsJnr() {
    assertEquals(
        List.of("io.gantry.engine imports jnr.ffi, which is for io.gantry.linux only"),
        violations("io.gantry.engine", Map.of("Import-Package", "jnr.ffi;version=\"[2.3,3)\"")));
  }

  @Test
  void aBundleThatExportsAndWorksIsReported() {
    assertEquals(
        List.of("io.gantry.store exports packages and does work"),
        violations(
            "io.gantry.store",
            Map.of(
                "Export-Package",
                "io.gantry.store;version=\"0.1.0\"",
                "Service-Component",
                "OSGI-INF/x.xml")));
  }

  @Test
  void aDriverThatExportsIsReported() {
    assertEquals(
        List.of("io.gantry.storage.vfs is a driver and exports [io.gantry.storage.vfs]"),
        violations(
            "io.gantry.storage.vfs",
            Map.of("Export-Package", "io.gantry.storage.vfs;version=\"0.1.0\"")));
  }

  @Test
  void aWorkerThatExportsIsReported() {
    assertEquals(
        List.of("io.gantry.rest exports [io.gantry.rest], but its work is to work"),
        violations("io.gantry.rest", Map.of("Export-Package", "io.gantry.rest;version=\"0.1.0\"")));
  }

  @Test
  void packagesWithoutVersionsAreReported() {
    assertEquals(
        List.of(
            "io.gantry.api exports io.gantry.api without a version",
            "io.gantry.api imports io.gantry.spi without a version range"),
        violations(
            "io.gantry.api",
            Map.of("Export-Package", "io.gantry.api", "Import-Package", "io.gantry.spi")));
  }

  @Test
  void waysAroundImportsAreReported() {
    assertEquals(
        List.of("io.gantry.jmx has the header Require-Bundle"),
        violations("io.gantry.jmx", Map.of("Require-Bundle", "io.gantry.engine")));
    assertEquals(
        List.of("io.gantry.jmx has the header DynamicImport-Package"),
        violations("io.gantry.jmx", Map.of("DynamicImport-Package", "*")));
  }

  @Test
  void namesThatAreNotOneNameAreReported() {
    Manifest manifest = manifest("io.gantry.jmx", Map.of());
    assertEquals(
        List.of(
            "io.gantry.jmx is in a jar of another name: jmx-0.1.0.jar",
            "io.gantry.jmx holds the package io.gantry.rest.http, which is outside its root"
                + " package"),
        Rules.violations(
            List.of(
                Shipped.of(
                    "jmx-0.1.0.jar", manifest, Set.of("io.gantry.jmx", "io.gantry.rest.http")))));
  }

  @Test
  void aBundleThatTheTableDoesNotKnowIsReported() {
    assertEquals(
        List.of("io.gantry.extra has no row in the table of who may import whom"),
        violations("io.gantry.extra", Map.of()));
  }

  private static List<String> violations(String bundle, Map<String, String> headers) {
    return Rules.violations(
        List.of(Shipped.of(bundle + "-0.1.0.jar", manifest(bundle, headers), Set.of(bundle))));
  }

  private static Manifest manifest(String bundle, Map<String, String> headers) {
    Map<String, String> all = new HashMap<>(headers);
    all.put("Manifest-Version", "1.0");
    all.put("Bundle-SymbolicName", bundle);
    Manifest manifest = new Manifest();
    all.forEach((header, value) -> manifest.getMainAttributes().putValue(header, value));
    return manifest;
  }
}

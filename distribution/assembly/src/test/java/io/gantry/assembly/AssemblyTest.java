package io.gantry.assembly;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.launcher.Features;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AssemblyTest {

  private static final Features FEATURES =
      new Features(List.of(new Features.Deployed("core-1.0.jar", 1)), List.of("driver-1.0.jar"));

  @TempDir Path folder;
  private Path jars;
  private Path home;

  @BeforeEach
  void folders() throws IOException {
    jars = Files.createDirectory(folder.resolve("jars"));
    home = folder.resolve("home");
    jar("core-1.0.jar", Map.of("Bundle-Version", "1.0"), "core/A.class");
    jar("driver-1.0.jar", Map.of("Bundle-Version", "1.0.0"), "driver/A.class");
  }

  @Test
  void whatAFeatureListsIsABundleAndTheRestAreLibraries() throws Exception {
    jar("library-1.0.jar", Map.of("Export-Package", "library;version=\"1.0\""), "library/A.class");
    Assembly.layOut(FEATURES, jars, home);
    assertEquals(List.of("core-1.0.jar", "driver-1.0.jar"), names("bundles"));
    assertEquals(List.of("library-1.0.jar", "packages"), names("lib"));
    assertEquals("library;version=\"1.0\"\n", Files.readString(home.resolve("lib/packages")));
  }

  @Test
  void aDriverIsThereOnceMoreAsASample() throws Exception {
    Assembly.layOut(FEATURES, jars, home);
    assertEquals(List.of("driver-1.0.1.jar"), names("samples"));
    try (JarFile sample = new JarFile(home.resolve("samples/driver-1.0.1.jar").toFile())) {
      assertEquals("1.0.0.1", sample.getManifest().getMainAttributes().getValue("Bundle-Version"));
      assertTrue(sample.getEntry("driver/A.class") != null);
    }
  }

  @Test
  void aFeatureThatListsWhatIsNotThereStopsTheBuild() throws Exception {
    Files.delete(jars.resolve("core-1.0.jar"));
    IOException failure =
        assertThrows(IOException.class, () -> Assembly.layOut(FEATURES, jars, home));
    assertTrue(failure.getMessage().contains("core-1.0.jar"), failure::getMessage);
  }

  @Test
  void theSameJarsMakeTheSameBytes() throws Exception {
    jar("signed-1.0.jar", Map.of(), "signed/A.class", "META-INF/X.SF", "META-INF/X.RSA");
    Assembly.layOut(FEATURES, jars, home);
    byte[] sample = Files.readAllBytes(home.resolve("samples/driver-1.0.1.jar"));
    byte[] signed = Files.readAllBytes(home.resolve("lib/signed-1.0.jar"));
    Assembly.layOut(FEATURES, jars, home);
    assertArrayEquals(sample, Files.readAllBytes(home.resolve("samples/driver-1.0.1.jar")));
    assertArrayEquals(signed, Files.readAllBytes(home.resolve("lib/signed-1.0.jar")));
  }

  @Test
  void signaturesAndDigestsAreLeftOut() throws Exception {
    jar("signed-1.0.jar", Map.of(), "signed/A.class", "META-INF/X.SF", "META-INF/X.RSA");
    Assembly.layOut(FEATURES, jars, home);
    try (JarFile jar = new JarFile(home.resolve("lib/signed-1.0.jar").toFile())) {
      assertFalse(jar.stream().anyMatch(entry -> entry.getName().contains("/X.")));
      assertTrue(jar.getManifest().getEntries().isEmpty());
      assertTrue(jar.getEntry("signed/A.class") != null);
    }
  }

  @Test
  void packagesOfAJarWithoutOsgiHeadersHaveTheVersionOfItsName() throws Exception {
    jar("plain-2.1.jar", Map.of(), "plain/inner/A.class", "plain/B.class", "plain/text.txt");
    PackageList list = new PackageList();
    list.add(jars.resolve("plain-2.1.jar"));
    assertEquals("plain;version=\"2.1\",plain.inner;version=\"2.1\"", list.toString());
  }

  @Test
  void packagesForNamedFriendsAreNotExported() throws Exception {
    jar(
        "friendly-1.0.jar",
        Map.of(
            "Export-Package",
            "open;version=\"1.2.3\";uses:=\"hidden\",hidden;friend=x;mandatory:=friend"),
        "open/A.class");
    PackageList list = new PackageList();
    list.add(jars.resolve("friendly-1.0.jar"));
    assertEquals("open;version=\"1.2.3\"", list.toString());
  }

  private List<String> names(String part) throws IOException {
    try (var files = Files.list(home.resolve(part))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private void jar(String name, Map<String, String> headers, String... entries) throws IOException {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    headers.forEach((header, value) -> manifest.getMainAttributes().putValue(header, value));
    Attributes digest = new Attributes();
    digest.putValue("SHA-256-Digest", "AAAA");
    manifest.getEntries().put(entries[0], digest);
    try (OutputStream file = Files.newOutputStream(jars.resolve(name));
        JarOutputStream out = new JarOutputStream(file, manifest)) {
      for (String entry : entries) {
        out.putNextEntry(new JarEntry(entry));
        out.write(entry.getBytes(java.nio.charset.StandardCharsets.UTF_8));
      }
    }
  }
}

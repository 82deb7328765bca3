package io.gantry.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;

/** The framework with connected jars made on the spot; their activators are this test's classes. */
class PlatformTest {

  private static final List<String> EVENTS = new CopyOnWriteArrayList<>();

  @TempDir Path folder;

  @BeforeEach
  void forget() {
    EVENTS.clear();
  }

  @Test
  void bundlesStartByLevelAndStopTheOtherWayRound() throws Exception {
    String core = jar("core", Noting.class, null);
    String edge = jar("edge", Noting.class, null);
    Platform platform = platform(new Features.Deployed(edge, 4), new Features.Deployed(core, 2));
    platform.stop(Duration.ofSeconds(10));
    platform.await();
    assertEquals(List.of("start core", "start edge", "stop edge", "stop core"), EVENTS);
  }

  @Test
  void aBundleThatDoesNotResolveIsNamedWithWhatItMisses() throws IOException {
    String jar = jar("needy", Noting.class, "no.such.thing");
    StartFailure failure =
        assertThrows(StartFailure.class, () -> platform(new Features.Deployed(jar, 1)));
    assertTrue(failure.getMessage().startsWith("bundle needy does not start"), failure::getMessage);
    assertTrue(failure.getMessage().contains("no.such.thing"), failure::getMessage);
    assertEquals(StartFailure.SOFTWARE, failure.exitCode());
  }

  @Test
  void aBundleThatThrowsAtItsStartIsNamedWithTheReason() throws IOException {
    String jar = jar("angry", Angry.class, null);
    StartFailure failure =
        assertThrows(StartFailure.class, () -> platform(new Features.Deployed(jar, 1)));
    assertEquals(
        "bundle angry does not start: java.lang.IllegalStateException: not today",
        failure.getMessage());
  }

  @Test
  void aJarThatIsNotOnTheClassPathIsNamed() {
    StartFailure failure =
        assertThrows(
            StartFailure.class, () -> platform(new Features.Deployed("missing-1.0.jar", 1)));
    assertTrue(failure.getMessage().contains("missing-1.0.jar"), failure::getMessage);
  }

  private Platform platform(Features.Deployed... bundles) throws StartFailure {
    Features features = new Features(List.of(bundles), List.of());
    StringBuilder classPath = new StringBuilder();
    for (Features.Deployed bundle : bundles) {
      if (Files.exists(folder.resolve(bundle.jar()))) {
        classPath.append(classPath.isEmpty() ? "" : ":").append(folder.resolve(bundle.jar()));
      }
    }
    Platform platform =
        new Platform(folder.resolve("store"), "", features, new ClassPath(classPath.toString()));
    platform.initialize();
    platform.start(features);
    return platform;
  }

  private String jar(String name, Class<? extends BundleActivator> activator, String needs)
      throws IOException {
    Manifest manifest = new Manifest();
    Attributes headers = manifest.getMainAttributes();
    headers.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    headers.putValue("Bundle-ManifestVersion", "2");
    headers.putValue("Bundle-SymbolicName", name);
    headers.putValue("Bundle-Activator", activator.getName());
    headers.putValue("Import-Package", "org.osgi.framework" + (needs == null ? "" : "," + needs));
    String jar = name + "-1.0.jar";
    String entry = activator.getName().replace('.', '/') + ".class";
    try (OutputStream file = Files.newOutputStream(folder.resolve(jar));
        JarOutputStream out = new JarOutputStream(file, manifest);
        InputStream in = getClass().getClassLoader().getResourceAsStream(entry)) {
      out.putNextEntry(new JarEntry(entry));
      in.transferTo(out);
    }
    return jar;
  }

  /** Notes when its bundle starts and stops. */
  public static final class Noting implements BundleActivator {

    @Override
    public void start(BundleContext context) {
      EVENTS.add("start " + context.getBundle().getSymbolicName());
    }

    @Override
    public void stop(BundleContext context) {
      EVENTS.add("stop " + context.getBundle().getSymbolicName());
    }
  }

  /** Does not start. */
  public static final class Angry implements BundleActivator {

    @Override
    public void start(BundleContext context) {
      throw new IllegalStateException("not today");
    }

    @Override
    public void stop(BundleContext context) {
      EVENTS.add("stopped without a start");
    }
  }
}

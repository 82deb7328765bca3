package io.gantry.itests.architecture;

import aQute.bnd.header.Parameters;
import aQute.bnd.osgi.Domain;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A bundle of Gantry's own, as its manifest and content tell of it.
 *
 * @param exports package to version, {@code ""} where there is none
 * @param imports package to version range, {@code ""} where there is none; its own exports left out
 * @param works whether it has components or an activator
 * @param packages those that its jar holds classes of
 * @param headers names of all headers of its manifest
 */
record Shipped(
    String name,
    String file,
    Map<String, String> exports,
    Map<String, String> imports,
    boolean works,
    Set<String> packages,
    Set<String> headers) {

  static Shipped read(Path jar) {
    try (JarFile file = new JarFile(jar.toFile())) {
      Set<String> packages =
          file.stream()
              .map(entry -> entry.getName())
              .filter(name -> name.endsWith(".class"))
              .map(name -> name.substring(0, name.lastIndexOf('/')).replace('/', '.'))
              .collect(Collectors.toCollection(TreeSet::new));
      return of(jar.getFileName().toString(), file.getManifest(), packages);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Shipped of(String file, Manifest manifest, Set<String> packages) {
    Domain domain = Domain.domain(manifest);
    Map<String, String> exports = versions(domain.getExportPackage());
    Map<String, String> imports = versions(domain.getImportPackage());
    imports.keySet().removeAll(exports.keySet());
    Attributes main = manifest.getMainAttributes();
    boolean works =
        main.getValue("Service-Component") != null || main.getValue("Bundle-Activator") != null;
    Set<String> headers =
        main.keySet().stream().map(Object::toString).collect(Collectors.toUnmodifiableSet());
    return new Shipped(
        domain.getBundleSymbolicName().getKey(), file, exports, imports, works, packages, headers);
  }

  private static Map<String, String> versions(Parameters parameters) {
    Map<String, String> versions = new TreeMap<>();
    parameters.forEach(
        (name, attributes) ->
            versions.put(name, Objects.requireNonNullElse(attributes.getVersion(), "")));
    return versions;
  }

  /** Gantry's own bundles in a folder of jars. */
  static List<Shipped> in(Path folder) throws IOException {
    try (Stream<Path> jars = Files.list(folder)) {
      return jars.filter(jar -> jar.getFileName().toString().startsWith("io.gantry."))
          .sorted()
          .map(Shipped::read)
          .toList();
    }
  }
}

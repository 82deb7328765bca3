package io.gantry.engine.driver;

import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import io.gantry.spi.Trusted;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import org.osgi.framework.Constants;
import org.osgi.framework.Version;

/** A jar that was looked at: a bundle that only its operator can have written. */
record DriverJar(Path path, String symbolicName, Version version) {

  /** Folders of the data root that hold what operators bring. */
  private static final Set<String> OPERATORS = Set.of("deploy", "drivers");

  /**
   * @param dataRoot where all else may be what a container wrote, whose root is the host's
   * @throws GantryException INVALID when it is no bundle, FORBIDDEN when others may have written it
   */
  static DriverJar check(Path path, Path dataRoot) {
    if (!Files.isRegularFile(path)) {
      throw new GantryException(INVALID, "no such file: " + path);
    }
    try {
      Path real = Trusted.checkWithWay(path);
      refuseOfContainers(real, dataRoot.toRealPath());
      try (var jar = new JarFile(real.toFile())) {
        var manifest = jar.getManifest();
        return of(real, manifest == null ? new Attributes() : manifest.getMainAttributes());
      }
    } catch (IOException e) {
      throw new GantryException(
          INVALID, path + " is not a jar that can be read: " + e.getMessage(), e);
    }
  }

  private static void refuseOfContainers(Path real, Path dataRoot) {
    if (real.startsWith(dataRoot)
        && !OPERATORS.contains(dataRoot.relativize(real).getName(0).toString())) {
      throw new GantryException(
          FORBIDDEN,
          real
              + " is in the data root, where containers write: take a jar from elsewhere, or put it"
              + " into the folder deploy");
    }
  }

  private static DriverJar of(Path path, Attributes headers) {
    String name = headers.getValue(Constants.BUNDLE_SYMBOLICNAME);
    if (name == null) {
      throw new GantryException(
          INVALID, path + " is not an OSGi bundle: its manifest has no Bundle-SymbolicName");
    }
    String symbolicName = name.split(";", 2)[0].strip();
    if (!symbolicName.matches("[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*")) {
      throw new GantryException(
          INVALID, path + " has a Bundle-SymbolicName that is none: " + symbolicName);
    }
    try {
      return new DriverJar(
          path, symbolicName, Version.parseVersion(headers.getValue(Constants.BUNDLE_VERSION)));
    } catch (IllegalArgumentException e) {
      throw new GantryException(
          INVALID, path + " has a Bundle-Version that is none: " + e.getMessage(), e);
    }
  }

  @Override
  public String toString() {
    return symbolicName + " " + version;
  }
}

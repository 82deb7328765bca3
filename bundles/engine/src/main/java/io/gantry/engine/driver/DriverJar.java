package io.gantry.engine.driver;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.trust.Trusted;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import org.osgi.framework.Constants;
import org.osgi.framework.Version;

/** A jar that was looked at: a bundle that only its operator can have written. */
record DriverJar(Path path, String symbolicName, Version version) {

  /**
   * @throws GantryException INVALID when it is no bundle, FORBIDDEN when others may have written it
   */
  static DriverJar check(Path path) {
    if (!Files.isRegularFile(path)) {
      throw new GantryException(INVALID, "no such file: " + path);
    }
    try {
      Trusted.checkWithWay(path);
      try (var jar = new JarFile(path.toFile())) {
        var manifest = jar.getManifest();
        return of(path, manifest == null ? new Attributes() : manifest.getMainAttributes());
      }
    } catch (IOException e) {
      throw new GantryException(
          INVALID, path + " is not a jar that can be read: " + e.getMessage(), e);
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

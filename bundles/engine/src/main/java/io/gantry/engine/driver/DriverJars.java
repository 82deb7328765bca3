package io.gantry.engine.driver;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.INTERNAL;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import io.gantry.spi.GantryException;
import io.gantry.store.StoreFailure;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.osgi.framework.Version;

/**
 * The jars of drivers that did not come with the distribution: {@code
 * drivers/<bundle>/<version>.jar} in the data root.
 */
final class DriverJars {

  private static final String JAR = ".jar";

  private final Path dataRoot;
  private final Path folder;

  DriverJars(Path dataRoot) {
    this.dataRoot = dataRoot;
    this.folder = dataRoot.resolve("drivers");
  }

  /** Looks at one that is to be taken in; {@link DriverJar#check} says what may be wrong. */
  DriverJar look(Path jar) {
    return DriverJar.check(jar, dataRoot);
  }

  Path path(String symbolicName, String version) {
    return folder.resolve(symbolicName).resolve(version + JAR);
  }

  /** Versions whose jars are here, oldest first. */
  List<Version> versions(String symbolicName) {
    Path jars = folder.resolve(symbolicName);
    if (!Files.isDirectory(jars)) {
      return List.of();
    }
    try (var files = Files.list(jars)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(JAR))
          .flatMap(name -> version(name.substring(0, name.length() - JAR.length())))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new GantryException(INTERNAL, "list " + jars + ": " + e.getMessage(), e);
    }
  }

  /** Nothing for a file that somebody else put here. */
  private static Stream<Version> version(String text) {
    try {
      return Stream.of(Version.parseVersion(text));
    } catch (IllegalArgumentException e) {
      return Stream.empty();
    }
  }

  /**
   * Copies a jar in; it is on disk when this returns.
   *
   * @return whether it was not here before
   * @throws GantryException CONFLICT when another jar of the same version is here
   */
  boolean keep(DriverJar jar) {
    Path target = path(jar.symbolicName(), jar.version().toString());
    Path home = folder.resolve(jar.symbolicName());
    try {
      if (Files.exists(target)) {
        if (Files.mismatch(target, jar.path()) < 0) {
          return false;
        }
        throw new GantryException(
            CONFLICT,
            "there is another jar of " + jar + " already; give the new one another version");
      }
      Files.createDirectories(home, ownerOnly());
      Path scratch = target.resolveSibling(target.getFileName() + ".tmp");
      try {
        Files.copy(jar.path(), scratch, REPLACE_EXISTING);
        Files.setPosixFilePermissions(scratch, PosixFilePermissions.fromString("rw-------"));
        sync(scratch, StandardOpenOption.WRITE);
        Files.move(scratch, target, ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(scratch); // a full disk leaves half of it
      }
      sync(home, StandardOpenOption.READ);
      return true;
    } catch (IOException e) {
      throw StoreFailure.of("copy " + jar.path(), e);
    }
  }

  /** Removes a jar; does nothing when it is gone. */
  void discard(DriverJar jar) {
    delete(path(jar.symbolicName(), jar.version().toString()));
  }

  private static void delete(Path target) {
    try {
      Files.deleteIfExists(target);
    } catch (IOException e) {
      throw new GantryException(INTERNAL, "delete " + target + ": " + e.getMessage(), e);
    }
  }

  /** Removes the jars of all other versions of a bundle. */
  void retain(String symbolicName, Set<Version> versions) {
    for (Version version : versions(symbolicName)) {
      if (!versions.contains(version)) {
        delete(path(symbolicName, version.toString()));
      }
    }
  }

  private static FileAttribute<?> ownerOnly() {
    return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  }

  private static void sync(Path file, StandardOpenOption how) throws IOException {
    try (var channel = FileChannel.open(file, how)) {
      channel.force(true);
    }
  }
}

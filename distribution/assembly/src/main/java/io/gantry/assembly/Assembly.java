package io.gantry.assembly;

import io.gantry.launcher.Features;
import io.gantry.launcher.StartFailure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Lays out the jars of an installation: what a feature lists goes to {@code bundles/}, every other
 * jar is a library and goes to {@code lib/}; {@code lib/packages} is what the system bundle exports
 * for them, {@code samples/} has each driver once more with a higher version.
 */
public final class Assembly {

  private Assembly() {}

  /**
   * @param arguments folder of the features, folder of all jars, folder to fill, version, source
   *     folder, time stamp of the build
   */
  public static void main(String[] arguments) throws IOException, StartFailure {
    Path jars = Path.of(arguments[1]);
    Path home = Path.of(arguments[2]);
    layOut(Features.read(Path.of(arguments[0])), jars, home);
    Files.writeString(
        home.resolve("lib/version"),
        "version=%s%ncommit=%s%nbuilt=%s%n"
            .formatted(arguments[3], Commit.of(Path.of(arguments[4])), arguments[5]));
  }

  static void layOut(Features features, Path jars, Path home) throws IOException {
    Path bundles = emptied(home.resolve("bundles"));
    Path libraries = emptied(home.resolve("lib"));
    Path samples = emptied(home.resolve("samples"));
    Set<String> deployed = new HashSet<>(features.drivers());
    features.bundles().forEach(bundle -> deployed.add(bundle.jar()));
    for (String jar : deployed) {
      if (!Files.exists(jars.resolve(jar))) {
        throw new IOException(
            "a feature lists " + jar + ", which the distribution does not depend on");
      }
    }
    PackageList packages = new PackageList();
    for (Path jar : sorted(jars)) {
      String name = jar.getFileName().toString();
      if (deployed.contains(name)) {
        Jars.unsign(jar, bundles.resolve(name));
      } else {
        Jars.unsign(jar, libraries.resolve(name));
        packages.add(jar);
      }
    }
    for (String driver : features.drivers()) {
      Jars.sample(jars.resolve(driver), samples);
    }
    Files.writeString(libraries.resolve("packages"), packages + "\n");
  }

  private static Path emptied(Path folder) throws IOException {
    if (Files.exists(folder)) {
      for (Path old : sorted(folder)) {
        Files.delete(old);
      }
    }
    return Files.createDirectories(folder);
  }

  private static List<Path> sorted(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}

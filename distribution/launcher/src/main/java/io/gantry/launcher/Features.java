package io.gantry.launcher;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What is deployed: the bundles of all OSGi Features (JSON, OSGi Compendium 8, chapter 159) in one
 * folder.
 *
 * @param bundles what the launcher starts, by start level
 * @param drivers jars of bundles in features of the category {@code driver}: the engine's registry
 *     starts those, or a newer jar of the same name
 */
public record Features(List<Deployed> bundles, List<String> drivers) {

  public Features {
    bundles = List.copyOf(bundles);
    drivers = List.copyOf(drivers);
  }

  /**
   * A bundle to start.
   *
   * @param jar its file name on the class path
   * @param startLevel bundles start from level 1 up and stop from the highest down
   */
  public record Deployed(String jar, int startLevel) {}

  public static Features read(Path folder) throws StartFailure {
    JsonMapper mapper = JsonMapper.builder().enable(JsonReadFeature.ALLOW_JAVA_COMMENTS).build();
    List<Deployed> bundles = new ArrayList<>();
    List<String> drivers = new ArrayList<>();
    for (Path file : files(folder)) {
      try {
        JsonNode feature = mapper.readTree(file.toFile());
        boolean driver = isDriver(feature);
        for (JsonNode bundle : feature.path("bundles")) {
          String jar = jar(bundle.path("id").asText());
          if (driver) {
            drivers.add(jar);
          } else {
            bundles.add(new Deployed(jar, bundle.path("startLevel").asInt(1)));
          }
        }
      } catch (JacksonException e) {
        throw broken(file, e.getOriginalMessage(), e);
      } catch (IllegalArgumentException | IOException e) {
        throw broken(file, String.valueOf(e.getMessage()), e);
      }
    }
    if (bundles.isEmpty()) {
      throw new StartFailure(StartFailure.SOFTWARE, "no feature in " + folder + " lists a bundle");
    }
    bundles.sort(Comparator.comparingInt(Deployed::startLevel));
    return new Features(bundles, drivers);
  }

  private static List<Path> files(Path folder) throws StartFailure {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> found = Files.newDirectoryStream(folder, "*.json")) {
      found.forEach(files::add);
    } catch (IOException e) {
      throw new StartFailure(
          StartFailure.SOFTWARE,
          "cannot list the features in " + folder + ": " + e.getMessage(),
          e);
    }
    files.sort(Comparator.naturalOrder());
    return files;
  }

  private static boolean isDriver(JsonNode feature) {
    for (JsonNode category : feature.path("categories")) {
      if (category.asText().equals("driver")) {
        return true;
      }
    }
    return false;
  }

  /** {@code group:artifact:version} is {@code artifact-version.jar}. */
  private static String jar(String id) {
    String[] parts = id.split(":", -1);
    if (parts.length != 3) {
      throw new IllegalArgumentException(
          "a bundle id is group:artifact:version, not \"" + id + '"');
    }
    return parts[1] + "-" + parts[2] + ".jar";
  }

  private static StartFailure broken(Path file, String reason, Exception cause) {
    return new StartFailure(
        StartFailure.SOFTWARE, "cannot read feature " + file + ": " + reason, cause);
  }
}

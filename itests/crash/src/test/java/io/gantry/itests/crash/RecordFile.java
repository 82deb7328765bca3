package io.gantry.itests.crash;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A file that keeps what is known of one object.
 *
 * @param kind of object, and whose record of it
 * @param object what clients see of it: the id of a container, network or image, the name of a
 *     volume, or a reference
 */
record RecordFile(Path path, String kind, String object) implements Comparable<RecordFile> {
  private static final String JSON = ".json";

  /** Empty files that mounts cover, made anew where they are missing: no records. */
  private static final String SHARED = "mountpoints";

  private static final Pattern HEX = Pattern.compile(".*?([0-9a-f]{64}).*");

  /**
   * All below a data root.
   *
   * @param images ids of images by the chain ids of their layers, in hex
   */
  static List<RecordFile> allOf(Path dataRoot, Map<String, String> images) {
    List<RecordFile> files = new ArrayList<>();
    for (String folder :
        List.of("containers", "runs", "volumes", "networks", "image/images", "image/names")) {
      for (Path file : inside(dataRoot.resolve(folder))) {
        if (isJson(file)) {
          String key = URLDecoder.decode(name(file), StandardCharsets.UTF_8).replace(JSON, "");
          files.add(new RecordFile(file, folder, key.replace("docker.io/library/", "")));
        }
      }
    }
    for (Path file : inside(dataRoot.resolve("image/layers"))) {
      if (isJson(file)) {
        files.add(new RecordFile(file, "image/layers", images.getOrDefault(hex(file), "?")));
      }
    }
    for (Path driver : inside(dataRoot.resolve("storage"))) {
      for (Path folder : inside(driver)) {
        if (name(folder).equals(SHARED)) {
          continue;
        }
        for (Path snapshot : inside(folder)) {
          Stream.concat(Stream.of(snapshot), inside(snapshot).stream())
              .filter(file -> Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS))
              .forEach(file -> files.add(ofSnapshot(driver, snapshot, file, images)));
        }
      }
    }
    for (Path file : inside(dataRoot.resolve("drivers"))) {
      if (isJson(file)) {
        files.add(new RecordFile(file, "drivers", name(file)));
      }
    }
    return files;
  }

  private static RecordFile ofSnapshot(
      Path driver, Path snapshot, Path file, Map<String, String> images) {
    String hex = hex(snapshot);
    String kind = "storage/" + name(driver) + (name(snapshot).startsWith("c") ? "/container" : "");
    return new RecordFile(file, kind, images.getOrDefault(hex, hex));
  }

  /** How a log says which one it is. */
  String named() {
    return kind.startsWith("storage/") ? name(path.getParent()) : name(path);
  }

  /** Whether what a client sees may differ once this is damaged. */
  boolean isAbout(String line) {
    return line.contains(object);
  }

  private static boolean isJson(Path file) {
    return name(file).endsWith(JSON) && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS);
  }

  private static String hex(Path file) {
    var matcher = HEX.matcher(name(file));
    return matcher.matches() ? matcher.group(1) : name(file);
  }

  private static String name(Path file) {
    return file.getFileName().toString();
  }

  private static List<Path> inside(Path folder) {
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      return List.of();
    }
    try (Stream<Path> all = Files.list(folder)) {
      return all.sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public int compareTo(RecordFile other) {
    return path.compareTo(other.path);
  }

  @Override
  public String toString() {
    return kind + "/" + name(path) + " of " + object;
  }
}

package io.gantry.image.layer;

import io.gantry.linux.Dir;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Trees in plain directories; with whole trees a snapshot on a parent is a copy of it. Different
 * ids may be used side by side.
 */
public final class DirectoryTrees implements LayerTrees {

  private final Path root;
  private final TreeStyle style;
  private final Map<String, String> parents = new ConcurrentHashMap<>();
  private String defaultDriver = "one";
  private String stopped = "";

  public DirectoryTrees(Path root, TreeStyle style) {
    this.root = root;
    this.style = style;
  }

  public void useByDefault(String driver) {
    defaultDriver = driver;
  }

  @Override
  public String defaultDriver() {
    return defaultDriver;
  }

  /** That driver no longer serves. */
  public void stop(String driver) {
    stopped = driver;
  }

  @Override
  public List<String> drivers() {
    return Stream.of("one", "two").filter(driver -> !driver.equals(stopped)).toList();
  }

  @Override
  public Place prepare(String driver, String id, @Nullable String parent) {
    Path directory = path(driver, id);
    try {
      Files.createDirectories(directory);
      if (parent != null) {
        if (!Files.isDirectory(path(driver, parent))) {
          throw new GantryException(Kind.NOT_FOUND, "no parent");
        }
        parents.put(driver + id, parent);
        if (style == TreeStyle.WHOLE) {
          run("cp", "-a", path(driver, parent) + "/.", directory.toString());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Place(directory, style, style == TreeStyle.WHOLE ? List.of() : below(driver, id));
  }

  private List<Path> below(String driver, String id) {
    List<Path> below = new ArrayList<>();
    for (String at = parents.get(driver + id); at != null; at = parents.get(driver + at)) {
      below.add(path(driver, at));
    }
    return below;
  }

  @Override
  public void commit(String driver, String id, String layer) {
    if (Files.exists(path(driver, layer))) {
      throw new GantryException(Kind.CONFLICT, "layer exists");
    }
    try {
      Files.move(path(driver, id), path(driver, layer));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String parent = parents.remove(driver + id);
    if (parent != null) {
      parents.put(driver + layer, parent);
    }
  }

  @Override
  public void remove(String driver, String id) {
    if (parents.values().contains(id)) {
      throw new GantryException(Kind.CONFLICT, "it is a parent");
    }
    parents.remove(driver + id);
    if (Files.isDirectory(root.resolve(driver))) {
      try (Dir dir = Dir.open(root.resolve(driver))) {
        dir.removeTree(id);
      }
    }
  }

  @Override
  public Place layer(String driver, String layer) {
    return new Place(path(driver, layer), style);
  }

  public Path path(String driver, String id) {
    return root.resolve(driver).resolve(id);
  }

  /** What is there, of all drivers. */
  public Set<String> all() {
    Set<String> all = new TreeSet<>();
    for (String driver : drivers()) {
      try (Stream<Path> files = Files.list(root.resolve(driver))) {
        files.forEach(file -> all.add(driver + "/" + file.getFileName()));
      } catch (NoSuchFileException e) {
        // nothing made with it yet
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return all;
  }

  static void run(String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes());
      if (process.waitFor() != 0) {
        throw new IllegalStateException(String.join(" ", command) + ": " + said);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}

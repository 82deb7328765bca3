package io.gantry.storage.overlay;

import io.gantry.linux.Dir;
import io.gantry.linux.Shelf;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Short names of layers, symbolic links {@code l/XXXX} to {@code ../snapshots/ID/fs}: with them the
 * five hundred layers that the kernel takes fit into mount(2)'s one page of options.
 */
final class Links {

  private static final String LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz";
  private static final int SHORTEST = 4;
  private static final int TRIES_PER_LENGTH = 64;

  private final Path root;
  private final Path links;
  private final Shelf shelf;

  Links(Path root, Shelf shelf) {
    this.root = root;
    this.links = root.resolve("l");
    this.shelf = shelf;
  }

  /** As it goes into options. */
  String path(String link) {
    return links.resolve(link).toString();
  }

  /** The directory that a link leads to; without the C library. */
  Path target(String link) {
    try {
      return links.resolve(Files.readSymbolicLink(links.resolve(link))).normalize();
    } catch (IOException e) {
      throw new GantryException(
          Kind.INTERNAL, "layer " + link + " of " + root + " has no directory: " + e, e);
    }
  }

  /** Takes a free name for a layer that is about to be there. */
  String make(String layer) {
    try (Dir dir = open()) {
      for (int tries = 0; ; tries++) {
        String name = random(SHORTEST + tries / TRIES_PER_LENGTH);
        try {
          dir.symlink(targetOf(layer), name);
          return name;
        } catch (GantryException e) {
          if (e.kind() != Kind.CONFLICT) {
            throw e;
          } // taken: another one
        }
      }
    }
  }

  private static String random(int length) {
    RandomGenerator random = RandomGenerator.getDefault();
    StringBuilder name = new StringBuilder(length);
    for (int i = 0; i < length; i++) {
      name.append(LETTERS.charAt(random.nextInt(LETTERS.length())));
    }
    return name.toString();
  }

  void remove(String link) {
    if (!link.isEmpty()) {
      try (Dir dir = open()) {
        dir.removeTree(link);
      }
    }
  }

  /**
   * Makes links that are missing and removes those that lead nowhere; a layer whose record is
   * damaged keeps its own, for what was built on it.
   *
   * @return what was removed, in words
   */
  List<String> repair(List<SnapshotRecord> records) {
    Map<String, String> wanted = new HashMap<>();
    for (SnapshotRecord record : records) {
      if (!record.link().isEmpty()) {
        wanted.put(record.link(), targetOf(record.snapshot().id()));
      }
    }
    List<String> swept = new ArrayList<>();
    if (wanted.isEmpty() && !Files.isDirectory(links)) {
      return swept;
    }
    try (Dir dir = open()) {
      Map<String, String> present = new HashMap<>();
      dir.names().forEach(name -> present.put(name, readlink(dir, name)));
      present.forEach(
          (name, target) -> {
            if (!target.equals(wanted.get(name)) && (wanted.containsKey(name) || !leads(target))) {
              dir.removeTree(name);
              swept.add("link " + name + " to no layer");
            }
          });
      wanted.forEach(
          (name, target) -> {
            if (!target.equals(present.get(name))) {
              dir.symlink(target, name);
            }
          });
    }
    return swept;
  }

  private static String readlink(Dir dir, String name) {
    return dir.stat(name).isSymlink() ? dir.readlink(name) : "";
  }

  /** Whether there is such a directory and no record that says it has another name. */
  private boolean leads(String target) {
    Path layer = links.resolve(target).normalize().getParent();
    Optional<Path> name = Optional.ofNullable(layer).map(Path::getFileName);
    return !target.isEmpty()
        && name.isPresent()
        && shelf.has(name.get().toString())
        && shelf.record(name.get().toString()).isEmpty();
  }

  private static String targetOf(String layer) {
    return "../snapshots/" + layer + "/" + Trees.FS;
  }

  private Dir open() {
    if (!Files.isDirectory(links)) {
      shelf.makeDirectories();
      try {
        Files.createDirectories(links);
      } catch (IOException e) {
        throw new GantryException(Kind.INTERNAL, "make " + links + ": " + e.getMessage(), e);
      }
    }
    return Dir.open(links);
  }
}

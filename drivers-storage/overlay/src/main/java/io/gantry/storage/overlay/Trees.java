package io.gantry.storage.overlay;

import io.gantry.linux.Dir;
import io.gantry.linux.OverlayDirs;
import io.gantry.linux.Shelf;
import io.gantry.linux.TreeCopy;
import io.gantry.linux.Whiteouts;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.storage.Snapshot;
import io.gantry.spi.storage.SnapshotOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The directories of snapshots: {@code fs}, what differs from the parent, and {@code work}, which
 * the kernel needs beside one that is written to. How they are mounted is said without the C
 * library: it is on the way to a container's start.
 */
final class Trees {

  static final String FS = "fs";
  static final String WORK = "work";

  /** The kernel's limit (OVL_MAX_STACK). */
  static final int MOST_LAYERS = 500;

  /**
   * Whatever the kernel's defaults are, each directory stays meaningful by itself: no file whose
   * content is below ({@code metacopy}), no directory that is known by another name below ({@code
   * redirect_dir}; nor is one followed that somebody planted), no index that ties it to the others.
   */
  static final List<String> OPTIONS =
      List.of("redirect_dir=nofollow", "metacopy=off", "index=off", "xino=off");

  /**
   * Made by the kernel when it mounts with {@code volatile}; while it is there it does not again.
   */
  private static final List<String> VOLATILE_MARKS =
      List.of("work/incompat/volatile/dirty", "work/incompat/volatile", "work/incompat");

  private final Shelf shelf;
  private final Links links;
  private final MountPoints points;

  Trees(Shelf shelf, Links links, MountPoints points) {
    this.shelf = shelf;
    this.links = links;
    this.points = points;
  }

  Path fs(String id) {
    return shelf.path(id).resolve(FS);
  }

  private Path work(String id) {
    return shelf.path(id).resolve(WORK);
  }

  /**
   * Fills the directory of a new snapshot.
   *
   * @param parent its root has the owner, mode, times and attributes that this one's root shall
   *     have
   */
  void fill(Dir snapshot, @Nullable String parent, boolean writable, boolean durable) {
    snapshot.mkdir(FS, 0755);
    if (writable) {
      snapshot.mkdir(WORK, 0700);
    }
    try (Dir own = snapshot.dir(FS)) {
      if (parent != null) {
        try (Dir from = Dir.open(fs(parent))) {
          TreeCopy.copyAttributes(from, own, name -> !name.startsWith("trusted.overlay."));
        }
      }
      if (durable) {
        own.sync();
      }
    }
  }

  List<Mount> mounts(SnapshotRecord record) {
    Snapshot snapshot = record.snapshot();
    String own = fs(snapshot.id()).toString();
    Mount mount =
        switch (snapshot.kind()) {
          case WRITABLE ->
              record.lower().isEmpty()
                  ? Mount.bind(own, "/")
                  : overlay(lower(record), own, record.isVolatile() ? "volatile" : "rw");
          case LAYER -> readOnly(own, record.chain());
          case VIEW -> readOnly(own, record.lower());
        };
    return List.of(mount);
  }

  /** Directories, topmost first; below a container's image what it needs besides. */
  private List<String> lower(SnapshotRecord record) {
    List<String> paths = new ArrayList<>(paths(record.lower()));
    boolean isRoot = record.snapshot().labels().containsKey(SnapshotOptions.ROOT);
    if (isRoot && paths.size() < MOST_LAYERS) {
      points.directory().ifPresent(paths::add);
    }
    return paths;
  }

  private List<String> paths(List<String> layers) {
    return layers.stream().map(links::path).toList();
  }

  /** The kernel takes no overlay of a single directory, and none is needed. */
  private Mount readOnly(String own, List<String> layers) {
    return switch (layers.size()) {
      case 0 -> Mount.bind(own, "/", "ro");
      case 1 -> Mount.bind(links.target(layers.get(0)).toString(), "/", "ro");
      default -> overlay(paths(layers), "", "ro");
    };
  }

  private static Mount overlay(List<String> lower, String upper, String option) {
    List<String> options = new ArrayList<>();
    options.add(option);
    options.addAll(OPTIONS);
    Path parent = Path.of(upper).getParent();
    String work = parent == null ? "" : parent.resolve(WORK).toString();
    options.addAll(new OverlayDirs(lower, upper, work).options());
    return new Mount("overlay", "overlay", "/", options);
  }

  /**
   * Lets a volatile snapshot be mounted once more. The kernel refuses that, since it cannot know
   * whether what was not synced is still there: it is, as long as the host has not been restarted.
   */
  void allowRemount(String id) {
    Path work = work(id);
    if (!work.resolve(VOLATILE_MARKS.get(VOLATILE_MARKS.size() - 1)).toFile().exists()) {
      return;
    }
    try {
      for (String mark : VOLATILE_MARKS) {
        Files.deleteIfExists(work.resolve(mark));
      }
    } catch (IOException e) {
      throw new GantryException(Kind.INTERNAL, "clear " + work + ": " + e, e);
    }
  }

  /**
   * Makes a tree ready to be a layer: durable, and without deletions of nothing.
   *
   * @param lower the layers it lies on
   * @return those of them that are seen through it; the kernel does not look whether a root is
   *     opaque
   */
  List<String> settle(String id, List<String> lower) {
    try (Dir own = Dir.open(fs(id))) {
      List<String> below = Whiteouts.isOpaque(own) ? List.of() : lower;
      Whiteouts.prune(own, below.stream().map(links::target).toList());
      own.syncFileSystem();
      return below;
    }
  }

  /** A layer is never written to again. */
  void dropWork(String layer) {
    if (Files.exists(work(layer))) {
      try (Dir dir = Dir.open(shelf.path(layer))) {
        dir.removeTree(WORK);
      }
    }
  }
}

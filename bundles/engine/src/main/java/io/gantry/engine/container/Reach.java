package io.gantry.engine.container;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.engine.spec.ContainerMount;
import io.gantry.linux.DetachedMount;
import io.gantry.linux.MountInfo;
import io.gantry.linux.Mounts;
import io.gantry.linux.Names;
import io.gantry.linux.Pinned;
import io.gantry.linux.SyscallError;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import io.gantry.spi.Undo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Sources of a container's mounts on the host, for as long as it takes to mount them: images and
 * parts of volumes are mounted in the run directory. Closed when the container has its own mounts
 * of them; volumes stay mounted for it then.
 *
 * <p>A part is looked up by descriptors and mounted by the one that was found: a process that has
 * the volume, and swaps names there meanwhile, leads nobody out of it.
 */
final class Reach implements AutoCloseable {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");
  private static final String IMAGE = "image-";
  private static final String PART = "part-";

  private final List<Mount> mounts = new ArrayList<>();
  private final Undo passing = new Undo();
  private final Undo undo;
  private int images;
  private int parts;

  /**
   * @param undo what to take back should it not come to a mount
   */
  Reach(Undo undo) {
    this.undo = undo;
  }

  Undo undo() {
    return undo;
  }

  void add(Mount mount) {
    mounts.add(mount);
  }

  List<Mount> mounts() {
    return mounts;
  }

  /**
   * A path that leads to a part of a directory, whatever is done to names there.
   *
   * @param dir null: the caller mounts it from where he is
   */
  String part(String source, String subpath, @Nullable Path dir) {
    if (subpath.isEmpty()) {
      return source;
    }
    var pinned = pin(source, subpath);
    passing.add(pinned::close);
    if (dir == null) {
      return pinned.path();
    }
    Path place = dir.resolve(PART + parts++);
    make(place, pinned.isDirectory());
    // Not by Mounts: unmounted, it would take along what is mounted in the volume itself.
    try (var part = DetachedMount.make(new Mount("rbind", pinned.path(), "/", List.of()))) {
      part.attach(place);
    }
    passing.add(() -> Mounts.unmount(place));
    return place.toString();
  }

  private static Pinned pin(String source, String subpath) {
    try {
      return Pinned.below(Path.of(source), subpath);
    } catch (GantryException e) {
      throw new GantryException(
          GantryException.Kind.INVALID,
          "cannot access path %s/%s: %s".formatted(source, subpath, SyscallError.errno(e).words()),
          e);
    }
  }

  /**
   * @param layer how it is mounted
   * @param dir null: the caller mounts it himself
   */
  void image(ContainerMount mount, List<Mount> layer, @Nullable Path dir) {
    var first = layer.get(0);
    if (dir != null) {
      Path place = image(dir, images++);
      make(place, true);
      mount(first, place);
      add(mount.mount(part(place.toString(), mount.subpath(), dir)));
    } else if (mount.subpath().isEmpty()) {
      var options = new ArrayList<>(first.options());
      options.add("ro");
      add(new Mount(first.type(), first.source(), mount.target(), options));
    } // a part of an image is not among the files of a container that does not run
  }

  private static void make(Path place, boolean directory) {
    try {
      if (directory) {
        Files.createDirectory(place);
      } else {
        Files.createFile(place);
      }
    } catch (IOException e) {
      throw new GantryException(
          GantryException.Kind.INTERNAL, "make " + place + ": " + e.getMessage(), e);
    }
  }

  private void mount(Mount mount, Path place) {
    Mounts.mount(mount, place);
    passing.add(() -> Mounts.unmount(place));
  }

  static Path image(Path dir, int number) {
    return dir.resolve(IMAGE + number);
  }

  /** What an engine that died has left mounted in a run directory. */
  static void clear(Path dir) {
    if (!Files.exists(image(dir, 0)) && !Files.exists(dir.resolve(PART + 0))) {
      return;
    }
    String images = Names.ofText(dir + "/" + IMAGE);
    String parts = Names.ofText(dir + "/" + PART);
    for (MountInfo mount : MountInfo.ofSelf()) {
      if (mount.target().startsWith(images) || mount.target().startsWith(parts)) {
        Mounts.unmount(Path.of(Names.toText(mount.target())));
      }
    }
  }

  /** The container runs by then, or has failed for another reason: neither changes by this. */
  @Override
  public void close() {
    try {
      passing.close();
    } catch (GantryException e) {
      log.log(WARNING, "left mounted until the end of the run: {0}", e.getMessage());
    }
  }
}

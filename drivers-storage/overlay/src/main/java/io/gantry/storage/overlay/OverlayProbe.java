package io.gantry.storage.overlay;

import io.gantry.linux.DetachedMount;
import io.gantry.linux.Dir;
import io.gantry.linux.File;
import io.gantry.linux.OverlayDirs;
import io.gantry.linux.Stat.Type;
import io.gantry.linux.SyscallError;
import io.gantry.linux.Whiteouts;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.Undo;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;

/**
 * Finds out whether overlay works in a directory, by doing it: two small layers, mounted where
 * nobody sees them with the options that containers get, and every kind of change once. Leaves
 * nothing.
 */
final class OverlayProbe {

  /** Not another at each try: a reason that stays the same is not told again. */
  private static final String NAME = "probe~" + System.nanoTime();

  private static final Bytes YES = Bytes.copyOf(new byte[] {'y'});

  private final Path root;
  private final String place;

  private OverlayProbe(Path root, String fileSystem) {
    this.root = root;
    this.place = root + " (" + fileSystem + ")";
  }

  /**
   * @return the type of the file system, as in /proc/mounts
   * @throws GantryException with the reason why not; other than UNSUPPORTED when that could not be
   *     found out
   */
  static String check(Path root) {
    try (Undo undo = new Undo()) {
      Path scratch = root.resolve("scratch");
      makeMissing(scratch, undo);
      String fileSystem = fileSystem(scratch);
      new OverlayProbe(root, fileSystem).tryIn(scratch);
      return fileSystem;
    } catch (IOException e) {
      throw new GantryException(Kind.UNAVAILABLE, "cannot use " + root + ": " + e, e);
    } catch (GantryException e) {
      throw e.kind() == Kind.UNSUPPORTED || mayPass(e)
          ? e
          : new GantryException(Kind.UNSUPPORTED, e.getMessage(), e);
    }
  }

  /** The type of the file system, as in /proc/mounts. */
  static String fileSystem(Path path) {
    try {
      return Files.getFileStore(path).type();
    } catch (IOException e) {
      throw new GantryException(Kind.UNAVAILABLE, "cannot use " + path + ": " + e, e);
    }
  }

  /** Whether it says nothing about what the file system can do. */
  private static boolean mayPass(GantryException failure) {
    return switch (SyscallError.errno(failure)) {
      case ENOSPC, EDQUOT, EROFS, EIO, EMFILE, ENFILE, ENOMEM, EINTR -> true;
      default -> failure.kind() == Kind.UNAVAILABLE;
    };
  }

  private static void makeMissing(Path directory, Undo undo) throws IOException {
    Deque<Path> missing = new ArrayDeque<>();
    for (Path at = directory; at != null && !Files.exists(at); at = at.getParent()) {
      missing.push(at);
    }
    for (Path made : missing) {
      undo.add(() -> removeIfEmpty(made));
      Files.createDirectory(made);
    }
  }

  private static void removeIfEmpty(Path directory) throws IOException {
    try {
      Files.deleteIfExists(directory);
    } catch (DirectoryNotEmptyException e) {
      // in use by now
    }
  }

  private void tryIn(Path scratch) {
    String name = NAME;
    try (Dir all = Dir.open(scratch);
        Undo undo = new Undo()) {
      undo.add(() -> all.removeTree(name));
      all.removeTree(name);
      all.mkdir(name, 0700);
      try (Dir dir = all.dir(name)) {
        makeDirectories(dir);
        String path = scratch.resolve(name).toString();
        fill(dir, path);
        mounted(path, this::change);
        try (Dir upper = dir.dir("upper")) {
          require(Whiteouts.isWhiteout(upper.stat("removed")), "a removal left no whiteout");
        }
      }
    }
  }

  private void makeDirectories(Dir dir) {
    for (String sub : List.of("low", "low/opaque", "high", "high/opaque", "upper", "work")) {
      try (Dir parent = sub.contains("/") ? dir.dir(sub.replaceAll("/.*", "")) : dir.dir(".")) {
        parent.mkdir(sub.replaceAll(".*/", ""), 0700);
      }
    }
    dir.entries(
        entry -> {
          if (entry.type().isEmpty()) {
            throw no("does not keep the types of files in directories (d_type; XFS: ftype=1)");
          }
        });
  }

  private void fill(Dir dir, String path) {
    try (Dir low = dir.dir("low");
        Dir hidden = dir.dir("low/opaque");
        Dir high = dir.dir("high");
        Dir opaque = dir.dir("high/opaque")) {
      for (String file : List.of("gone", "removed", "written")) {
        low.create(file, 0600).close();
      }
      hidden.create("hidden", 0600).close();
      high.mknod("gone", Type.CHARACTER_DEVICE, 0, 0, 0);
      opaque.xattrs().set(Whiteouts.OPAQUE, YES);
    } catch (GantryException e) {
      throw switch (SyscallError.errno(e)) {
        case EOPNOTSUPP -> no("has no trusted extended attributes");
        case EPERM -> {
          mounted(path, merged -> {}); // the kernel says best what it does not take
          yield no("cannot be used without CAP_SYS_ADMIN and CAP_MKNOD: " + e.getMessage());
        }
        default -> e;
      };
    }
  }

  private void mounted(String path, Consumer<Dir> action) {
    // volatile: the end of any other overlay mount waits for the whole file system.
    List<String> options = new ArrayList<>(List.of("volatile"));
    options.addAll(Trees.OPTIONS);
    List<String> lower = List.of(path + "/high", path + "/low");
    options.addAll(new OverlayDirs(lower, path + "/upper", path + "/work").options());
    try (DetachedMount mount = DetachedMount.make(new Mount("overlay", "overlay", "/", options));
        Dir merged = mount.root()) {
      action.accept(merged);
    } catch (GantryException e) {
      if (mayPass(e)) {
        throw e;
      }
      throw switch (SyscallError.errno(e)) {
        case ENODEV ->
            new GantryException(Kind.UNSUPPORTED, "this kernel has no overlay file system", e);
        case EPERM ->
            new GantryException(
                Kind.UNSUPPORTED, "mounting is not permitted here: " + e.getMessage(), e);
        case OTHER -> e;
        default -> no("cannot hold overlay's layers: " + e.getMessage());
      };
    }
  }

  private void change(Dir merged) {
    require(!merged.has("gone"), "a whiteout hides nothing");
    try (Dir opaque = merged.dir("opaque")) {
      require(!opaque.has("hidden"), "an opaque directory hides nothing");
    }
    merged.unlink("removed");
    require(!merged.has("removed"), "a file cannot be removed");
    try (File file = merged.openForWriting("written")) {
      file.truncate(1);
    }
    merged.rename("written", merged, "renamed");
    merged.removeTree("opaque");
    merged.mkdir("opaque", 0700);
  }

  private void require(boolean fact, String otherwise) {
    if (!fact) {
      throw no("cannot hold overlay's layers: " + otherwise);
    }
  }

  private GantryException no(String why) {
    return new GantryException(Kind.UNSUPPORTED, place + " " + why);
  }
}

package io.gantry.storage.overlay;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;

/**
 * A directory of the mount points that every container needs, empty: the lowest layer of
 * containers' roots. What an image has of them hides these; what it lacks need not be made in each
 * container and deleted with it, where each is an inode more on the disk.
 *
 * <p>It belongs to no snapshot: nobody's changes, no layer and no usage ever hold it. Whatever is
 * missing of it is made by whoever mounts something there, as it is without it.
 */
final class MountPoints {

  static final String NAME = "mountpoints";

  private static final List<String> DIRECTORIES = List.of("dev", "etc", "proc", "sys");
  private static final List<String> FILES = List.of("etc/hostname", "etc/hosts", "etc/resolv.conf");
  private static final String MARK = ".dockerenv";

  private final Path directory;
  private volatile boolean made;

  MountPoints(Path root) {
    this.directory = root.resolve(NAME);
  }

  /** Made when it is not there; without room on the disk it goes without. */
  Optional<String> directory() {
    if (!made) {
      try {
        make();
      } catch (IOException e) {
        return Optional.empty(); // the next one tries again
      }
      made = true;
    }
    return Optional.of(directory.toString());
  }

  /** Nothing is synced: after a power cut what is missing is made again. */
  private void make() throws IOException {
    directory(directory);
    for (String name : DIRECTORIES) {
      directory(directory.resolve(name));
    }
    for (String name : FILES) {
      file(directory.resolve(name), "rw-r--r--");
    }
    file(directory.resolve(MARK), "rwxr-xr-x");
  }

  private static void directory(Path path) throws IOException {
    Files.createDirectories(path);
    permit(path, "rwxr-xr-x");
  }

  private static void file(Path path, String permissions) throws IOException {
    try {
      Files.createFile(path);
    } catch (FileAlreadyExistsException e) {
      // by an earlier one
    }
    permit(path, permissions);
  }

  /** What is so already is not touched: the disk may be full, or readable only. */
  private static void permit(Path path, String permissions) throws IOException {
    var wanted = PosixFilePermissions.fromString(permissions);
    if (!Files.getPosixFilePermissions(path).equals(wanted)) {
      Files.setPosixFilePermissions(path, wanted);
    }
  }
}

package io.gantry.api;

import java.io.InputStream;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The files of containers, whether they run or not. A {@code path} counts from the container's root
 * and is that of a link itself, unless it ends with {@code /} or {@code /.}: then it is that of the
 * directory it leads to.
 *
 * <p>A container that does not run is not started or removed while its files are in use; that waits
 * a while and then fails with CONFLICT, and so does, the other way round, the use of files during a
 * start that takes long. All of these fail with NOT_FOUND as {@link Containers} says.
 */
@ProviderType
public interface ContainerFiles {

  /**
   * What is at a path.
   *
   * @throws io.gantry.spi.GantryException NOT_FOUND
   */
  PathStat stat(String ref, String path);

  /**
   * A file, or a directory with all below it, as a tar whose first member has the last name of the
   * path.
   *
   * @throws io.gantry.spi.GantryException NOT_FOUND
   */
  Archive read(String ref, String path);

  /**
   * Unpacks a tar, plain or compressed, into a directory that is there.
   *
   * @throws io.gantry.spi.GantryException NOT_FOUND; INVALID for what is no directory, for a broken
   *     archive and what {@code how} forbids; FORBIDDEN where it is read-only. What was unpacked
   *     before a failure stays
   */
  void write(String ref, String path, InputStream archive, Set<Unpacking> how);

  /** What differs from its image, sorted by path; without what is mounted inside. */
  List<Change> changes(String ref);

  /** Its whole root as a tar, without what is mounted inside. */
  ByteStream export(String ref);

  /**
   * Makes an image of what it is now. It is paused meanwhile if it runs and {@code commit} says so.
   *
   * @return id of the image, durable
   * @throws io.gantry.spi.GantryException INVALID for a change or a name that is no good
   */
  String commit(String ref, Commit commit);

  /** Ways to unpack. */
  enum Unpacking {
    /** A directory is not replaced by another kind of file, nor the other way round. */
    KEEP_KIND,
    /** All belongs to the container's user. */
    AS_USER
  }

  /** Kinds of files. */
  enum FileType {
    REGULAR,
    DIRECTORY,
    SYMLINK,
    FIFO,
    SOCKET,
    CHARACTER_DEVICE,
    BLOCK_DEVICE
  }

  /**
   * What is at a path.
   *
   * @param name last one of the path; {@code /} for the root, {@code .} for a path that ends so
   * @param mode permission, set-id and sticky bits
   * @param linkTarget where a link leads in the end, as a path from the container's root
   */
  record PathStat(
      String name, long size, FileType type, int mode, Instant modified, String linkTarget) {}

  /** Who asked for it closes the tar. */
  record Archive(PathStat stat, ByteStream tar) {}

  /**
   * One difference.
   *
   * @param path with a slash at its start
   */
  record Change(String path, Kind kind) {
    /** In the order of Docker's numbers. */
    public enum Kind {
      MODIFIED,
      ADDED,
      DELETED
    }
  }

  /**
   * How an image is to be made.
   *
   * @param repository name to give it, or empty
   * @param tag or empty for {@code latest}
   * @param pause while it is made
   * @param config over which the container's settings are laid, or null
   * @param changes Dockerfile lines applied to it
   */
  record Commit(
      String repository,
      String tag,
      String comment,
      String author,
      boolean pause,
      Images.@Nullable ImageConfig config,
      List<String> changes) {

    public Commit {
      changes = List.copyOf(changes);
    }
  }
}

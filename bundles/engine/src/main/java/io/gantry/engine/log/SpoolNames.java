package io.gantry.engine.log;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Finds the files of a log, {@code L} being the newest, then {@code L.1}, {@code L.2.gz} …, while
 * the log's writer renames them. He moves each to the next higher number, the oldest first, so that
 * there may be a gap for a moment, and for longer when he was killed in the middle; {@code L.1}
 * becomes {@code L.1.gz} with both there for a moment. An answer is believed when the file that was
 * started from is where it was before and after the look.
 */
final class SpoolNames {
  /** Of names in a row that are not there, after which no more are looked for. */
  private static final int GAP = 3;

  private static final int ATTEMPTS = 50;
  private static final long PAUSE_NANOS = 200_000;

  private final Path newest;

  SpoolNames(Path newest) {
    this.newest = newest;
  }

  Path path(int age) {
    return age == 0 ? newest : newest.resolveSibling(newest.getFileName() + "." + age);
  }

  Path compressedPath(int age) {
    return newest.resolveSibling(newest.getFileName() + "." + age + ".gz");
  }

  /** Opens the file that is written, or else the youngest; null when there is none. */
  @Nullable SpoolFile newest() throws IOException {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      var file = open(0);
      if (file != null || youngest(1) < 0) {
        return file;
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
    int age = youngest(1);
    return age < 0 ? null : open(age);
  }

  /**
   * Opens the one that was written after a file; when that one is gone, the oldest there is; null
   * when it is the newest.
   */
  @Nullable SpoolFile younger(SpoolFile than) throws IOException {
    return next(than, -1);
  }

  /** Opens the one that was written before a file; null when there is none. */
  @Nullable SpoolFile older(SpoolFile than) throws IOException {
    return next(than, 1);
  }

  private @Nullable SpoolFile next(SpoolFile from, int step) throws IOException {
    for (int attempt = 0; ; attempt++) {
      int age = ageOf(from);
      if (age < 0) {
        return step > 0 ? null : openOldest();
      }
      if (age + step < 0) {
        return null;
      }
      var found = open(age + step);
      if (!isAt(from, age)) {
        close(found);
      } else if (found != null) {
        return found;
      } else {
        int beyond = step > 0 ? youngest(age + 1) : 0;
        if (beyond < 0) {
          return null;
        }
        if (attempt >= ATTEMPTS) { // the gap stays: its writer was killed
          return step > 0 ? open(beyond) : null;
        }
      }
      if (attempt > 0) {
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    }
  }

  boolean isNewest(SpoolFile file) throws IOException {
    return !file.isCompressed() && inode(newest) == file.inode();
  }

  /** Since files only move upwards, a walk upwards meets each that stays. */
  int ageOf(SpoolFile file) throws IOException {
    int missing = 0;
    for (int age = 0; missing < GAP; age++) {
      if (isAt(file, age)) {
        return age;
      }
      missing = exists(age) ? 0 : missing + 1;
    }
    return -1;
  }

  private boolean isAt(SpoolFile file, int age) throws IOException {
    if (!file.isCompressed() && inode(path(age)) == file.inode()) {
      return true;
    }
    if (age == 0 || inode(compressedPath(age)) < 0) {
      return false;
    }
    try (var channel = FileChannel.open(compressedPath(age))) {
      return GzipMark.read(channel).equals(file.mark());
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /** Which file is meant. */
  interface Wanted {
    boolean is(SpoolFile file) throws IOException;
  }

  /** Opens the one that is wanted; null when there is none. */
  @Nullable SpoolFile find(Wanted wanted) throws IOException {
    for (int age = youngest(0); age >= 0; age = youngest(age + 1)) {
      var file = open(age);
      if (file != null) {
        if (wanted.is(file)) {
          return file;
        }
        file.close();
      }
    }
    return null;
  }

  boolean isPlain(int age, long inode) throws IOException {
    return inode(path(age)) == inode;
  }

  boolean exists(int age) throws IOException {
    return inode(path(age)) >= 0 || (age > 0 && inode(compressedPath(age)) >= 0);
  }

  /** The lowest number from here on that has a file; -1 when there is none. */
  private int youngest(int from) throws IOException {
    for (int age = from; age < from + GAP; age++) {
      if (exists(age)) {
        return age;
      }
    }
    return -1;
  }

  private @Nullable SpoolFile openOldest() throws IOException {
    int oldest = -1;
    for (int age = youngest(0); age >= 0; age = youngest(age + 1)) {
      oldest = age;
    }
    return oldest < 0 ? null : open(oldest);
  }

  /** Null when there is none. */
  @Nullable SpoolFile open(int age) throws IOException {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      long inode = inode(path(age));
      try {
        if (inode < 0) {
          return age == 0 ? null : SpoolFile.compressed(FileChannel.open(compressedPath(age)));
        }
        var channel = FileChannel.open(path(age));
        if (inode(path(age)) == inode) {
          return SpoolFile.plain(channel, inode);
        }
        channel.close(); // another one has come to have the name: the channel may be either
      } catch (NoSuchFileException e) {
        if (inode < 0 && inode(path(age)) < 0) {
          return null;
        }
      }
    }
    return null;
  }

  /** -1 for one that is not there: a disk that fails is not taken for an empty log. */
  private static long inode(Path file) throws IOException {
    try {
      return (Long) Files.getAttribute(file, "unix:ino");
    } catch (NoSuchFileException e) {
      return -1;
    }
  }

  private static void close(@Nullable SpoolFile file) throws IOException {
    if (file != null) {
      file.close();
    }
  }
}

package io.gantry.engine.driver;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import io.gantry.spi.GantryException;
import io.gantry.spi.Trusted;
import java.io.IOException;
import java.lang.System.Logger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * Takes in the jars that an operator drops into a folder. A jar is taken when two looks in a row
 * found it the same and whole, so a copy under way is left alone; then it goes away: a copy is kept
 * with the drivers. One that is refused becomes {@code <name>.rejected}, with the reason in {@code
 * <name>.rejected.txt} and in the log. What is no regular file is never opened: a FIFO would hold
 * the thread for as long as nobody writes to it.
 */
final class DeployFolder {

  private static final Logger log = System.getLogger(DeployFolder.class.getName());
  private static final long LOOK_EVERY_MILLIS = 500;

  private static final int LOOKS_UNTIL_BROKEN = 20;

  /**
   * What tells a file that is still being written from one that is whole.
   *
   * @param times it was found like this in a row
   */
  private record Look(long size, FileTime modified, int times) {}

  private final Supplier<Path> where;
  private final Consumer<Path> install;
  private final Map<Path, Look> seen = new HashMap<>(); // only touched on the thread
  private String complaint = ""; // only touched on the thread; said once

  /**
   * @param where is asked at every look
   * @param install takes a jar in or throws a {@link GantryException}
   */
  DeployFolder(Supplier<Path> where, Consumer<Path> install) {
    this.where = where;
    this.install = install;
  }

  void watch(ScheduledExecutorService thread) {
    var unused =
        thread.scheduleWithFixedDelay(this::look, 0, LOOK_EVERY_MILLIS, TimeUnit.MILLISECONDS);
  }

  void look() {
    Path folder = where.get();
    try {
      if (!folder.isAbsolute()) {
        throw new GantryException(INVALID, "key \"deployFolder\": not an absolute path: " + folder);
      }
      if (Files.notExists(folder)) {
        Files.createDirectories(
            folder,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      }
      Trusted.checkWithWay(folder);
      complaint = "";
      List<Path> jars = jars(folder);
      seen.keySet().retainAll(jars);
      jars.forEach(this::look);
    } catch (IOException | GantryException e) {
      complain("the deploy folder is not used: " + reason(e));
    } catch (RuntimeException e) { // the watch must go on: the next look may find better things
      complain("the deploy folder cannot be read: " + e);
    }
  }

  private static List<Path> jars(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
    }
  }

  private void look(Path jar) {
    Look now = sight(jar);
    if (now == null) {
      return; // gone again
    }
    seen.put(jar, now);
    boolean isFile = Files.isRegularFile(jar);
    if (now.times() < 2 || (isFile && !isWhole(jar) && now.times() < LOOKS_UNTIL_BROKEN)) {
      return;
    }
    seen.remove(jar);
    if (!isFile) {
      reject(jar, "it is not a regular file");
      return;
    }
    try {
      install.accept(jar);
      Files.deleteIfExists(jar);
      log.log(INFO, "deploy folder: {0} is taken in", jar.getFileName());
    } catch (GantryException | IOException e) {
      reject(jar, reason(e));
    }
  }

  private @Nullable Look sight(Path jar) {
    try {
      long size = Files.size(jar);
      FileTime modified = Files.getLastModifiedTime(jar);
      Look last = seen.get(jar);
      return last != null && last.size() == size && last.modified().equals(modified)
          ? new Look(size, modified, last.times() + 1)
          : new Look(size, modified, 1);
    } catch (IOException e) {
      return null;
    }
  }

  /** The directory of a zip is at its end. */
  private static boolean isWhole(Path jar) {
    try (var zip = new ZipFile(jar.toFile())) {
      return zip.size() > 0;
    } catch (IOException e) {
      return false;
    }
  }

  private static void reject(Path jar, String reason) {
    log.log(WARNING, "deploy folder: {0} is rejected: {1}", jar.getFileName(), reason);
    Path rejected = jar.resolveSibling(jar.getFileName() + ".rejected");
    try {
      tell(rejected, reason); // first, so that whoever sees the jar gone finds the reason
      Files.move(jar, rejected, ATOMIC_MOVE, REPLACE_EXISTING);
    } catch (IOException e) {
      log.log(ERROR, "deploy folder: {0} cannot be moved away: {1}", jar, e.toString());
    }
  }

  /** Writes the reason beside a jar; a reader sees all of it or none. */
  private static void tell(Path rejected, String reason) throws IOException {
    Path scratch = rejected.resolveSibling(rejected.getFileName() + ".tmp");
    Files.writeString(scratch, reason + "\n");
    Files.move(
        scratch,
        rejected.resolveSibling(rejected.getFileName() + ".txt"),
        ATOMIC_MOVE,
        REPLACE_EXISTING);
  }

  private void complain(String what) {
    if (!what.equals(complaint)) {
      complaint = what;
      log.log(ERROR, "{0}", what);
    }
  }

  private static String reason(Exception e) {
    return e instanceof GantryException ? String.valueOf(e.getMessage()) : e.toString();
  }
}

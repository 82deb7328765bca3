package io.gantry.launcher;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * Directories that only root may change. What lies in them is run or trusted by the engine, so
 * whoever can write there, or rename a directory on the way there, is root.
 */
final class OwnedDirectory {

  private static final int WRITABLE_BY_OTHERS = 0022;
  private static final int STICKY = 01000;

  private OwnedDirectory() {}

  /**
   * Makes the directory where it is missing and checks it and all that is above it.
   *
   * @param permissions of the directory: {@code rwx--x---}
   * @return its real path
   */
  static Path open(String what, Path directory, String permissions) throws StartFailure {
    try {
      if (!Files.exists(directory)) {
        Files.createDirectories(directory);
      }
      Path real = directory.toRealPath();
      check(what, real);
      var wanted = PosixFilePermissions.fromString(permissions);
      if (!Files.getPosixFilePermissions(real).equals(wanted)) { // nothing is touched without need
        Files.setPosixFilePermissions(real, wanted);
      }
      return real;
    } catch (IOException e) {
      throw new StartFailure(
          StartFailure.IO_ERROR, "cannot open " + what + " " + directory + ": " + reason(e), e);
    }
  }

  /** As {@link #open}, for a directory whose permissions are its owner's business. */
  static Path check(String what, Path directory, boolean create) throws StartFailure {
    try {
      if (create) {
        Files.createDirectories(directory);
      }
      Path real = directory.toRealPath();
      check(what, real);
      return real;
    } catch (NoSuchFileException e) {
      throw new StartFailure(StartFailure.NO_INPUT, "no such directory: " + directory, e);
    } catch (IOException e) {
      throw new StartFailure(
          StartFailure.IO_ERROR, "cannot open " + what + " " + directory + ": " + reason(e), e);
    }
  }

  private static void check(String what, Path real) throws IOException, StartFailure {
    for (Path step = real; step != null; step = step.getParent()) {
      check(what, real, step);
    }
  }

  /** Refuses one file or directory, whatever lies above it. */
  static void checkOne(String what, Path real) throws IOException, StartFailure {
    check(what, real, real);
  }

  private static void check(String what, Path real, Path step) throws IOException, StartFailure {
    int mode = (Integer) Files.getAttribute(step, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    int uid = (Integer) Files.getAttribute(step, "unix:uid", LinkOption.NOFOLLOW_LINKS);
    // A sticky directory on the way (/tmp) is fine: others cannot rename what is root's in it.
    boolean sticky = (mode & STICKY) != 0 && !step.equals(real);
    if ((mode & WRITABLE_BY_OTHERS) != 0 && !sticky) {
      throw refused(what, real, step + " is writable by others than its owner", "chmod go-w");
    }
    if (uid != 0 && uid != self()) {
      throw refused(what, real, step + " belongs to user " + uid, "chown root");
    }
  }

  private static int self() throws IOException {
    return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
  }

  private static StartFailure refused(String what, Path real, String fact, String remedy) {
    return new StartFailure(
        StartFailure.NO_PERMISSION,
        "refusing "
            + what
            + " "
            + real
            + ": "
            + fact
            + "; it has to be root's alone ("
            + remedy
            + ")");
  }

  static String reason(IOException e) {
    return switch (e.getClass().getSimpleName()) {
      case "AccessDeniedException" -> "permission denied";
      case "FileAlreadyExistsException" -> "not a directory";
      case "NoSuchFileException" -> "no such file or directory";
      default -> String.valueOf(e.getMessage());
    };
  }
}

package io.gantry.spi;

import static io.gantry.spi.GantryException.Kind.FORBIDDEN;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** Who may have written a file that the engine acts on: root, or whoever runs the engine. */
public final class Trusted {

  private static final String FIX = "; chown root and chmod go-w it";

  private static final int STICKY = 01000;
  private static final int WRITABLE_BY_OTHERS = 0022;

  private Trusted() {}

  /**
   * Refuses a file or folder that somebody else owns or may write, or that lies in such a folder:
   * who may rename what is on the way there can put another in its place. Folders on the way that
   * others may write are fine if they are sticky: only their owner can do that there.
   *
   * @return what was looked at, and is to be opened: links on the way may lead elsewhere by then
   * @throws GantryException FORBIDDEN, naming file or folder and reason
   */
  public static Path checkWithWay(Path file) throws IOException {
    Path real = file.toRealPath();
    check(real);
    for (Path above = real.getParent(); above != null; above = above.getParent()) {
      check(above, true);
    }
    return real;
  }

  /**
   * Refuses a file or folder that somebody else owns or may write.
   *
   * @throws GantryException FORBIDDEN, naming file and reason
   */
  public static void check(Path file) throws IOException {
    check(file, false);
  }

  /** By numbers: names are looked up in a file each time, and more than one may mean root. */
  private static void check(Path file, boolean orSticky) throws IOException {
    var attributes = Files.readAttributes(file, "unix:mode,uid");
    int uid = (Integer) Objects.requireNonNull(attributes.get("uid"));
    int mode = (Integer) Objects.requireNonNull(attributes.get("mode"));
    if (uid != 0 && uid != self()) {
      throw new GantryException(
          FORBIDDEN,
          file + " belongs to " + Files.getOwner(file).getName() + ", not to root" + FIX);
    }
    if ((mode & WRITABLE_BY_OTHERS) != 0 && !(orSticky && (mode & STICKY) != 0)) {
      throw new GantryException(FORBIDDEN, file + " is writable by others" + FIX);
    }
  }

  private static int self() throws IOException {
    return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
  }
}

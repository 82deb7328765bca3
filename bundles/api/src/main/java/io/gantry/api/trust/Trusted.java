package io.gantry.api.trust;

import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static java.nio.file.attribute.PosixFilePermission.GROUP_WRITE;
import static java.nio.file.attribute.PosixFilePermission.OTHERS_WRITE;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;

/** Who may have written a file that the engine acts on: root, or whoever runs the engine. */
public final class Trusted {

  private static final String FIX = "; chown root and chmod go-w it";

  private static final int STICKY = 01000;

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
      boolean sticky = ((Integer) Files.getAttribute(above, "unix:mode") & STICKY) != 0;
      check(above, sticky);
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

  private static void check(Path file, boolean othersMayWrite) throws IOException {
    PosixFileAttributes attributes = Files.readAttributes(file, PosixFileAttributes.class);
    String owner = attributes.owner().getName();
    if (!owner.equals("root") && !owner.equals(System.getProperty("user.name"))) {
      throw new GantryException(FORBIDDEN, file + " belongs to " + owner + ", not to root" + FIX);
    }
    var permissions = attributes.permissions();
    boolean open = permissions.contains(OTHERS_WRITE) || permissions.contains(GROUP_WRITE);
    if (open && !othersMayWrite) {
      throw new GantryException(FORBIDDEN, file + " is writable by others" + FIX);
    }
  }
}

package io.gantry.image.layer;

import io.gantry.spi.Bytes;
import java.time.Instant;
import java.util.Map;

/**
 * One member of a tar. Names are bytes: each char is one (ISO-8859-1).
 *
 * @param path as the archive has it: not yet checked where it leads
 * @param size of the file, with its holes; 0 for all but regular files
 * @param mode permission, set-id and sticky bits
 * @param link target of a symbolic or hard link, else empty
 * @param xattrs values by full name ({@code user.x}), in the archive's order
 */
public record TarEntry(
    String path,
    Type type,
    long size,
    int mode,
    long uid,
    long gid,
    Instant modified,
    String link,
    int major,
    int minor,
    Map<String, Bytes> xattrs) {

  /** Kinds of members. */
  public enum Type {
    FILE,
    HARD_LINK,
    SYMLINK,
    CHARACTER_DEVICE,
    BLOCK_DEVICE,
    DIRECTORY,
    FIFO,
    /** Tells about the archive and describes no file. */
    NOTE
  }
}

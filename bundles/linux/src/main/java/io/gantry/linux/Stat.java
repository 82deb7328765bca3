package io.gantry.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel knows of a file, without following a symbolic link.
 *
 * @param mode permission bits with set-id and sticky ({@code 07777})
 * @param blocks allocated, of 512 bytes each
 * @param major of a device file; 0 for others
 * @param minor of a device file; 0 for others
 * @param born when it was made; null where the file system does not keep that
 * @param mount id of the mount it was seen on; 0 before Linux 5.8
 * @param mountRoot whether something is mounted here
 */
public record Stat(
    Type type,
    int mode,
    long uid,
    long gid,
    long size,
    long blocks,
    long links,
    long device,
    long inode,
    int major,
    int minor,
    Instant accessed,
    Instant modified,
    Instant changed,
    @Nullable Instant born,
    long mount,
    boolean mountRoot) {

  /** Kinds of files. */
  public enum Type {
    FIFO(0010000),
    CHARACTER_DEVICE(0020000),
    DIRECTORY(0040000),
    BLOCK_DEVICE(0060000),
    REGULAR(0100000),
    SYMLINK(0120000),
    SOCKET(0140000);

    static final int MASK = 0170000;

    final int bits;

    Type(int bits) {
      this.bits = bits;
    }

    /** What a directory entry says (d_type), which is the mode's bits; 0 for nothing. */
    static Optional<Type> ofEntry(byte type) {
      return type == 0 ? Optional.empty() : Optional.of(of(type << 12));
    }

    private static Type of(int mode) {
      for (Type type : values()) {
        if (type.bits == (mode & MASK)) {
          return type;
        }
      }
      throw new IllegalArgumentException("file type " + Integer.toOctalString(mode));
    }
  }

  public boolean isDirectory() {
    return type == Type.DIRECTORY;
  }

  public boolean isRegular() {
    return type == Type.REGULAR;
  }

  public boolean isSymlink() {
    return type == Type.SYMLINK;
  }

  public boolean isDevice() {
    return type == Type.CHARACTER_DEVICE || type == Type.BLOCK_DEVICE;
  }

  /**
   * What tells a file from all others, whatever its names. One mount may show several devices:
   * subvolumes of btrfs, layers of overlay.
   */
  public record FileId(long device, long inode) {}

  public FileId fileId() {
    return new FileId(device, inode);
  }

  public boolean sameFile(Stat other) {
    return fileId().equals(other.fileId());
  }

  /** The same file of others. */
  Stat owned(long user, long group) {
    return new Stat(
        type, mode, user, group, size, blocks, links, device, inode, major, minor, accessed,
        modified, changed, born, mount, mountRoot);
  }

  static final int STATX_SIZE = 256;
  private static final int HAS_BIRTH = 0x800;
  private static final int HAS_MOUNT = 0x1000;
  private static final long MOUNT_ROOT = 0x2000;

  /** Decodes the struct of statx(2), which is the same on all architectures. */
  static Stat of(byte[] statx) {
    ByteBuffer s = ByteBuffer.wrap(statx).order(ByteOrder.nativeOrder());
    int mode = Short.toUnsignedInt(s.getShort(28));
    return new Stat(
        Type.of(mode),
        mode & 07777,
        Integer.toUnsignedLong(s.getInt(20)),
        Integer.toUnsignedLong(s.getInt(24)),
        s.getLong(40),
        s.getLong(48),
        Integer.toUnsignedLong(s.getInt(16)),
        Integer.toUnsignedLong(s.getInt(136)) << 32 | Integer.toUnsignedLong(s.getInt(140)),
        s.getLong(32),
        s.getInt(128),
        s.getInt(132),
        time(s, 64),
        time(s, 112),
        time(s, 96),
        (s.getInt(0) & HAS_BIRTH) == 0 ? null : time(s, 80),
        (s.getInt(0) & HAS_MOUNT) == 0 ? 0 : s.getLong(144),
        (s.getLong(8) & MOUNT_ROOT) != 0);
  }

  private static Instant time(ByteBuffer statx, int at) {
    return Instant.ofEpochSecond(statx.getLong(at), statx.getInt(at + 8));
  }
}

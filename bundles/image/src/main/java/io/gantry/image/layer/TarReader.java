package io.gantry.image.layer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.gantry.image.layer.TarEntry.Type;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads a tar as it streams by: V7, ustar, PAX, GNU (long names, base-256, sparse 0.0, 0.1, 1.0 and
 * the old form) and star. Names and extended attributes stay the bytes they are.
 *
 * <p>Everything that is not read through {@link #read} goes to the {@link Raw} sink, in the order
 * of the archive: headers, padding, content nobody asked for, what follows the end.
 */
public final class TarReader {

  /** Takes the bytes between the contents that were read. */
  public interface Raw {
    void raw(byte[] bytes, int length) throws IOException;
  }

  static final int BLOCK = 512;
  private static final int LONGEST_META = 1 << 20;
  private static final int LONGEST_NAME = 1 << 16;
  private static final int MAX_METAS = 16;
  private static final long LONGEST_TRAILER = 64L << 20;
  private static final long MAX_ID = 0xfffffffeL;

  private final InputStream in;
  private final Limits limits;
  private final Raw raw;
  private final byte[] block = new byte[BLOCK];
  private final byte[] buffer = new byte[1 << 16];
  private final Pax pax = new Pax();
  private int entries;

  // The content of the current member.
  private SparseMap map = new SparseMap();
  private int piece;
  private long inPiece;
  private long padding;
  private long unread;

  public TarReader(InputStream in, Limits limits, Raw raw) {
    this.in = in;
    this.limits = limits;
    this.raw = raw;
  }

  /**
   * The next member, or null at the end, when everything has been read.
   *
   * @throws io.gantry.spi.GantryException INVALID for what is no tar
   */
  public @Nullable TarEntry next() throws IOException {
    skipRest();
    pax.endMember();
    String longName = null;
    String longLink = null;
    for (int metas = 0; metas <= MAX_METAS; metas++) {
      if (!readHeader()) {
        if (metas > 0) {
          throw BadTar.truncated();
        }
        return null;
      }
      switch (block[156]) {
        case 'x', 'X' -> pax.addLocal(readMeta(LONGEST_META));
        case 'g' -> {
          pax.addGlobal(readMeta(LONGEST_META));
          count();
          metas--; // belongs to no member
        }
        case 'L' -> longName = cut(readMeta(LONGEST_NAME));
        case 'K' -> longLink = cut(readMeta(LONGEST_NAME));
        default -> {
          count();
          return member(longName, longLink);
        }
      }
    }
    throw BadTar.header("too many extended headers");
  }

  /** How many members there have been. */
  public int entries() {
    return entries;
  }

  /** Where in its file the next byte of {@link #read} goes. */
  public long position() {
    return piece < map.pieces() ? map.offset(piece) + inPiece : 0;
  }

  /**
   * Reads content of the current member; never across a hole. Less than fits only at the end or
   * before a hole: whoever writes it to a file writes large pieces, though it comes in small ones.
   *
   * @return bytes read, -1 at the end
   */
  public int read(byte[] into) throws IOException {
    return read(into, 0);
  }

  /** As above, into the rest of a buffer, which must not be empty. */
  public int read(byte[] into, int from) throws IOException {
    if (piece == map.pieces()) {
      return -1;
    }
    long left = map.length(piece) - inPiece;
    int n = in.readNBytes(into, from, (int) Math.min(left, into.length - from));
    if (n == 0) {
      throw BadTar.truncated();
    }
    inPiece += n;
    unread -= n;
    if (n == left) {
      piece++;
      inPiece = 0;
    }
    return n;
  }

  private void count() {
    if (++entries > limits.maxEntries()) {
      throw BadTar.header("more than " + limits.maxEntries() + " entries");
    }
  }

  private void skipRest() throws IOException {
    pass(unread + padding);
    unread = 0;
    padding = 0;
    map = new SparseMap();
    piece = 0;
    inPiece = 0;
  }

  /** False at the end of the archive. */
  private boolean readHeader() throws IOException {
    if (!readBlock()) {
      return false;
    }
    if (isZero()) {
      if (readBlock()) {
        if (!isZero()) {
          throw BadTar.header("the end of the archive is not the end");
        }
        passTrailer();
      }
      return false;
    }
    checkSum();
    return true;
  }

  private boolean readBlock() throws IOException {
    int n = in.readNBytes(block, 0, BLOCK);
    if (n == 0) {
      return false;
    }
    raw.raw(block, n);
    if (n < BLOCK) {
      throw BadTar.truncated();
    }
    return true;
  }

  private boolean isZero() {
    for (byte b : block) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }

  private void checkSum() {
    long unsigned = 0;
    long signed = 0;
    for (int i = 0; i < BLOCK; i++) {
      byte b = i >= 148 && i < 156 ? (byte) ' ' : block[i];
      unsigned += b & 0xff;
      signed += b;
    }
    long expected = Numbers.parse(block, 148, 8, "checksum");
    if (expected != unsigned && expected != signed) {
      throw BadTar.header("its checksum is wrong");
    }
  }

  private void passTrailer() throws IOException {
    long left = LONGEST_TRAILER;
    for (int n; (n = in.read(buffer)) >= 0; left -= n) {
      if (n > left) {
        throw BadTar.header("too much follows the end of the archive");
      }
      raw.raw(buffer, n);
    }
  }

  private void pass(long count) throws IOException {
    for (long left = count; left > 0; ) {
      int n = in.read(buffer, 0, (int) Math.min(left, buffer.length));
      if (n < 0) {
        throw BadTar.truncated();
      }
      raw.raw(buffer, n);
      left -= n;
    }
  }

  /** The content of a header that describes the next one. */
  private byte[] readMeta(int longest) throws IOException {
    long size = Numbers.parse(block, 124, 12, "size");
    if (size < 0 || size > longest) {
      throw BadTar.header("an extended header of " + size + " bytes");
    }
    byte[] content = in.readNBytes((int) size);
    raw.raw(content, content.length);
    if (content.length < size) {
      throw BadTar.truncated();
    }
    pass(padding(size));
    return content;
  }

  private static long padding(long size) {
    return -size & BLOCK - 1;
  }

  private TarEntry member(@Nullable String longName, @Nullable String longLink) throws IOException {
    boolean isGnu = matches(257, "ustar  ");
    boolean isUstar = !isGnu && matches(257, "ustar");
    boolean isStar = isUstar && matches(508, "tar");
    String name = field(0, 100);
    if (isUstar) {
      String prefix = field(345, isStar ? 131 : 155);
      name = prefix.isEmpty() ? name : prefix + "/" + name;
    }
    String path = pax.name("path", longName == null ? name : longName);
    String link = pax.name("linkpath", longLink == null ? field(157, 100) : longLink);
    char flag = (char) (block[156] & 0xff);
    long archived = size();
    long time = Numbers.parse(block, 136, 12, "mtime");
    Instant modified = pax.time("mtime", Pax.instant(time, 0, "mtime"));
    int mode = (int) Numbers.parse(block, 100, 8, "mode") & 07777;
    long uid = id(pax.number("uid", Numbers.parse(block, 108, 8, "uid")), "uid");
    long gid = id(pax.number("gid", Numbers.parse(block, 116, 8, "gid")), "gid");
    int major = isGnu || isUstar ? device(329) : 0;
    int minor = isGnu || isUstar ? device(337) : 0;
    Type type = type(flag, path);
    long size = 0;
    if (type == Type.FILE) {
      size = startContent(flag, archived, isGnu);
      path = pax.name("GNU.sparse.name", path);
    } else if (hasData(flag)) {
      unread = archived;
      padding = padding(archived);
    }
    boolean isLink = type == Type.SYMLINK || type == Type.HARD_LINK;
    return new TarEntry(
        path, type, size, mode, uid, gid, modified, isLink ? link : "", major, minor, pax.xattrs());
  }

  private static Type type(char flag, String path) {
    return switch (flag) {
      case '0', '\0', '7' -> path.endsWith("/") ? Type.DIRECTORY : Type.FILE;
      case 'S' -> Type.FILE;
      case '1' -> Type.HARD_LINK;
      case '2' -> Type.SYMLINK;
      case '3' -> Type.CHARACTER_DEVICE;
      case '4' -> Type.BLOCK_DEVICE;
      case '5', 'D' -> Type.DIRECTORY;
      case '6' -> Type.FIFO;
      case 'V' -> Type.NOTE;
      default -> throw BadTar.entry(path, "unknown type " + BadTar.quoted(String.valueOf(flag)));
    };
  }

  /** Links, devices and directories may state a size and have no content. */
  private static boolean hasData(char flag) {
    return flag == '0' || flag == '\0' || flag == '7' || flag == 'D' || flag == 'V';
  }

  private long size() {
    long size = pax.number("size", Numbers.parse(block, 124, 12, "size"));
    if (size < 0 || size > Long.MAX_VALUE - BLOCK) {
      throw BadTar.header("size is out of range");
    }
    return size;
  }

  private static long id(long id, String field) {
    if (id < 0 || id > MAX_ID) {
      throw BadTar.header(field + " " + id + " is out of range");
    }
    return id;
  }

  private int device(int at) {
    long number = Numbers.parse(block, at, 8, "device number");
    if (number < 0 || number > Integer.MAX_VALUE) {
      throw BadTar.header("device number is out of range");
    }
    return (int) number;
  }

  /** Finds out where the data go and returns the size of the file. */
  private long startContent(char flag, long archived, boolean isGnu) throws IOException {
    padding = padding(archived);
    unread = archived;
    List<Long> pieces = pax.sparsePieces();
    long realSize = archived;
    if (flag == 'S' && isGnu) {
      realSize = oldSparse();
    } else if ("1".equals(pax.get("GNU.sparse.major")) && "0".equals(pax.get("GNU.sparse.minor"))) {
      realSize = pax.number("GNU.sparse.realsize", archived);
      sparseInData();
    } else if (!pieces.isEmpty() || pax.get("GNU.sparse.size") != null) {
      realSize = pax.number("GNU.sparse.size", archived);
      if (pieces.size() % 2 != 0) {
        throw BadTar.header("malformed sparse map");
      }
      for (int i = 0; i < pieces.size(); i += 2) {
        map.add(pieces.get(i), pieces.get(i + 1));
      }
    } else {
      map.add(0, archived);
    }
    map.check(realSize, unread);
    if (realSize > limits.maxBytes()) {
      throw new GantryException(
          Kind.EXHAUSTED, "a file of " + realSize + " bytes does not fit on the disk");
    }
    return realSize;
  }

  /** Four pieces in the header, 21 in each block that follows. */
  private long oldSparse() throws IOException {
    long realSize = Numbers.parse(block, 483, 12, "real size");
    sparseFields(386, 4);
    boolean more = block[482] != 0;
    while (more) {
      if (!readBlock()) {
        throw BadTar.truncated();
      }
      sparseFields(0, 21);
      more = block[504] != 0;
    }
    return realSize;
  }

  private void sparseFields(int at, int count) {
    for (int i = 0; i < count; i++) {
      int field = at + 24 * i;
      if (block[field] == 0) {
        return;
      }
      map.add(
          Numbers.parse(block, field, 12, "sparse map"),
          Numbers.parse(block, field + 12, 12, "sparse map"));
    }
  }

  /** GNU 1.0: decimal lines before the data, in whole blocks. */
  private void sparseInData() throws IOException {
    var lines = new Lines();
    long count = lines.next();
    for (long i = 0; i < count; i++) {
      map.add(lines.next(), lines.next());
    }
  }

  private final class Lines {
    private int at = BLOCK;

    long next() throws IOException {
      long value = 0;
      for (int digits = 0; ; digits++) {
        if (at == BLOCK) {
          unread -= BLOCK;
          if (unread < 0 || !readBlock()) {
            throw BadTar.truncated();
          }
          at = 0;
        }
        byte b = block[at++];
        if (b == '\n' && digits > 0) {
          return value;
        }
        if (b < '0' || b > '9' || digits == 18) {
          throw BadTar.header("malformed sparse map");
        }
        value = value * 10 + b - '0';
      }
    }
  }

  private boolean matches(int at, String text) {
    for (int i = 0; i < text.length(); i++) {
      if (block[at + i] != text.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private String field(int at, int length) {
    int end = at;
    while (end < at + length && block[end] != 0) {
      end++;
    }
    return new String(block, at, end - at, ISO_8859_1);
  }

  private static String cut(byte[] content) {
    String text = new String(content, ISO_8859_1);
    int zero = text.indexOf('\0');
    return zero < 0 ? text : text.substring(0, zero);
  }
}

package io.gantry.image.layer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.util.Map;
import java.util.TreeMap;

/**
 * The head of a member as POSIX has it: a ustar block, and before it a PAX block with what does not
 * fit in. Times are whole seconds, as Docker's archives have them. The same entry always gives the
 * same bytes.
 */
final class TarHeader {

  private static final int NAME = 100;
  private static final long MOST_SIZE = 077777777777L;
  private static final long MOST_ID = 07777777L;

  private TarHeader() {}

  static byte[] of(TarEntry entry) {
    var out = new ByteArrayOutputStream();
    Map<String, String> pax = pax(entry);
    if (!pax.isEmpty()) {
      byte[] records = records(pax);
      var block = new Block("PaxHeaders.0/" + ascii(TreePath.name(trimmed(entry.path()))), 'x');
      block.number(124, 12, records.length);
      out.writeBytes(block.done());
      out.writeBytes(records);
      out.writeBytes(new byte[-records.length & TarReader.BLOCK - 1]);
    }
    out.writeBytes(ustar(entry));
    return out.toByteArray();
  }

  private static String trimmed(String path) {
    return path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
  }

  private static Map<String, String> pax(TarEntry entry) {
    Map<String, String> pax = new TreeMap<>();
    if (!fits(entry.path())) {
      pax.put("path", entry.path());
    }
    if (!fits(entry.link())) {
      pax.put("linkpath", entry.link());
    }
    if (entry.size() > MOST_SIZE) {
      pax.put("size", Long.toString(entry.size()));
    }
    if (entry.uid() > MOST_ID) {
      pax.put("uid", Long.toString(entry.uid()));
    }
    if (entry.gid() > MOST_ID) {
      pax.put("gid", Long.toString(entry.gid()));
    }
    long time = entry.modified().getEpochSecond();
    if (time < 0 || time > MOST_SIZE) {
      pax.put("mtime", Long.toString(time));
    }
    entry
        .xattrs()
        .forEach(
            (name, value) -> pax.put(Pax.XATTR + name, new String(value.toArray(), ISO_8859_1)));
    return pax;
  }

  private static boolean fits(String name) {
    return name.length() <= NAME && name.chars().allMatch(c -> c < 0x80);
  }

  /** {@code LENGTH KEYWORD=VALUE\n}, where the length counts its own digits. */
  private static byte[] records(Map<String, String> pax) {
    var text = new StringBuilder();
    pax.forEach(
        (keyword, value) -> {
          int rest = keyword.length() + value.length() + 3;
          int length = rest + Integer.toString(rest).length();
          length = rest + Integer.toString(length).length();
          text.append(length).append(' ').append(keyword).append('=').append(value).append('\n');
        });
    return text.toString().getBytes(ISO_8859_1);
  }

  private static byte[] ustar(TarEntry entry) {
    var block = new Block(ascii(entry.path()), type(entry.type()));
    block.number(100, 8, entry.mode());
    block.number(108, 8, entry.uid() > MOST_ID ? 0 : entry.uid());
    block.number(116, 8, entry.gid() > MOST_ID ? 0 : entry.gid());
    block.number(124, 12, entry.size() > MOST_SIZE ? 0 : entry.size());
    long time = entry.modified().getEpochSecond();
    block.number(136, 12, time < 0 || time > MOST_SIZE ? 0 : time);
    block.text(157, NAME, ascii(entry.link()));
    block.number(329, 8, entry.major());
    block.number(337, 8, entry.minor());
    return block.done();
  }

  private static char type(TarEntry.Type type) {
    return switch (type) {
      case FILE -> '0';
      case HARD_LINK -> '1';
      case SYMLINK -> '2';
      case CHARACTER_DEVICE -> '3';
      case BLOCK_DEVICE -> '4';
      case DIRECTORY -> '5';
      case FIFO -> '6';
      case NOTE -> throw new IllegalArgumentException("a note is no file");
    };
  }

  /** For readers that know no PAX: cut, and without what is not ASCII. */
  private static String ascii(String name) {
    String plain =
        name.chars().allMatch(c -> c < 0x80) ? name : name.replaceAll("[^\\x00-\\x7f]", "_");
    return plain.length() <= NAME ? plain : plain.substring(0, NAME);
  }

  private static final class Block {
    private final byte[] bytes = new byte[TarReader.BLOCK];

    Block(String name, char type) {
      text(0, NAME, name);
      bytes[156] = (byte) type;
      text(257, 8, "ustar\00000");
      for (int field : new int[] {100, 108, 116}) {
        number(field, 8, 0);
      }
      number(136, 12, 0);
    }

    void text(int at, int length, String text) {
      byte[] raw = text.getBytes(ISO_8859_1);
      System.arraycopy(raw, 0, bytes, at, Math.min(raw.length, length));
    }

    /** Octal digits up to the NUL that ends them. */
    void number(int at, int length, long value) {
      long left = value;
      for (int i = at + length - 2; i >= at; i--) {
        bytes[i] = (byte) ('0' + (left & 7));
        left >>>= 3;
      }
      bytes[at + length - 1] = 0;
    }

    byte[] done() {
      java.util.Arrays.fill(bytes, 148, 156, (byte) ' ');
      int sum = 0;
      for (byte b : bytes) {
        sum += b & 0xff;
      }
      number(148, 7, sum);
      return bytes;
    }
  }
}

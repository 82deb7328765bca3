package io.gantry.image.layer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.gantry.spi.Bytes;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Records of PAX extended headers: global ones, and over them those of one member. */
final class Pax {

  static final String XATTR = "SCHILY.xattr.";
  private static final int LONGEST_XATTR_NAME = 255;
  private static final int LONGEST_XATTR = 64 * 1024;

  /** They stay to the end of the archive, and each member looks through them. */
  private static final int MOST_GLOBAL = 1000;

  private static final int MOST_GLOBAL_CHARS = 1 << 20;

  private final Map<String, String> global = new HashMap<>();
  private final Map<String, String> local = new LinkedHashMap<>();

  /** GNU sparse 0.0 repeats two keywords for each piece; their order counts. */
  private final List<Long> sparsePieces = new ArrayList<>();

  void addGlobal(byte[] content) {
    parse(content, global, new ArrayList<>());
    long chars = 0;
    for (var record : global.entrySet()) {
      chars += record.getKey().length() + record.getValue().length();
    }
    if (global.size() > MOST_GLOBAL || chars > MOST_GLOBAL_CHARS) {
      throw BadTar.header("too many global records");
    }
  }

  void addLocal(byte[] content) {
    parse(content, local, sparsePieces);
  }

  /** The next member starts with the global records only. */
  void endMember() {
    local.clear();
    sparsePieces.clear();
  }

  /** Lines of {@code LENGTH KEYWORD=VALUE\n}, where the length counts all of it. */
  private static void parse(byte[] content, Map<String, String> into, List<Long> pieces) {
    for (int at = 0; at < content.length; ) {
      int space = at;
      while (space < content.length && content[space] != ' ') {
        space++;
      }
      if (space == at || space - at > 9 || space == content.length) {
        throw BadTar.header("malformed PAX record");
      }
      long length = Numbers.decimal(new String(content, at, space - at, ISO_8859_1), "PAX length");
      long end = at + length;
      if (length <= 0
          || end <= space + 1
          || end > content.length
          || content[(int) end - 1] != '\n') {
        throw BadTar.header("malformed PAX record");
      }
      String record = new String(content, space + 1, (int) end - space - 2, ISO_8859_1);
      int equals = record.indexOf('=');
      if (equals <= 0) {
        throw BadTar.header("malformed PAX record");
      }
      put(record.substring(0, equals), record.substring(equals + 1), into, pieces);
      at = (int) end;
    }
  }

  private static void put(
      String keyword, String value, Map<String, String> into, List<Long> pieces) {
    if (keyword.equals("GNU.sparse.offset") || keyword.equals("GNU.sparse.numbytes")) {
      boolean isOffset = keyword.endsWith("offset");
      if (isOffset != (pieces.size() % 2 == 0)) {
        throw BadTar.header("malformed sparse map");
      }
      pieces.add(Numbers.decimal(value, keyword));
    } else {
      into.put(keyword, value);
    }
  }

  /** Null when it is not said, or taken back by an empty value. */
  @Nullable String get(String keyword) {
    String value = local.containsKey(keyword) ? local.get(keyword) : global.get(keyword);
    return value == null || value.isEmpty() ? null : value;
  }

  /** A path or another string for the kernel. */
  String name(String keyword, String otherwise) {
    String value = get(keyword);
    if (value == null) {
      return otherwise;
    }
    if (value.indexOf('\0') >= 0) {
      throw BadTar.header(keyword + " holds a zero byte");
    }
    return value;
  }

  long number(String keyword, long otherwise) {
    String value = get(keyword);
    return value == null ? otherwise : Numbers.decimal(value, keyword);
  }

  /** Seconds with any number of decimals, of which nine count. */
  Instant time(String keyword, Instant otherwise) {
    String value = get(keyword);
    if (value == null) {
      return otherwise;
    }
    int dot = value.indexOf('.');
    String whole = dot < 0 ? value : value.substring(0, dot);
    String decimals = dot < 0 ? "" : value.substring(dot + 1);
    long nanos = Numbers.decimal((decimals + "000000000").substring(0, 9), keyword);
    if (nanos < 0 || whole.isEmpty()) {
      throw BadTar.header(keyword + " is no time");
    }
    long seconds = whole.equals("-") ? 0 : Numbers.decimal(whole, keyword);
    return instant(seconds, whole.startsWith("-") ? -nanos : nanos, keyword);
  }

  static Instant instant(long seconds, long nanos, String field) {
    try {
      return Instant.ofEpochSecond(seconds, nanos);
    } catch (DateTimeException | ArithmeticException e) {
      throw BadTar.header(field + " is no time");
    }
  }

  Map<String, Bytes> xattrs() {
    Map<String, Bytes> xattrs = new LinkedHashMap<>();
    addXattrs(global, xattrs);
    addXattrs(local, xattrs);
    return xattrs;
  }

  private static void addXattrs(Map<String, String> records, Map<String, Bytes> into) {
    records.forEach(
        (keyword, value) -> {
          if (keyword.startsWith(XATTR)) {
            String name = keyword.substring(XATTR.length());
            if (name.isEmpty() || name.length() > LONGEST_XATTR_NAME || name.indexOf('\0') >= 0) {
              throw BadTar.header("malformed name of an extended attribute");
            }
            if (value.length() > LONGEST_XATTR) {
              throw BadTar.header("extended attribute " + BadTar.quoted(name) + " is too long");
            }
            into.put(name, Bytes.copyOf(value.getBytes(ISO_8859_1)));
          }
        });
  }

  /** Offsets and lengths of GNU sparse 0.0 or 0.1, empty when there are none. */
  List<Long> sparsePieces() {
    String map = get("GNU.sparse.map");
    if (map == null) {
      return sparsePieces;
    }
    List<Long> pieces = new ArrayList<>();
    for (String number : map.split(",", -1)) {
      pieces.add(Numbers.decimal(number, "GNU.sparse.map"));
    }
    return pieces;
  }
}

package io.gantry.registry.client.v1;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.store.Digest;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * The checksum that registries of version 1 know as {@code tarsum}, of a tar that is written into
 * it (version 0 of the sum: without extended attributes). It is over what the members are and not
 * over how the tar has them. Only for tars that were found to be good before.
 */
final class TarSum extends OutputStream {

  private static final int BLOCK = 512;
  private static final int LONGEST_META = 1 << 20;

  private final List<String> sums = new ArrayList<>();
  private final byte[] block = new byte[BLOCK];
  private int filled;

  /** Of the current member, or null between two. */
  private MessageDigest hash = Digest.Algorithm.SHA256.hash();

  private boolean isMember;
  private long content; // bytes of the member's content that are still to come
  private long padding;
  private boolean isEnded;

  // What describes the next member.
  private byte[] meta = new byte[0];
  private int metaFilled;
  private char metaKind;
  private final Map<String, String> next = new HashMap<>();

  @Override
  public void write(int b) {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) {
    int at = offset;
    int end = offset + length;
    while (at < end && !isEnded) {
      if (content > 0) {
        int n = (int) Math.min(content, end - at);
        takeContent(bytes, at, n);
        at += n;
      } else if (padding > 0) {
        int n = (int) Math.min(padding, end - at);
        padding -= n;
        at += n;
      } else {
        int n = Math.min(BLOCK - filled, end - at);
        System.arraycopy(bytes, at, block, filled, n);
        filled += n;
        at += n;
        if (filled == BLOCK) {
          filled = 0;
          takeHeader();
        }
      }
    }
  }

  private void takeContent(byte[] bytes, int at, int n) {
    content -= n;
    if (isMember) {
      hash.update(bytes, at, n);
    } else {
      System.arraycopy(bytes, at, meta, metaFilled, n);
      metaFilled += n;
      if (content == 0) {
        takeMeta();
      }
    }
    if (isMember && content == 0) {
      endMember();
    }
  }

  private void takeHeader() {
    if (block[0] == 0 && block[BLOCK - 1] == 0 && isZero()) {
      isEnded = true;
      return;
    }
    char kind = (char) (block[156] & 0xff);
    long size = number(124, 12);
    if (kind == 'x' || kind == 'L' || kind == 'K' || kind == 'g') {
      if (size > LONGEST_META) {
        throw new IllegalStateException("an extended header of " + size + " bytes");
      }
      isMember = false;
      metaKind = kind;
      meta = new byte[(int) size];
      metaFilled = 0;
    } else {
      isMember = true;
      size = describe(kind, size);
      next.clear();
    }
    content = size;
    padding = -size & BLOCK - 1;
    if (isMember && content == 0) {
      endMember();
    }
  }

  private boolean isZero() {
    for (byte b : block) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * Names and values of the fields, in the order of the sum.
   *
   * @return how much content follows
   */
  private long describe(char kind, long plainSize) {
    boolean isUstar = field(257, 6).startsWith("ustar");
    boolean isPosix = isUstar && block[263] == '0';
    String prefix = isPosix ? field(345, 155) : "";
    String name = prefix.isEmpty() ? field(0, 100) : prefix + "/" + field(0, 100);
    boolean hasContent = kind == '0' || kind == 0 || kind == '7' || kind == 'S';
    long size = Long.parseLong(next.getOrDefault("size", Long.toString(plainSize)));
    boolean isDevice = kind == '3' || kind == '4';
    add("name", next.getOrDefault("path", name));
    add("mode", Long.toString(number(100, 8)));
    add("uid", next.getOrDefault("uid", Long.toString(number(108, 8))));
    add("gid", next.getOrDefault("gid", Long.toString(number(116, 8))));
    add("size", Long.toString(hasContent ? size : 0));
    add("mtime", seconds(next.getOrDefault("mtime", Long.toString(number(136, 12)))));
    add("typeflag", String.valueOf(kind == 0 ? '0' : kind));
    add("linkname", next.getOrDefault("linkpath", field(157, 100)));
    add("uname", next.getOrDefault("uname", isUstar ? field(265, 32) : ""));
    add("gname", next.getOrDefault("gname", isUstar ? field(297, 32) : ""));
    add("devmajor", Long.toString(isDevice ? number(329, 8) : 0));
    add("devminor", Long.toString(isDevice ? number(337, 8) : 0));
    return hasContent ? size : 0;
  }

  /** A name is the bytes it is: each char is one. */
  private void add(String name, String value) {
    hash.update((name + value).getBytes(ISO_8859_1));
  }

  private static String seconds(String time) {
    return new BigDecimal(time).setScale(0, RoundingMode.FLOOR).toPlainString();
  }

  private void endMember() {
    sums.add(HexFormat.of().formatHex(hash.digest()));
    isMember = false;
  }

  private void takeMeta() {
    String text = new String(meta, ISO_8859_1);
    switch (metaKind) {
      case 'L' -> next.put("path", cut(text));
      case 'K' -> next.put("linkpath", cut(text));
      case 'x' -> takePax(text);
      default -> {}
    }
  }

  private static String cut(String text) {
    int zero = text.indexOf('\0');
    return zero < 0 ? text : text.substring(0, zero);
  }

  private void takePax(String text) {
    for (int at = 0; at < text.length(); ) {
      int space = text.indexOf(' ', at);
      int length = Integer.parseInt(text.substring(at, space));
      String pair = text.substring(space + 1, at + length - 1);
      int equals = pair.indexOf('=');
      next.put(pair.substring(0, equals), pair.substring(equals + 1));
      at += length;
    }
  }

  private String field(int at, int length) {
    return cut(new String(block, at, length, ISO_8859_1));
  }

  /** Octal, or base 256. */
  private long number(int at, int length) {
    if ((block[at] & 0x80) != 0) {
      long value = (block[at] & 0x40) != 0 ? -1 : 0;
      for (int i = at; i < at + length; i++) {
        int b = i == at ? block[i] & 0x3f : block[i] & 0xff;
        value = i == at && value < 0 ? (value << 6 | b) : value << 8 | b;
      }
      return value;
    }
    String digits = field(at, length).strip();
    return digits.isEmpty() ? 0 : Long.parseLong(digits, 8);
  }

  /**
   * The sum, when all has been written.
   *
   * @param document of the image that has the tar as its layer
   */
  String of(byte[] document) {
    Collections.sort(sums);
    MessageDigest all = Digest.Algorithm.SHA256.hash();
    all.update(document);
    sums.forEach(sum -> all.update(sum.getBytes(UTF_8)));
    return "tarsum+sha256:" + HexFormat.of().formatHex(all.digest());
  }
}

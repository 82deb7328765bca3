package io.gantry.itests.attacks;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/** Writes archives that no tar program would. */
final class Tar {

  private static final int BLOCK = 512;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private int mode = -1;
  private String owner = "0000000";
  private String device = "0000000\0" + "0000000";

  /** For the next entry only. */
  Tar mode(int bits) {
    mode = bits;
    return this;
  }

  /** For the next entry only. */
  Tar owner(int id) {
    owner = String.format("%07o", id);
    return this;
  }

  Tar file(String name, String content) {
    return file(name, content.getBytes(UTF_8));
  }

  Tar file(String name, byte[] content) {
    return entry('0', name, "", content);
  }

  Tar program(String name, byte[] content) {
    return mode(0755).file(name, content);
  }

  Tar dir(String name) {
    return entry('5', name, "", new byte[0]);
  }

  Tar symlink(String name, String target) {
    return entry('2', name, target, new byte[0]);
  }

  Tar link(String name, String target) {
    return entry('1', name, target, new byte[0]);
  }

  Tar fifo(String name) {
    return entry('6', name, "", new byte[0]);
  }

  Tar device(char type, String name, int major, int minor) {
    device = String.format("%07o\0%07o", major, minor);
    return entry(type, name, "", new byte[0]);
  }

  /** An extended header for the next entry: {@code path=x}. */
  Tar pax(String... records) {
    return extended('x', records);
  }

  /** One for all that follow. */
  Tar global(String... records) {
    return extended('g', records);
  }

  private Tar extended(char type, String... records) {
    var content = new StringBuilder();
    for (String record : records) {
      int length = record.length() + 3;
      while (("" + length).length() + record.length() + 2 != length) {
        length++;
      }
      content.append(length).append(' ').append(record).append('\n');
    }
    return entry(type, "pax", "", content.toString().getBytes(ISO_8859_1));
  }

  Tar entry(char type, String name, String target, byte[] content) {
    header(type, name, target, content.length);
    out.writeBytes(content);
    out.writeBytes(new byte[-content.length & BLOCK - 1]);
    return this;
  }

  /** A header whose size need not be true. */
  Tar header(char type, String name, String target, long size) {
    byte[] block = new byte[BLOCK];
    put(block, 0, 100, name);
    put(block, 100, 8, String.format("%07o", mode >= 0 ? mode : type == '5' ? 0755 : 0644));
    put(block, 108, 8, owner);
    put(block, 116, 8, owner);
    put(block, 124, 12, String.format("%011o", size));
    put(block, 136, 12, "14371234567");
    block[156] = (byte) type;
    put(block, 157, 100, target);
    put(block, 257, 8, "ustar\00000");
    put(block, 329, 16, device);
    sealed(block);
    out.writeBytes(block);
    mode = -1;
    owner = "0000000";
    device = "0000000\0" + "0000000";
    return this;
  }

  /** Its first header with the right sum. */
  static byte[] sealed(byte[] tar) {
    Arrays.fill(tar, 148, 156, (byte) ' ');
    int sum = 0;
    for (int i = 0; i < BLOCK; i++) {
      sum += tar[i] & 0xff;
    }
    put(tar, 148, 7, String.format("%06o", sum));
    return tar;
  }

  private static void put(byte[] block, int at, int most, String text) {
    byte[] bytes = text.getBytes(UTF_8);
    System.arraycopy(bytes, 0, block, at, Math.min(most, bytes.length));
  }

  byte[] end() {
    out.writeBytes(new byte[2 * BLOCK]);
    return out.toByteArray();
  }

  /** Without the two empty blocks of an end. */
  byte[] cut() {
    return out.toByteArray();
  }
}

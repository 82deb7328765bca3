package io.gantry.image.layer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;

/** Makes tars by hand, also such as no tar program would make. */
public final class Tar {

  private static final long MTIME = 1234567890;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** Owner of all entries: whoever runs the test, so that no root is needed. */
  static final long UID = id("-u");

  static final long GID = id("-g");

  public Tar file(String name, String content) {
    return entry('0', name, "", content);
  }

  public Tar dir(String name) {
    return entry('5', name, "", "");
  }

  public Tar symlink(String name, String target) {
    return entry('2', name, target, "");
  }

  public Tar link(String name, String target) {
    return entry('1', name, target, "");
  }

  public Tar device(char type, String name, int major, int minor) {
    byte[] header = header(type, name, "", 0);
    put(header, 329, String.format("%07o", major));
    put(header, 337, String.format("%07o", minor));
    return raw(sealed(header));
  }

  public Tar entry(char type, String name, String link, String content) {
    return raw(sealed(header(type, name, link, content.length()))).data(content);
  }

  /** PAX records before the next entry; {@code key=value} each, one char is one byte. */
  public Tar pax(String... records) {
    return pax('x', records);
  }

  public Tar pax(char type, String... records) {
    StringBuilder content = new StringBuilder();
    for (String record : records) {
      int length = record.length() + 3;
      while ((length + " " + record + "\n").length() > length) {
        length++;
      }
      content.append(length).append(' ').append(record).append('\n');
    }
    return entry(type, "pax", "", content.toString());
  }

  public Tar data(String content) {
    raw(content.getBytes(ISO_8859_1));
    return raw(new byte[-content.length() & 511]);
  }

  public Tar raw(byte[] bytes) {
    out.writeBytes(bytes);
    return this;
  }

  /** With the two blocks of zeros at the end. */
  public byte[] end() {
    raw(new byte[1024]);
    return bytes();
  }

  public byte[] bytes() {
    return out.toByteArray();
  }

  public InputStream stream() {
    return new ByteArrayInputStream(end());
  }

  public static byte[] header(char type, String name, String link, long size) {
    byte[] header = new byte[512];
    put(header, 0, name);
    put(header, 100, type == '5' ? "0000755" : "0000644");
    put(header, 108, String.format("%07o", UID));
    put(header, 116, String.format("%07o", GID));
    put(header, 124, String.format("%011o", size));
    put(header, 136, String.format("%011o", MTIME));
    header[156] = (byte) type;
    put(header, 157, link);
    put(header, 257, "ustar\00000");
    return header;
  }

  public static void put(byte[] header, int at, String text) {
    byte[] bytes = text.getBytes(ISO_8859_1);
    System.arraycopy(bytes, 0, header, at, bytes.length);
  }

  public static byte[] sealed(byte[] header) {
    put(header, 148, "        ");
    int sum = 0;
    for (byte b : header) {
      sum += b & 0xff;
    }
    put(header, 148, String.format("%06o\0 ", sum));
    return header;
  }

  private static long id(String which) {
    try {
      Process id = new ProcessBuilder("id", which).start();
      return Long.parseLong(new String(id.getInputStream().readAllBytes()).trim());
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}

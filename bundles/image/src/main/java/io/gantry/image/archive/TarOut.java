package io.gantry.image.archive;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/**
 * Writes the archive around images: ustar, root's files with short names, in the order given. Equal
 * contents make equal archives.
 */
final class TarOut {

  private static final int BLOCK = 512;
  private static final long LARGEST_OCTAL = 077777777777L;

  /** Writes content of the size that was announced. */
  interface Content {
    void writeTo(OutputStream out) throws IOException;
  }

  private final OutputStream out;

  TarOut(OutputStream out) {
    this.out = out;
  }

  void directory(String name) throws IOException {
    out.write(header(name, '5', 0755, 0, 0));
  }

  void file(String name, long seconds, byte[] content) throws IOException {
    file(name, seconds, content.length, to -> to.write(content));
  }

  /**
   * @param seconds since 1970, or before that: then it is 1970
   * @throws GantryException INTERNAL when the content has another size; the archive is then useless
   */
  void file(String name, long seconds, long size, Content content) throws IOException {
    out.write(header(name, '0', 0644, size, Math.max(seconds, 0)));
    var counted = new Counted(out, size, name);
    content.writeTo(counted);
    if (counted.left != 0) {
      throw counted.wrongSize();
    }
    out.write(new byte[(int) (-size & BLOCK - 1)]);
  }

  void end() throws IOException {
    out.write(new byte[2 * BLOCK]);
    out.flush();
  }

  private static byte[] header(String name, char type, int mode, long size, long seconds) {
    byte[] header = new byte[BLOCK];
    text(header, 0, name);
    octal(header, 100, 8, mode);
    octal(header, 108, 8, 0);
    octal(header, 116, 8, 0);
    if (size > LARGEST_OCTAL) {
      ByteBuffer.wrap(header, 124, 12)
          .put((byte) 0x80)
          .putShort((short) 0)
          .put((byte) 0)
          .putLong(size);
    } else {
      octal(header, 124, 12, size);
    }
    octal(header, 136, 12, Math.min(seconds, LARGEST_OCTAL));
    header[156] = (byte) type;
    text(header, 257, "ustar\00000");
    octal(header, 329, 8, 0);
    octal(header, 337, 8, 0);
    text(header, 148, "        ");
    int sum = 0;
    for (byte b : header) {
      sum += b & 0xff;
    }
    text(header, 148, "%06o\0 ".formatted(sum));
    return header;
  }

  private static void octal(byte[] header, int at, int length, long value) {
    text(header, at, ("%0" + (length - 1) + "o").formatted(value));
  }

  private static void text(byte[] header, int at, String text) {
    byte[] bytes = text.getBytes(ISO_8859_1);
    System.arraycopy(bytes, 0, header, at, bytes.length);
  }

  private static final class Counted extends OutputStream {
    private final OutputStream out;
    private final String name;
    private long left;

    Counted(OutputStream out, long size, String name) {
      this.out = out;
      this.left = size;
      this.name = name;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      if (length > left) {
        throw wrongSize();
      }
      out.write(bytes, offset, length);
      left -= length;
    }

    GantryException wrongSize() {
      return new GantryException(Kind.INTERNAL, "size of " + name + " is not what it should be");
    }
  }
}

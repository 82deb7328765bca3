package io.gantry.itests.attacks;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/** Packs archives, soundly or with headers that ask for more than there is. */
final class Packed {

  private Packed() {}

  static byte[] gzip(byte[] bytes) {
    return gzip(bytes, 0, ' ');
  }

  /** With so many megabytes of one character behind them. */
  static byte[] gzip(byte[] bytes, int megabytes, char filler) {
    byte[] filling = new byte[1 << 20];
    Arrays.fill(filling, (byte) filler);
    try (var out = new ByteArrayOutputStream()) {
      try (var gzip = new GZIPOutputStream(out)) {
        gzip.write(bytes);
        for (int i = 0; i < megabytes; i++) {
          gzip.write(filling);
        }
      }
      return out.toByteArray();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  static byte[] xz(byte[] bytes) {
    try (var out = new ByteArrayOutputStream()) {
      try (var xz = new XZOutputStream(out, new LZMA2Options(1))) {
        xz.write(bytes);
      }
      return out.toByteArray();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** A sound archive whose dictionary is said to be as large as can be said: 40 is 4 GiB. */
  static byte[] xzWithDictionary(int size) {
    byte[] xz = xz(new Tar().file("f", "x").end());
    int header = 12;
    int length = (xz[header] + 1) * 4;
    for (int i = header + 2; i < header + length - 5; i++) {
      if (xz[i] == 0x21 && xz[i + 1] == 1) {
        xz[i + 2] = (byte) size;
        break;
      }
    }
    var crc = new CRC32();
    crc.update(xz, header, length - 4);
    ByteBuffer.wrap(xz)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(header + length - 4, (int) crc.getValue());
    return xz;
  }

  /** A frame of one raw block that asks for a window of 2 to this power. */
  static byte[] zstdWithWindow(int power) {
    byte[] tar = new Tar().file("f", "x").end();
    var frame = ByteBuffer.allocate(tar.length + 9).order(ByteOrder.LITTLE_ENDIAN);
    frame.putInt(0xFD2FB528).put((byte) 0).put((byte) (power - 10 << 3));
    int block = tar.length << 3 | 1;
    frame.put((byte) block).put((byte) (block >> 8)).put((byte) (block >> 16)).put(tar);
    return frame.array();
  }
}

package io.gantry.engine.log;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;

/**
 * What a compressed log file says in its header (RFC 1952, an extra field) about the plain one that
 * it was made of: whoever read that one finds his place again.
 *
 * @param inode of the plain file
 * @param head checksum of its first bytes, since an inode may be another file's later
 */
record GzipMark(long inode, long head) {
  /** Of a file that is not compressed. */
  static final GzipMark NONE = new GzipMark(-1, -1);

  private static final int EXTRA = 4;
  private static final int FIELD = 20; // "GY", its length, two numbers
  private static final int HEADER = 12 + FIELD;

  /** Of a file that somebody else has compressed, a mark that no other file has. */
  static GzipMark read(FileChannel channel) throws IOException {
    var header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
    while (header.hasRemaining() && channel.read(header, header.position()) > 0) {
      // until it is full or the file ends
    }
    boolean ours =
        !header.hasRemaining()
            && (header.get(3) & EXTRA) != 0
            && header.getShort(10) == FIELD
            && header.get(12) == 'G'
            && header.get(13) == 'Y';
    return ours
        ? new GzipMark(header.getLong(16), header.getLong(24))
        : new GzipMark(-2, header.getInt(4));
  }

  /** Writes all of the input, compressed, behind a header with this mark. */
  void compress(InputStream plain, OutputStream out) throws IOException {
    out.write(header());
    var deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true);
    try {
      var body = new DeflaterOutputStream(out, deflater, 64 * 1024);
      var crc = new CRC32();
      byte[] chunk = new byte[64 * 1024];
      for (int n = plain.read(chunk); n >= 0; n = plain.read(chunk)) {
        crc.update(chunk, 0, n);
        body.write(chunk, 0, n);
      }
      body.finish();
      var trailer = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      out.write(trailer.putInt((int) crc.getValue()).putInt((int) deflater.getBytesRead()).array());
    } finally {
      deflater.end();
    }
  }

  private byte[] header() {
    var header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
    header.put((byte) 0x1f).put((byte) 0x8b).put((byte) Deflater.DEFLATED).put((byte) EXTRA);
    header.putInt(0).put((byte) 0).put((byte) 255).putShort((short) FIELD);
    header.put((byte) 'G').put((byte) 'Y').putShort((short) (FIELD - 4));
    return header.putLong(inode).putLong(head).array();
  }
}

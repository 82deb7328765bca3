package io.gantry.image.layer;

import io.airlift.compress.zstd.ZstdInputStream;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.jspecify.annotations.Nullable;
import org.tukaani.xz.MemoryLimitException;
import org.tukaani.xz.XZInputStream;

/**
 * Decompresses what a stranger sent: gzip, bzip2, xz, zstd or nothing, known by the first bytes.
 * All decoders are pure Java or the JDK's, with bounded memory, and their output is counted against
 * {@link Limits}.
 */
public final class Decoder {

  private static final int BUFFER = 1 << 16;

  /** xz -9 needs 65 MiB; what claims a dictionary of 4 GiB is refused before it is allocated. */
  private static final int XZ_MEMORY_KIB = 100 << 10;

  private Decoder() {}

  /**
   * @param in closed with the answer
   * @throws GantryException later, from reads: INVALID for corrupt data and {@code unexpected EOF};
   *     EXHAUSTED for a bomb; UNAVAILABLE when {@code in} itself fails
   */
  public static InputStream open(InputStream in, Limits limits) {
    var counted = new Source(in);
    var peekable = new BufferedInputStream(counted, BUFFER);
    try {
      return new Output(decode(peekable), counted, limits);
    } catch (GantryException e) {
      throw e;
    } catch (IOException | RuntimeException e) { // decoders fail in any way on hostile data
      throw broken(e);
    }
  }

  /** As above; what has been found to be the wanted tar itself is none, however it begins. */
  static InputStream open(InputStream in, @Nullable Wanted wanted, Limits limits) {
    return wanted != null && wanted.known()
        ? new BufferedInputStream(in, BUFFER)
        : open(in, limits);
  }

  /** Whether what begins so, with at least four bytes, is compressed by zstd. */
  public static boolean isZstd(byte[] head) {
    return ZstdFrames.isStart(head);
  }

  private static InputStream decode(BufferedInputStream in) throws IOException {
    in.mark(8);
    byte[] magic = in.readNBytes(6);
    in.reset();
    if (startsWith(magic, 0x1f, 0x8b, 0x08)) {
      return new GZIPInputStream(new Members(in), BUFFER);
    }
    if (startsWith(magic, 'B', 'Z', 'h')) {
      return new BZip2CompressorInputStream(in, true);
    }
    if (startsWith(magic, 0xfd, '7', 'z', 'X', 'Z', 0)) {
      return new XZInputStream(in, XZ_MEMORY_KIB);
    }
    if (isZstd(magic)) {
      return new ZstdInputStream(new ZstdFrames(in));
    }
    return in;
  }

  private static boolean startsWith(byte[] magic, int... expected) {
    for (int i = 0; i < expected.length; i++) {
      if (i >= magic.length || (magic[i] & 0xff) != expected[i]) {
        return false;
      }
    }
    return true;
  }

  private static GantryException broken(Exception e) {
    if (e instanceof EOFException || String.valueOf(e.getMessage()).contains("Not enough input")) {
      return new GantryException(Kind.INVALID, "unexpected EOF", e);
    }
    if (e instanceof MemoryLimitException) {
      return new GantryException(
          Kind.INVALID, "the archive needs too much memory to be decompressed", e);
    }
    return new GantryException(Kind.INVALID, "the archive is damaged: " + e.getMessage(), e);
  }

  /** Counts, and tells failures of the client's connection from those of its data. */
  private static final class Source extends FilterInputStream {
    private long bytes;

    Source(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      try {
        int n = super.read(into, offset, length);
        bytes += Math.max(n, 0);
        return n;
      } catch (IOException e) {
        throw new GantryException(
            Kind.UNAVAILABLE, "the archive could not be received: " + e.getMessage(), e);
      }
    }
  }

  /**
   * GZIPInputStream asks available() whether another member follows, which a socket answers with 0
   * too early.
   */
  private static final class Members extends FilterInputStream {

    Members(BufferedInputStream in) {
      super(in);
    }

    @Override
    public int available() throws IOException {
      in.mark(1);
      int next = in.read();
      in.reset();
      return next < 0 ? 0 : 1;
    }
  }

  private static final class Output extends InputStream {
    private final InputStream in;
    private final Source source;
    private final Limits limits;
    private long bytes;

    Output(InputStream in, Source source, Limits limits) {
      this.in = in;
      this.source = source;
      this.limits = limits;
    }

    @Override
    public int read() {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
      int n;
      try {
        n = in.read(into, offset, length);
      } catch (GantryException e) {
        throw e;
      } catch (IOException | RuntimeException e) { // decoders fail in any way on hostile data
        throw broken(e);
      }
      bytes += Math.max(n, 0);
      if (bytes > limits.maxBytes()) {
        throw new GantryException(Kind.EXHAUSTED, "the archive does not fit on the disk");
      }
      if (bytes > limits.freeBytes() && bytes / limits.maxRatio() > source.bytes) {
        throw new GantryException(
            Kind.INVALID, "the archive is refused: it unpacks to a multiple of its size");
      }
      return n;
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}

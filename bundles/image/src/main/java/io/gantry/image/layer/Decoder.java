package io.gantry.image.layer;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.jspecify.annotations.Nullable;
import org.tukaani.xz.MemoryLimitException;
import org.tukaani.xz.XZInputStream;

/**
 * Decompresses what a stranger sent: gzip, bzip2, xz, zstd or nothing, known by the first bytes.
 * Decoders are {@link Codecs}', pure Java or the JDK's, with bounded memory, and their output is
 * counted against {@link Limits}.
 */
public final class Decoder {

  private static final int BUFFER = 1 << 16;
  private static final Codecs JAVA = new Codecs();

  /** xz -9 needs 65 MiB; what claims a dictionary of 4 GiB is refused before it is allocated. */
  private static final int XZ_MEMORY_KIB = 100 << 10;

  private Decoder() {}

  /**
   * @param in closed with the answer
   * @throws GantryException later, from reads: INVALID for corrupt data and {@code unexpected EOF};
   *     EXHAUSTED for a bomb; UNAVAILABLE when {@code in} itself fails
   */
  public static InputStream open(InputStream in, Limits limits) {
    return open(in, limits, JAVA);
  }

  static InputStream open(InputStream in, Limits limits, Codecs codecs) {
    var counted = new Source(in);
    var peekable = new BufferedInputStream(counted, BUFFER);
    try {
      return new Output(decode(peekable, codecs), counted, limits);
    } catch (GantryException e) {
      throw e;
    } catch (IOException | RuntimeException e) { // decoders fail in any way on hostile data
      throw broken(e);
    }
  }

  /** As above; what has been found to be the wanted tar itself is none, however it begins. */
  static InputStream open(InputStream in, @Nullable Wanted wanted, Limits limits, Codecs codecs) {
    return wanted != null && wanted.known()
        ? new BufferedInputStream(in, BUFFER)
        : open(in, limits, codecs);
  }

  /** Whether what begins so, with at least four bytes, is compressed by zstd. */
  public static boolean isZstd(byte[] head) {
    return ZstdFrames.isStart(head);
  }

  private static InputStream decode(BufferedInputStream in, Codecs codecs) throws IOException {
    in.mark(8);
    byte[] magic = in.readNBytes(6);
    in.reset();
    if (startsWith(magic, 0x1f, 0x8b, 0x08)) {
      return codecs.gunzip(in);
    }
    if (startsWith(magic, 'B', 'Z', 'h')) {
      return new BZip2CompressorInputStream(in, true);
    }
    if (startsWith(magic, 0xfd, '7', 'z', 'X', 'Z', 0)) {
      return new XZInputStream(in, XZ_MEMORY_KIB);
    }
    if (isZstd(magic)) {
      return codecs.unzstd(in);
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
    if (e instanceof EOFException) {
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
    private volatile long bytes; // decoders may read on a thread of their own

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
        bytes = bytes + Math.max(n, 0);
        return n;
      } catch (IOException e) {
        throw new GantryException(
            Kind.UNAVAILABLE, "the archive could not be received: " + e.getMessage(), e);
      }
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

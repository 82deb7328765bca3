package io.gantry.registry.client.push;

import io.gantry.image.layer.Codecs;
import io.gantry.image.layer.Decoder;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Layers;
import io.gantry.registry.client.known.Packing;
import io.gantry.registry.client.wire.Body;
import io.gantry.store.Digest;
import io.gantry.store.StoreFailure;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.DigestOutputStream;

/** Forms in which a layer goes out. What it is made of is checked while it is read. */
abstract class Packed implements Body {

  final Packing packing;

  Packed(Packing packing) {
    this.packing = packing;
  }

  /** Of what was written last. */
  abstract Digest digest();

  /** Of what was written last, in bytes. */
  abstract long size();

  /** Bytes of what it is made of, which are about as many. */
  abstract long source();

  /** What its bytes are made by: who says the same writes the same. */
  abstract String form();

  /** A blob as it came. */
  static Packed blob(HeldBlobs blobs, Digest digest, Packing packing, Watcher watcher) {
    return new AsItIs(packing, digest, blobs.size(digest), watcher, out -> blobs.copy(digest, out));
  }

  /** The tar of a layer, as it is. */
  static Packed tar(Layers layers, Digest chain, Digest diff, Watcher watcher) throws IOException {
    long size = layers.tarBytes(chain);
    return new AsItIs(Packing.PLAIN, diff, size, watcher, out -> layers.tar(chain, out));
  }

  /** What is known before it is written. */
  private static final class AsItIs extends Packed {
    private final Digest digest;
    private final long size;
    private final Watcher watcher;
    private final Source source;

    /** Writes all of it. */
    interface Source {
      void writeTo(OutputStream out) throws IOException;
    }

    AsItIs(Packing packing, Digest digest, long size, Watcher watcher, Source source) {
      super(packing);
      this.digest = digest;
      this.size = size;
      this.watcher = watcher;
      this.source = source;
    }

    @Override
    public long length() {
      return size;
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      source.writeTo(new Progress(out, watcher, size));
    }

    @Override
    Digest digest() {
      return digest;
    }

    @Override
    long size() {
      return size;
    }

    @Override
    long source() {
      return size;
    }

    @Override
    String form() {
      return digest.toString();
    }
  }

  /** The tar of a layer, compressed in the same way each time. */
  static Packed gzip(Layers layers, Digest chain, Watcher watcher) throws IOException {
    long tarBytes = layers.tarBytes(chain);
    return new Gzip(layers, chain, tarBytes, watcher);
  }

  private static final class Gzip extends Packed {
    private final Layers layers;
    private final Digest chain;
    private final long tarBytes;
    private final Watcher watcher;
    private final Codecs.Encoder encoder;
    private Digest digest = Digest.sha256(new byte[0]);
    private long size;

    Gzip(Layers layers, Digest chain, long tarBytes, Watcher watcher) {
      super(Packing.GZIP);
      this.layers = layers;
      this.chain = chain;
      this.tarBytes = tarBytes;
      this.watcher = watcher;
      this.encoder = layers.codecs().encoder();
    }

    @Override
    public long length() {
      return -1;
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      size = 0;
      var hashed = new DigestOutputStream(new Counted(out), Digest.Algorithm.SHA256.hash());
      encoder.encode(tar -> layers.tar(chain, new Progress(tar, watcher, tarBytes)), hashed);
      digest = Digest.of(Digest.Algorithm.SHA256, hashed.getMessageDigest());
    }

    private final class Counted extends OutputStream {
      private final OutputStream out;

      Counted(OutputStream out) {
        this.out = out;
      }

      @Override
      public void write(int b) throws IOException {
        out.write(b);
        size++;
      }

      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        out.write(bytes, offset, length);
        size += length;
      }
    }

    @Override
    Digest digest() {
      return digest;
    }

    @Override
    long size() {
      return size;
    }

    @Override
    long source() {
      return tarBytes;
    }

    @Override
    String form() {
      return encoder.form();
    }
  }

  /** How a blob that nobody has described is compressed. */
  static Packing packing(HeldBlobs blobs, Digest digest) {
    try (InputStream in = blobs.get(digest)) {
      byte[] head = in.readNBytes(4);
      if (head.length == 4 && (head[0] & 0xff) == 0x1f && (head[1] & 0xff) == 0x8b) {
        return Packing.GZIP;
      }
      return Decoder.isZstd(head) ? Packing.ZSTD : Packing.PLAIN;
    } catch (IOException e) {
      throw StoreFailure.of("read blob " + digest, e);
    }
  }
}

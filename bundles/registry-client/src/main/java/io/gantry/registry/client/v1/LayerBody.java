package io.gantry.registry.client.v1;

import io.gantry.registry.client.wire.Body;
import io.gantry.store.Digest;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.util.function.LongConsumer;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/** A layer on its way to a registry, compressed; equal layers are equal bytes. */
final class LayerBody implements Body {

  private static final int STEP = 512 << 10;

  /** Writes the plain tar. */
  interface Tar {
    void writeTo(OutputStream out) throws IOException;
  }

  private final ImageJson json;
  private final @Nullable Tar tar;
  private final LongConsumer sent;
  private String checksum = "";
  private String payload = "";

  /**
   * @param tar null for no bytes at all
   * @param sent gets how many bytes of the tar are on their way, now and then
   */
  LayerBody(ImageJson json, @Nullable Tar tar, LongConsumer sent) {
    this.json = json;
    this.tar = tar;
    this.sent = sent;
  }

  @Override
  public long length() {
    return -1;
  }

  @Override
  public void writeTo(OutputStream out) throws IOException {
    MessageDigest hash = json.payload();
    var sum = new TarSum();
    try (var gzip = new GZIPOutputStream(new Hashed(out, hash), 1 << 16)) {
      if (tar != null) {
        tar.writeTo(new Counted(gzip, sum, sent));
      }
    }
    checksum = sum.of(json.bytes().toArray());
    payload = Digest.of(Digest.Algorithm.SHA256, hash).toString();
  }

  /** Of the tar's members, when it has been written. */
  String checksum() {
    return checksum;
  }

  /** Of the document with the layer as it was sent. */
  String payload() {
    return payload;
  }

  private static final class Hashed extends FilterOutputStream {
    private final MessageDigest hash;

    Hashed(OutputStream out, MessageDigest hash) {
      super(out);
      this.hash = hash;
    }

    @Override
    public void write(int b) throws IOException {
      hash.update((byte) b);
      out.write(b);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      hash.update(bytes, offset, length);
      out.write(bytes, offset, length);
    }

    /** The end of the compressed layer is not that of the request. */
    @Override
    public void close() throws IOException {
      out.flush();
    }
  }

  private static final class Counted extends FilterOutputStream {
    private final TarSum sum;
    private final LongConsumer sent;
    private long bytes;
    private long told;

    Counted(OutputStream out, TarSum sum, LongConsumer sent) {
      super(out);
      this.sum = sum;
      this.sent = sent;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] buffer, int offset, int length) throws IOException {
      out.write(buffer, offset, length);
      sum.write(buffer, offset, length);
      bytes += length;
      if (bytes - told >= STEP) {
        told = bytes;
        sent.accept(bytes);
      }
    }
  }
}

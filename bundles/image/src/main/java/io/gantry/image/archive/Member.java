package io.gantry.image.archive;

import io.gantry.image.layer.HeldBlobs;
import io.gantry.store.Digest;
import io.gantry.store.Ingest;
import io.gantry.store.StoreFailure;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.DigestOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * The content of one file of an archive: small ones in memory, others in a blob that has no name
 * yet and goes with the archive unless it is kept.
 */
final class Member {

  private final byte[] small;
  private final @Nullable Ingest large;
  private final Digest sha256;
  private @Nullable Digest kept;

  private Member(byte[] small, @Nullable Ingest large, Digest sha256) {
    this.small = small;
    this.large = large;
    this.sha256 = sha256;
  }

  static Member small(byte[] content) {
    return new Member(content, null, Digest.sha256(content));
  }

  /** Takes over what has been ingested. */
  static Member large(Ingest content) {
    return new Member(new byte[0], content, content.finish());
  }

  long size() {
    return large == null ? small.length : large.offset();
  }

  Digest sha256() {
    return sha256;
  }

  /** Its digest by another function, too: then it is read once more. */
  Digest digest(Digest.Algorithm algorithm) {
    if (algorithm == Digest.Algorithm.SHA256) {
      return sha256;
    }
    try (InputStream in = open();
        var out = new DigestOutputStream(OutputStream.nullOutputStream(), algorithm.hash())) {
      in.transferTo(out);
      return Digest.of(algorithm, out.getMessageDigest());
    } catch (IOException e) {
      throw StoreFailure.of("read a member of an archive", e);
    }
  }

  InputStream open() {
    return large == null ? new ByteArrayInputStream(small) : large.read();
  }

  /** All of it; only for what is known to be small enough. */
  byte[] bytes() {
    if (large == null) {
      return small;
    }
    try (InputStream in = large.read()) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw StoreFailure.of("read a member of an archive", e);
    }
  }

  /** Makes it a blob, for one more holder. */
  Digest keep(HeldBlobs blobs) {
    Digest known = kept;
    if (known != null) {
      blobs.hold(known);
      return known;
    }
    Digest blob = large == null ? blobs.hold(small) : blobs.hold(large);
    kept = blob;
    return blob;
  }

  /** Its first bytes, at most. */
  byte[] head(int length) {
    try (InputStream in = open()) {
      return in.readNBytes(length);
    } catch (IOException e) {
      throw StoreFailure.of("read a member of an archive", e);
    }
  }

  /** Gives up what has not been kept. */
  void close() {
    if (large != null) {
      large.close();
    }
  }
}

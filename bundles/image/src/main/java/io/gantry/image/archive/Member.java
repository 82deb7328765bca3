package io.gantry.image.archive;

import io.gantry.image.layer.Codecs;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Limits;
import io.gantry.store.Digest;
import io.gantry.store.Ingest;
import io.gantry.store.StoreFailure;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The content of one file of an archive: in memory, or in a blob that has no name yet and goes with
 * the archive unless it is kept.
 */
final class Member {

  private final long size;
  private final Digest sha256;
  private final Supplier<InputStream> content;
  private final @Nullable Ingest onDisk;
  private final Map<Digest.Algorithm, Digest> digests = new EnumMap<>(Digest.Algorithm.class);
  private @Nullable Digest unpacked;
  private @Nullable Digest kept;

  private Member(long size, Digest sha256, Supplier<InputStream> content, @Nullable Ingest onDisk) {
    this.size = size;
    this.sha256 = sha256;
    this.content = content;
    this.onDisk = onDisk;
  }

  static Member of(byte[] content) {
    return new Member(
        content.length, Digest.sha256(content), () -> new ByteArrayInputStream(content), null);
  }

  static Member of(Spool spool, long offset, long size, Digest sha256) {
    return new Member(size, sha256, () -> spool.read(offset, size), null);
  }

  /** Takes over what has been ingested. */
  static Member of(Ingest content) {
    return new Member(content.offset(), content.finish(), content::read, content);
  }

  long size() {
    return size;
  }

  Digest sha256() {
    return sha256;
  }

  /** Its digest by another function, too: then it is read once more, however often it is asked. */
  Digest digest(Digest.Algorithm algorithm) {
    Digest known = algorithm == Digest.Algorithm.SHA256 ? sha256 : digests.get(algorithm);
    if (known == null) {
      known = digest(algorithm, open());
      digests.put(algorithm, known);
    }
    return known;
  }

  /** Digest of what it is the compressed form of; read once. */
  Digest unpacked(Codecs codecs, Limits limits) {
    Digest known = unpacked;
    if (known == null) {
      try (InputStream packed = open()) {
        known = digest(Digest.Algorithm.SHA256, codecs.open(packed, limits));
      } catch (IOException e) {
        throw failed(e);
      }
      unpacked = known;
    }
    return known;
  }

  private static Digest digest(Digest.Algorithm algorithm, InputStream content) {
    MessageDigest hash = algorithm.hash();
    byte[] buffer = new byte[1 << 17];
    try (InputStream in = content) {
      for (int n; (n = in.read(buffer)) >= 0; ) {
        Members.stopWhenInterrupted();
        hash.update(buffer, 0, n);
      }
    } catch (IOException e) {
      throw failed(e);
    }
    return Digest.of(algorithm, hash);
  }

  InputStream open() {
    return content.get();
  }

  /** All of it; only for what is known to be small enough. */
  byte[] bytes() {
    return head((int) size);
  }

  /** Its first bytes, at most. */
  byte[] head(int length) {
    try (InputStream in = open()) {
      return in.readNBytes(length);
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** Makes it a blob, for one more holder. */
  Digest keep(HeldBlobs blobs) {
    Digest known = kept;
    if (known != null) {
      blobs.hold(known);
      return known;
    }
    Digest blob = onDisk == null ? copy(blobs) : blobs.hold(onDisk);
    kept = blob;
    return blob;
  }

  private Digest copy(HeldBlobs blobs) {
    try (InputStream in = open();
        Ingest blob = blobs.ingest(size)) {
      in.transferTo(blob);
      return blobs.hold(blob);
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private static RuntimeException failed(IOException e) {
    return StoreFailure.of("read a member of an archive", e);
  }

  /** Gives up what has not been kept. */
  void close() {
    if (onDisk != null) {
      onDisk.close();
    }
  }
}

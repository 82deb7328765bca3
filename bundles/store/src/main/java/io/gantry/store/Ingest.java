package io.gantry.store;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;

/**
 * A blob on its way in. Nobody sees it before {@link #commit}. Closing it before that forgets an
 * anonymous one and keeps what has arrived of a resumable one. Not thread-safe, but for {@link
 * #read} of one that is finished, and {@link #arriving}.
 */
public final class Ingest extends OutputStream {

  private final BlobStore store;
  private final Path scratch;
  private final boolean resumable;
  private final long maxBytes;
  private final Digest.Algorithm algorithm;
  private final MessageDigest hash;
  private final FileOutputStream out;
  private long offset;
  private volatile boolean open = true;
  private @Nullable Digest digest;

  Ingest(
      BlobStore store, Path scratch, boolean resumable, Digest.Algorithm algorithm, long maxBytes)
      throws IOException {
    this.store = store;
    this.scratch = scratch;
    this.resumable = resumable;
    this.maxBytes = maxBytes;
    this.algorithm = algorithm;
    this.hash = algorithm.hash();
    if (Files.exists(scratch)) {
      rehash();
    }
    this.out = new FileOutputStream(scratch.toFile(), true);
  }

  /** How many bytes are here; a resumed transfer goes on from there. */
  public long offset() {
    return offset;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  /**
   * @throws GantryException EXHAUSTED beyond the limit, before anything more is written
   */
  @Override
  public void write(byte[] buffer, int start, int length) throws IOException {
    if (length > maxBytes - offset) {
      throw new GantryException(
          Kind.EXHAUSTED, "content is larger than the " + maxBytes + " bytes allowed for it");
    }
    out.write(buffer, start, length);
    hash.update(buffer, start, length);
    offset += length;
  }

  /**
   * Nothing more comes. Its file is closed until it is read or committed, so that many may wait.
   *
   * @return its digest
   */
  public Digest finish() {
    Digest known = digest;
    if (known == null) {
      known = Digest.of(algorithm, hash);
      digest = known;
      try {
        out.close();
      } catch (IOException e) {
        throw StoreFailure.of("close " + scratch, e);
      }
    }
    return known;
  }

  /** What has arrived, of one that is finished; also after it has been committed. */
  public InputStream read() {
    Digest known = digest;
    if (known == null) {
      throw new IllegalStateException("ingest is not finished");
    }
    if (!open) {
      return store.get(known);
    }
    try {
      return Files.newInputStream(scratch);
    } catch (NoSuchFileException e) {
      return store.get(known); // committed by another thread just now
    } catch (IOException e) {
      throw StoreFailure.of("open " + scratch, e);
    }
  }

  /**
   * What has arrived, from the beginning. It ends where the writer is just then, and goes on when
   * more has been written. For any thread, as long as the blob is not given up.
   */
  public InputStream arriving() {
    try {
      return Files.newInputStream(scratch);
    } catch (IOException e) {
      throw StoreFailure.of("open " + scratch, e);
    }
  }

  /** Brings what has arrived to the disk, so that {@link #commit} takes no time. */
  public void sync() {
    if (!open) {
      return; // committed: it is there
    }
    try {
      force();
    } catch (IOException e) {
      throw StoreFailure.of("ingest " + scratch, e);
    }
  }

  private void force() throws IOException {
    if (digest == null) {
      out.getFD().sync();
      return;
    }
    try (var again = new FileOutputStream(scratch.toFile(), true)) {
      again.getFD().sync();
    }
  }

  /**
   * Makes the blob known, durably.
   *
   * @param expected digest it must have (of the ingest's algorithm), or null
   * @return its digest
   * @throws GantryException INVALID when the content is not what was expected; it is then forgotten
   */
  public Digest commit(@Nullable Digest expected) {
    if (!open) {
      throw new IllegalStateException("ingest is closed");
    }
    try {
      Digest known = digest;
      Digest actual = known == null ? Digest.of(algorithm, hash) : known;
      if (expected != null && !expected.equals(actual)) {
        forget();
        throw new GantryException(
            Kind.INVALID, "content has digest " + actual + " instead of " + expected);
      }
      force();
      out.close();
      store.adopt(scratch, actual);
      open = false;
      return actual;
    } catch (IOException e) {
      throw StoreFailure.of("ingest " + scratch, e);
    }
  }

  /** Gives it up, also a resumable one. */
  public void forget() {
    open = false;
    try {
      out.close();
      Files.deleteIfExists(scratch);
    } catch (IOException e) {
      throw StoreFailure.of("remove " + scratch, e);
    }
  }

  /** May be repeated. */
  @Override
  public void close() {
    if (!open) {
      return;
    }
    if (!resumable) {
      forget();
      return;
    }
    open = false;
    try {
      out.close();
    } catch (IOException e) {
      throw StoreFailure.of("close " + scratch, e);
    }
  }

  private void rehash() throws IOException {
    byte[] buffer = new byte[1 << 16];
    try (InputStream in = Files.newInputStream(scratch)) {
      for (int n; (n = in.read(buffer)) > 0; ) {
        hash.update(buffer, 0, n);
        offset += n;
      }
    }
  }
}

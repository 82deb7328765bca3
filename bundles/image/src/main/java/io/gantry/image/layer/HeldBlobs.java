package io.gantry.image.layer;

import io.gantry.store.BlobStore;
import io.gantry.store.Digest;
import io.gantry.store.Ingest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Blobs of images, deleted when their last holder lets go. Taking in and deleting exclude each
 * other: what is stored again while it goes is there afterwards.
 */
public final class HeldBlobs {

  private final BlobStore blobs;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Digest, Integer> holders = new HashMap<>(); // guarded by lock

  public HeldBlobs(BlobStore blobs) {
    this.blobs = blobs;
  }

  /** Starts a blob; see {@link #hold(Ingest)}. */
  public Ingest ingest(long maxBytes) {
    return blobs.ingest(maxBytes);
  }

  /** Starts a blob or goes on with one; see {@link BlobStore#resume}. */
  public Ingest resume(String key, Digest.Algorithm algorithm, long maxBytes) {
    return blobs.resume(key, algorithm, maxBytes);
  }

  /** Forgets blobs that were begun and that nobody has gone on with for a day. */
  public void expire() {
    blobs.expire();
  }

  /** Stores what was ingested, for one more holder. */
  public Digest hold(Ingest ingest) {
    ingest.sync(); // not under the lock: there may be gigabytes to write
    lock.lock();
    try {
      Digest digest = ingest.commit(null);
      holders.merge(digest, 1, Integer::sum);
      return digest;
    } finally {
      lock.unlock();
    }
  }

  /** Stores small content, for one more holder. */
  public Digest hold(byte[] content) {
    lock.lock();
    try {
      Digest digest = blobs.put(content);
      holders.merge(digest, 1, Integer::sum);
      return digest;
    } finally {
      lock.unlock();
    }
  }

  /** One more holder of a blob that is held, or of one that a record found at start-up names. */
  public void hold(Digest digest) {
    lock.lock();
    try {
      holders.merge(digest, 1, Integer::sum);
    } finally {
      lock.unlock();
    }
  }

  /** One holder less; the last one takes the blob along. */
  public void release(Digest digest) {
    lock.lock();
    try {
      if (holders.merge(digest, -1, Integer::sum) <= 0) {
        holders.remove(digest);
        blobs.delete(digest);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Deletes what nobody holds: what a crash left. */
  public void sweep() {
    for (Digest digest : blobs.list()) {
      lock.lock();
      try {
        if (!holders.containsKey(digest)) {
          blobs.delete(digest);
        }
      } finally {
        lock.unlock();
      }
    }
  }

  public boolean has(Digest digest) {
    return blobs.has(digest);
  }

  /**
   * @throws io.gantry.spi.GantryException NOT_FOUND
   */
  public long size(Digest digest) {
    return blobs.size(digest);
  }

  /** Compares a blob with its name; throws as {@link BlobStore#verify}. */
  public void verify(Digest digest) {
    blobs.verify(digest);
  }

  /** Writes a blob out and compares it with its name; throws as {@link BlobStore#copy}. */
  public void copy(Digest digest, OutputStream out) throws IOException {
    blobs.copy(digest, out);
  }

  public InputStream get(Digest digest) {
    return blobs.get(digest);
  }

  public byte[] read(Digest digest, int maxBytes) {
    return blobs.read(digest, maxBytes);
  }
}

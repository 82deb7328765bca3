package io.gantry.registry.client.pull;

import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.manifest.Descriptor;
import io.gantry.registry.client.v2.Repository;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import io.gantry.store.Ingest;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One blob on its way from a registry, for all pulls that want it.
 *
 * <p>The first who joins starts it, on a thread of its own; whoever joins later gets it from its
 * beginning, too. It ends when it is complete and verified, when it fails, or when the last one
 * leaves. What has arrived then stays for the next attempt, unless a pull has made use of it.
 */
final class Fetch {

  /** Hears of it, on the thread of the fetch. */
  interface Watcher {
    void arrived(long bytes);

    /** All is here and is being verified. */
    void verifies();

    /** It is what it should be. */
    void completed();

    /** It has ended, well or not; always the last call. */
    void ended();
  }

  private final Repository repository;
  private final Descriptor blob;
  private final HeldBlobs blobs;
  private final String key;
  private final Runnable whenGone;
  private final List<Watcher> watchers = new CopyOnWriteArrayList<>();
  private final CountDownLatch gone = new CountDownLatch(1);
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition moved = lock.newCondition();

  private int users; // guarded by lock
  private boolean started; // guarded by lock
  private boolean over; // guarded by lock; its work has ended
  private boolean isUsed; // guarded by lock
  private boolean isHeld; // guarded by lock
  private long arrived; // guarded by lock
  private @Nullable Ingest ingest; // guarded by lock
  private @Nullable GantryException failure; // guarded by lock
  private @Nullable Thread thread; // guarded by lock

  /**
   * @param key of what has arrived, in the store
   * @param whenGone called once, when another fetch may use the key
   */
  Fetch(Repository repository, Descriptor blob, HeldBlobs blobs, String key, Runnable whenGone) {
    this.repository = repository;
    this.blob = blob;
    this.blobs = blobs;
    this.key = key;
    this.whenGone = whenGone;
  }

  /**
   * Takes part.
   *
   * @return false when it has failed or is being given up
   */
  boolean join(Watcher watcher, Executor threads) {
    boolean isOver;
    lock.lock();
    try {
      if (failure != null || (started && users == 0)) {
        return false;
      }
      users++;
      isOver = over;
      if (!isOver) {
        watchers.add(watcher);
      }
      if (!started) {
        started = true;
        repository.session().hold();
        threads.execute(this::run);
      }
    } finally {
      lock.unlock();
    }
    if (isOver) {
      watcher.completed();
      watcher.ended();
    }
    return true;
  }

  /** Waits until its key is free. */
  void awaitGone() {
    try {
      gone.await();
    } catch (InterruptedException e) {
      throw new GantryException(Kind.CANCELLED, "cancelled", e);
    }
  }

  /** Takes part no longer; the last one ends it. */
  void leave(Watcher watcher) {
    boolean isLast;
    lock.lock();
    try {
      watchers.remove(watcher);
      users--;
      isLast = users == 0 && over;
      if (users == 0 && thread != null) {
        thread.interrupt();
      }
    } finally {
      lock.unlock();
    }
    if (isLast) {
      dispose();
    }
  }

  /** What has arrived is not needed again: an image has been made with it, or it makes none. */
  void used() {
    lock.lock();
    try {
      isUsed = true;
    } finally {
      lock.unlock();
    }
  }

  /** Makes the verified blob one of the store, for one more holder. */
  Digest hold() {
    lock.lock();
    try {
      if (isHeld && blobs.has(blob.digest())) {
        blobs.hold(blob.digest());
        return blob.digest();
      }
      isHeld = true;
      return blobs.hold(Objects.requireNonNull(ingest));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until it is here and verified.
   *
   * @throws GantryException as it has failed; CANCELLED on an interrupt
   */
  void await() {
    awaitBeyond(Long.MAX_VALUE);
  }

  /**
   * Waits for bytes beyond a position.
   *
   * @return how many bytes are here; no more come when it is not beyond
   */
  private long awaitBeyond(long position) {
    lock.lock();
    try {
      while (arrived <= position && !over) {
        moved.await();
      }
      if (failure != null) {
        throw new GantryException(failure.kind(), failure.getMessage(), failure.getCause());
      }
      return arrived;
    } catch (InterruptedException e) {
      throw new GantryException(Kind.CANCELLED, "cancelled", e);
    } finally {
      lock.unlock();
    }
  }

  /**
   * The blob from its beginning, while it arrives. Its end comes when it has been verified; reading
   * throws what the fetch fails with.
   */
  InputStream open() {
    awaitBeyond(0);
    lock.lock();
    try {
      Ingest in = Objects.requireNonNull(ingest);
      return over ? in.read() : new Following(in.arriving());
    } finally {
      lock.unlock();
    }
  }

  private final class Following extends InputStream {
    private final InputStream file;
    private long position;

    Following(InputStream file) {
      this.file = file;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      long here = awaitBeyond(position);
      if (here <= position) {
        return -1;
      }
      int n = file.read(into, offset, (int) Math.min(length, here - position));
      position += Math.max(n, 0);
      return n;
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }

  private void run() {
    GantryException failed = null;
    try {
      begin();
      new Receiving(repository, blob, new Arrival()).into(opened());
    } catch (GantryException e) {
      failed = e;
    } catch (RuntimeException | Error e) { // whatever it is, others wait for it
      failed = new GantryException(Kind.INTERNAL, "fetch blob " + blob.digest() + ": " + e, e);
    }
    boolean isLast = end(failed);
    repository.session().release();
    watchers.forEach(Watcher::ended);
    if (isLast) {
      dispose();
    }
  }

  private void begin() {
    lock.lock();
    try {
      thread = Thread.currentThread();
      if (users == 0) {
        thread.interrupt(); // the last one has left before it began
      }
    } finally {
      lock.unlock();
    }
  }

  private Ingest opened() {
    Ingest in = blobs.resume(key, blob.digest().algorithm(), blob.size());
    lock.lock();
    try {
      ingest = in;
    } finally {
      lock.unlock();
    }
    return in;
  }

  private boolean end(@Nullable GantryException failed) {
    lock.lock();
    try {
      thread = null;
      over = true;
      failure = failed;
      moved.signalAll();
      return users == 0;
    } finally {
      lock.unlock();
    }
  }

  private void dispose() {
    lock.lock();
    try {
      Ingest in = ingest;
      if (in != null && !isHeld) {
        boolean isFull = failure != null && failure.kind() == Kind.EXHAUSTED;
        if (isUsed || isFull) {
          in.forget();
        } else {
          in.close();
        }
      }
    } finally {
      lock.unlock();
      whenGone.run();
      gone.countDown();
    }
  }

  private final class Arrival implements Receiving.Progress {
    @Override
    public void written(long bytes) {
      lock.lock();
      try {
        arrived = bytes;
        moved.signalAll();
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void tell(long bytes) {
      watchers.forEach(watcher -> watcher.arrived(bytes));
    }

    @Override
    public void verifies() {
      watchers.forEach(Watcher::verifies);
    }

    @Override
    public void completed() {
      watchers.forEach(Watcher::completed);
    }
  }
}

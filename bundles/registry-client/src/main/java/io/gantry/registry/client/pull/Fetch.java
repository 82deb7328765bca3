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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One blob on its way from a registry, for all pulls that want it.
 *
 * <p>The first who joins starts it, on a thread of its own; whoever joins later gets it from its
 * beginning, too. A registry's refusal is only for those who ask as the one that it was said to:
 * the next of the others asks then, and gets the rest. It ends when it is complete and verified,
 * when it fails, or when the last one leaves. What has arrived then stays for the next attempt,
 * unless a pull has made use of it.
 */
final class Fetch {

  /** Hears of it, on the thread of the fetch; in the beginning on that of whoever joins. */
  interface Watcher {
    /** So many bytes are here; of two calls the larger one counts. */
    void arrived(long bytes);

    /** An overloaded registry is waited for. */
    void pauses(Duration pause);

    /** All is here and is being verified. */
    void verifies();

    /** It is what it should be. */
    void completed();

    /** It has ended, well or not; always the last call. */
    void ended();
  }

  private final Descriptor blob;
  private final HeldBlobs blobs;
  private final String key;
  private final Runnable whenGone;

  /** Of those who hear of it. Changed with lock. */
  private final List<Share> shares = new CopyOnWriteArrayList<>();

  private final CountDownLatch gone = new CountDownLatch(1);
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition moved = lock.newCondition();

  private int users; // guarded by lock
  private @Nullable Repository source; // guarded by lock; asked now or last, null before the start
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
  Fetch(Descriptor blob, HeldBlobs blobs, String key, Runnable whenGone) {
    this.blob = blob;
    this.blobs = blobs;
    this.key = key;
    this.whenGone = whenGone;
  }

  /**
   * Takes part.
   *
   * @param repository where this one may get it from
   * @return empty when it has failed or is being given up
   */
  Optional<Share> join(Repository repository, Watcher watcher, Executor threads) {
    var share = new Share(repository, watcher);
    boolean isFirst;
    boolean isOver;
    long here;
    lock.lock();
    try {
      isFirst = source == null;
      if (failure != null || (!isFirst && users == 0)) {
        return Optional.empty();
      }
      users++;
      isOver = over;
      here = arrived;
      if (!isOver) {
        shares.add(share);
      }
      if (isFirst) {
        source = repository;
        repository.session().hold();
        threads.execute(this::run);
      }
    } finally {
      lock.unlock();
    }
    if (isOver) {
      watcher.completed();
      watcher.ended();
    } else if (!isFirst) {
      watcher.arrived(here);
    }
    return Optional.of(share);
  }

  /** Waits until its key is free. */
  void awaitGone() {
    try {
      gone.await();
    } catch (InterruptedException e) {
      throw new GantryException(Kind.CANCELLED, "cancelled", e);
    }
  }

  /** The part that one pull has in it. */
  final class Share {
    private final Repository repository;
    private final Watcher watcher;
    private @Nullable GantryException refusal; // guarded by lock

    private Share(Repository repository, Watcher watcher) {
      this.repository = repository;
      this.watcher = watcher;
    }

    /** Takes part no longer; the last one ends it. */
    void leave() {
      boolean isLast;
      lock.lock();
      try {
        shares.remove(this);
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
        while (arrived <= position && !over && refusal == null) {
          moved.await();
        }
        GantryException failed = refusal == null ? failure : refusal;
        if (failed != null) {
          throw new GantryException(failed.kind(), failed.getMessage(), failed.getCause());
        }
        return arrived;
      } catch (InterruptedException e) {
        throw new GantryException(Kind.CANCELLED, "cancelled", e);
      } finally {
        lock.unlock();
      }
    }

    /**
     * The blob from its beginning, while it arrives. Its end comes when it has been verified;
     * reading throws what the fetch fails with.
     */
    InputStream open() {
      awaitBeyond(0);
      lock.lock();
      try {
        Ingest in = Objects.requireNonNull(ingest);
        return over ? in.read() : new Following(this, in.arriving());
      } finally {
        lock.unlock();
      }
    }
  }

  private static final class Following extends InputStream {
    private final Share share;
    private final InputStream file;
    private long position;

    Following(Share share, InputStream file) {
      this.share = share;
      this.file = file;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      long here = share.awaitBeyond(position);
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
      receive(opened());
    } catch (GantryException e) {
      failed = e;
    } catch (RuntimeException | Error e) { // whatever it is, others wait for it
      failed = new GantryException(Kind.INTERNAL, "fetch blob " + blob.digest() + ": " + e, e);
    }
    Repository last = source();
    boolean isLast = end(failed);
    last.session().release();
    tell(Watcher::ended);
    if (isLast) {
      dispose();
    }
  }

  private Repository source() {
    lock.lock();
    try {
      return Objects.requireNonNull(source);
    } finally {
      lock.unlock();
    }
  }

  private void tell(Consumer<Watcher> news) {
    shares.forEach(share -> news.accept(share.watcher));
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

  /** From one after another of those who take part, until a registry lets one have it. */
  private void receive(Ingest in) {
    while (true) {
      Repository from = source();
      try {
        new Receiving(from, blob, new Arrival()).into(in);
        return;
      } catch (GantryException e) {
        if (!isRefusal(e) || !passOn(from, e)) {
          throw e;
        }
      }
      from.session().release();
    }
  }

  private static boolean isRefusal(GantryException e) {
    return e.kind() == Kind.UNAUTHORIZED
        || e.kind() == Kind.FORBIDDEN
        || e.kind() == Kind.NOT_FOUND;
  }

  /**
   * Has the next one ask, and fails those who would be refused as well.
   *
   * @return false when there is no other
   */
  private boolean passOn(Repository from, GantryException refusal) {
    List<Share> refused = new ArrayList<>();
    List<Share> others = new ArrayList<>();
    lock.lock();
    try {
      shares.forEach(share -> (share.repository.asksAs(from) ? refused : others).add(share));
      if (others.isEmpty()) {
        failure = refusal; // nobody may join any more
        return false;
      }
      Repository next = others.get(0).repository;
      next.session().hold();
      source = next;
      refused.forEach(share -> share.refusal = refusal);
      shares.removeAll(refused);
      moved.signalAll();
    } finally {
      lock.unlock();
    }
    refused.forEach(share -> share.watcher.ended());
    return true;
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
      Fetch.this.tell(watcher -> watcher.arrived(bytes));
    }

    @Override
    public void pauses(Duration pause) {
      Fetch.this.tell(watcher -> watcher.pauses(pause));
    }

    @Override
    public void verifies() {
      Fetch.this.tell(Watcher::verifies);
    }

    @Override
    public void completed() {
      Fetch.this.tell(Watcher::completed);
    }
  }
}

package io.gantry.registry.client.pull;

import io.gantry.image.manifest.Descriptor;
import io.gantry.registry.client.v2.Repository;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;

/** The blobs of one pull: so many at a time, in their order. */
final class Downloads implements AutoCloseable {

  /** What a pull hears of the blob with a number, on many threads. */
  interface Listener {
    void arrived(int number, long bytes);

    void pauses(int number, Duration pause);

    void verifies(int number);

    void completed(int number);
  }

  private final Fetches fetches;
  private final Repository repository;
  private final List<Descriptor> blobs;
  private final Listener listener;
  private final Executor threads;
  private final List<CompletableFuture<Fetch.Share>> begun = new ArrayList<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final List<Fetch.Share> shares = new ArrayList<>(); // guarded by lock
  private int next; // guarded by lock
  private boolean closed; // guarded by lock

  Downloads(
      Fetches fetches,
      Repository repository,
      List<Descriptor> blobs,
      Listener listener,
      Executor threads) {
    this.fetches = fetches;
    this.repository = repository;
    this.blobs = List.copyOf(blobs);
    this.listener = listener;
    this.threads = threads;
    blobs.forEach(blob -> begun.add(new CompletableFuture<>()));
  }

  void begin(int most) {
    for (int i = 0; i < most; i++) {
      beginNext();
    }
  }

  private void beginNext() {
    int number;
    lock.lock();
    try {
      if (closed || next == blobs.size()) {
        return;
      }
      number = next++;
    } finally {
      lock.unlock();
    }
    threads.execute(() -> join(number));
  }

  private void join(int number) {
    CompletableFuture<Fetch.Share> result = begun.get(number);
    try {
      Fetch.Share share = fetches.join(repository, blobs.get(number), new Part(number));
      if (isTaken(share)) {
        result.complete(share);
      } else {
        share.leave();
      }
    } catch (RuntimeException e) {
      result.completeExceptionally(e);
    }
  }

  /** Whether it is still wanted. */
  private boolean isTaken(Fetch.Share share) {
    lock.lock();
    try {
      if (!closed) {
        shares.add(share);
      }
      return !closed;
    } finally {
      lock.unlock();
    }
  }

  /** Hears of a blob for the pull. */
  private final class Part implements Fetch.Watcher {
    private final int number;

    Part(int number) {
      this.number = number;
    }

    @Override
    public void arrived(long bytes) {
      listener.arrived(number, bytes);
    }

    @Override
    public void pauses(Duration pause) {
      listener.pauses(number, pause);
    }

    @Override
    public void verifies() {
      listener.verifies(number);
    }

    @Override
    public void completed() {
      listener.completed(number);
    }

    @Override
    public void ended() {
      beginNext();
    }
  }

  /**
   * The share in the fetch of a blob, when its turn has come.
   *
   * @throws GantryException CANCELLED on an interrupt
   */
  Fetch.Share fetch(int number) {
    try {
      return begun.get(number).get();
    } catch (InterruptedException e) {
      throw new GantryException(Kind.CANCELLED, "cancelled", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof GantryException known) {
        throw known;
      }
      throw new GantryException(Kind.INTERNAL, "fetch a blob: " + e.getCause(), e);
    }
  }

  /** What has arrived has become an image and is not needed again. */
  void used() {
    lock.lock();
    try {
      shares.forEach(Fetch.Share::used);
    } finally {
      lock.unlock();
    }
  }

  /** Leaves all of them. */
  @Override
  public void close() {
    List<Fetch.Share> left;
    lock.lock();
    try {
      closed = true;
      left = List.copyOf(shares);
      shares.clear();
    } finally {
      lock.unlock();
    }
    left.forEach(Fetch.Share::leave);
    begun.forEach(
        one -> one.completeExceptionally(new GantryException(Kind.CANCELLED, "cancelled")));
  }
}

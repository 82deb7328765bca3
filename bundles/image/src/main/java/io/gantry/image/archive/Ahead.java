package io.gantry.image.archive;

import io.gantry.image.layer.Draft;
import io.gantry.image.layer.Layers;
import io.gantry.image.layer.Limits;
import io.gantry.image.layer.Wanted;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import io.gantry.store.StoreFailure;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;
import java.util.function.Supplier;

/**
 * Unpacks layers of one archive or one pull side by side on threads of its own, which end with it,
 * while the caller puts in place what is ready. What has been read is told on the caller's thread,
 * when it waits.
 */
public final class Ahead implements AutoCloseable {

  private static final int MOST_THREADS = 3;

  /**
   * Each thread keeps names and times of its layer's entries in memory, and what two million of
   * them take is there once: a layer of more than this is unpacked when it is its turn.
   */
  private static final int MOST_ENTRIES = 200_000;

  private final Layers layers;
  private final Limits limits; // of each
  private final ExecutorService threads;
  private final Map<Digest, Work> works = new HashMap<>();
  private final BlockingQueue<Runnable> news = new LinkedBlockingQueue<>();

  /** A layer on its way. */
  private static final class Work {
    final Future<Optional<Draft>> draft;
    boolean isOver; // and told so

    Work(Future<Optional<Draft>> draft) {
      this.draft = draft;
    }
  }

  public Ahead(Layers layers, Limits limits) {
    this(layers, limits, MOST_ENTRIES);
  }

  Ahead(Layers layers, Limits limits, int mostEntries) {
    this.layers = layers;
    this.limits =
        new Limits(
            limits.maxBytes(),
            limits.freeBytes(),
            limits.maxRatio(),
            Math.min(limits.maxEntries(), mostEntries));
    AtomicInteger count = new AtomicInteger();
    int most = Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());
    threads =
        Executors.newFixedThreadPool(
            most,
            task -> {
              Thread thread = new Thread(task, "image-unpack-" + count.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Has a layer unpacked; those asked for first come first.
   *
   * @param content opens it, plain or compressed
   * @param isLowest whether nothing is below it
   * @param passed gets the bytes read so far, on the thread that waits in {@link #take}
   */
  public void begin(
      Digest chain,
      Supplier<InputStream> content,
      boolean isLowest,
      Wanted wanted,
      LongConsumer passed) {
    CompletableFuture<Work> self = new CompletableFuture<>();
    Work work =
        new Work(
            threads.submit(
                () -> {
                  try {
                    return unpack(content, isLowest, wanted, passed);
                  } finally {
                    news.add(() -> self.join().isOver = true);
                  }
                }));
    self.complete(work);
    works.put(chain, work);
  }

  private Optional<Draft> unpack(
      Supplier<InputStream> content, boolean isLowest, Wanted wanted, LongConsumer passed)
      throws IOException {
    try (InputStream in =
        new CountedStream(content.get(), ImageLoader.STEP, n -> news.add(() -> passed.accept(n)))) {
      return layers.draft(in, isLowest, wanted, limits);
    } catch (GantryException e) {
      if (e.kind() == Kind.INVALID) {
        return Optional.empty(); // too large for here, or else its own turn says what is wrong
      }
      throw e;
    }
  }

  /**
   * Waits for a layer; the caller closes it.
   *
   * @return empty when it was not asked for, needs those below to be there, or is too large or
   *     broken
   */
  public Optional<Draft> take(Digest chain) {
    Work work = works.get(chain);
    if (work == null) {
      return Optional.empty();
    }
    try {
      while (!work.isOver) {
        news.take().run();
      }
      Optional<Draft> draft = work.draft.get();
      works.remove(chain); // until then it is ours to give up, whatever fails
      return draft;
    } catch (InterruptedException e) {
      throw new GantryException(Kind.CANCELLED, "cancelled", e);
    } catch (ExecutionException e) {
      throw failure(Objects.requireNonNullElse(e.getCause(), e));
    }
  }

  private static RuntimeException failure(Throwable cause) {
    if (cause instanceof RuntimeException e) {
      return e;
    }
    if (cause instanceof IOException e) {
      return StoreFailure.of("read a layer of an archive", e);
    }
    return new IllegalStateException(cause);
  }

  /** Ends what is under way and gives up what was not taken. */
  @Override
  public void close() {
    threads.shutdownNow();
    boolean interrupted = Thread.interrupted();
    while (true) {
      try {
        if (threads.awaitTermination(1, TimeUnit.HOURS)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true; // what is given up must not be written to any more
      }
    }
    works.values().stream().filter(work -> work.draft.isDone()).forEach(Ahead::giveUp);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static void giveUp(Work work) {
    try {
      work.draft.get().ifPresent(Draft::close);
    } catch (InterruptedException | ExecutionException e) {
      // It is done, and has left nothing.
    }
  }
}

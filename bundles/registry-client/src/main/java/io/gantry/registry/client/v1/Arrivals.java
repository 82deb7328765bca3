package io.gantry.registry.client.v1;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * Fetches things side by side on threads of its own, and hands them out in their order. Closing it
 * ends what is under way, waits for that, and closes what was not handed out.
 */
final class Arrivals<T, R extends AutoCloseable> implements AutoCloseable {

  private final ExecutorService threads;
  private final Deque<Future<R>> pending = new ArrayDeque<>();

  /**
   * @param most at a time
   */
  Arrivals(List<T> things, Function<T, R> fetch, int most) {
    AtomicInteger count = new AtomicInteger();
    threads =
        Executors.newFixedThreadPool(
            most,
            task -> {
              Thread thread = new Thread(task, "registry-v1-" + count.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    for (T thing : things) {
      pending.add(threads.submit(() -> fetch.apply(thing)));
    }
  }

  /**
   * The next one, when it is here.
   *
   * @throws GantryException as its fetch; CANCELLED on an interrupt
   */
  R next() {
    try {
      R next = pending.element().get();
      pending.remove();
      return next;
    } catch (InterruptedException e) {
      throw new GantryException(Kind.CANCELLED, "cancelled", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof GantryException known) {
        throw known;
      }
      throw new GantryException(Kind.INTERNAL, "fetch a layer: " + e.getCause(), e);
    }
  }

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
        interrupted = true; // they write to what is ours until they end
      }
    }
    pending.stream().filter(Future::isDone).forEach(Arrivals::giveUp);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static <R extends AutoCloseable> void giveUp(Future<R> done) {
    try {
      done.get().close();
    } catch (Exception e) {
      // It has failed by itself, or there is nothing to be done about it.
    }
  }
}

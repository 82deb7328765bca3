package io.gantry.engine.container;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.engine.log.LogCompressor;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Looks every few seconds for rotated files of logs that are to be compressed. */
final class Compressing {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");
  private static final Duration PERIOD = Duration.ofSeconds(5);

  private final Workshop shop;
  private final Set<Container> compressed = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean looking = new AtomicBoolean();

  Compressing(Workshop shop) {
    this.shop = shop;
  }

  /** One that runs, from now on. */
  void watch(Container container, boolean compress) {
    if (!compress) {
      compressed.remove(container);
      return;
    }
    compressed.add(container);
    if (looking.compareAndSet(false, true)) {
      lookLater();
    }
  }

  void leave(Container container) {
    compressed.remove(container);
  }

  private void lookLater() {
    try {
      shop.timer()
          .schedule(
              () -> shop.workers().execute(this::look), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      looking.set(false); // the engine stops
    }
  }

  private void look() {
    for (var container : compressed) {
      try {
        compress(container);
      } catch (RuntimeException e) { // the others' turn comes all the same
        log.log(WARNING, "cannot compress the log of " + container.id, e);
      }
    }
    if (!compressed.isEmpty()) {
      lookLater();
      return;
    }
    looking.set(false);
    if (!compressed.isEmpty() && looking.compareAndSet(false, true)) {
      lookLater();
    }
  }

  private void compress(Container container) {
    boolean mayRotate = container.running() != null;
    try {
      if (!container.isRemoved()) {
        LogCompressor.compress(
            shop.place().log(container.id), (file, inode) -> exchange(container, file, inode));
      }
      if (!mayRotate) {
        compressed.remove(container); // until it is started again
      }
    } catch (GantryException e) {
      if (e.kind()
          == Kind.UNSUPPORTED) { // a monitor of an older version keeps its files as they are
        compressed.remove(container);
      }
      log.log(DEBUG, "the log of {0} is not compressed now: {1}", container.id, e.getMessage());
    } catch (ClosedByInterruptException e) { // the engine stops
      compressed.remove(container);
    } catch (IOException e) {
      log.log(WARNING, "the log of " + container.id + " is not compressed", e);
    }
  }

  /** By whoever may rename the log's files: the monitor, or without one we. */
  private void exchange(Container container, Path file, long inode) {
    var running = container.running();
    if (running != null) {
      running.monitor(Duration.ZERO).compressed(file, inode);
      return;
    }
    if (!container.lock.tryLock()) {
      throw new GantryException(Kind.UNAVAILABLE, "it is being started or removed");
    }
    try {
      if (container.running() != null || container.isRemoved()) {
        throw new GantryException(Kind.UNAVAILABLE, "it was started or removed");
      }
      LogCompressor.unwritten(shop.place().log(container.id)).put(file, inode);
    } finally {
      container.lock.unlock();
    }
  }
}

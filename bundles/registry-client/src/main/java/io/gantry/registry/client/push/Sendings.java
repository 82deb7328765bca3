package io.gantry.registry.client.push;

import io.gantry.registry.client.known.KnownBlob;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Layers on their way now. Of pushes that want the same layer in the same repository one sends it
 * and the others hear of that; they send it themselves when it fails, since they may have other
 * rights.
 */
final class Sendings {

  private final Map<String, Sending> byKey = new ConcurrentHashMap<>();

  /** A layer that somebody sends, for all who watch. */
  private static final class Sending implements Watcher {
    private final CopyOnWriteArrayList<Watcher> watchers = new CopyOnWriteArrayList<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile @Nullable KnownBlob result;
    private volatile String last = "";

    @Override
    public void says(String status) {
      last = status;
      watchers.forEach(watcher -> watcher.says(status));
    }

    @Override
    public void at(long done, long total) {
      watchers.forEach(watcher -> watcher.at(done, total));
    }
  }

  /**
   * Does the work, or waits for somebody else who does it.
   *
   * @param key of layer and repository
   * @throws GantryException as the work; CANCELLED on an interrupt
   */
  KnownBlob share(String key, Watcher watcher, Function<Watcher, KnownBlob> work) {
    while (true) {
      var own = new Sending();
      own.watchers.add(watcher);
      Sending other = byKey.putIfAbsent(key, own);
      if (other == null) {
        return work(key, own, work);
      }
      KnownBlob result = await(other, watcher);
      if (result != null) {
        return result;
      }
    }
  }

  private KnownBlob work(String key, Sending own, Function<Watcher, KnownBlob> work) {
    try {
      KnownBlob result = work.apply(own);
      own.result = result;
      return result;
    } finally {
      byKey.remove(key, own);
      own.ended.countDown();
    }
  }

  /**
   * @return null when it has failed
   */
  private static @Nullable KnownBlob await(Sending other, Watcher watcher) {
    other.watchers.add(watcher);
    try {
      if (!other.last.isEmpty()) {
        watcher.says(other.last);
      }
      other.ended.await();
      return other.result;
    } catch (InterruptedException e) {
      throw new GantryException(Kind.CANCELLED, "cancelled", e);
    } finally {
      other.watchers.remove(watcher);
    }
  }
}

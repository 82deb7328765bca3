package io.gantry.registry.client.pull;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/**
 * What pulls are making now, by its name: another pull waits for it instead of making it once more.
 * Whoever claims layers makes them from the lowest up, so nobody waits in a circle.
 */
public final class Makings<K> {

  private final Map<K, CountDownLatch> claims = new ConcurrentHashMap<>();

  /** The right to make something, until it is closed. */
  public interface Claim extends AutoCloseable {
    /** May be repeated. */
    @Override
    void close();
  }

  /** Empty when another pull makes it. */
  public Optional<Claim> claim(K name) {
    CountDownLatch own = new CountDownLatch(1);
    if (claims.putIfAbsent(name, own) != null) {
      return Optional.empty();
    }
    return Optional.of(
        () -> {
          claims.remove(name, own);
          own.countDown();
        });
  }

  /** Waits until nobody makes it, whatever has become of it. */
  public void await(K name) {
    CountDownLatch other = claims.get(name);
    if (other == null) {
      return;
    }
    try {
      other.await();
    } catch (InterruptedException e) {
      throw new GantryException(Kind.CANCELLED, "cancelled", e);
    }
  }
}

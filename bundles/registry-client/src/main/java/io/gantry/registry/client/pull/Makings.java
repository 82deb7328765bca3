package io.gantry.registry.client.pull;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/**
 * Which layers pulls are making now, by chain id: another pull waits for the layer instead of
 * unpacking it once more. Whoever claims layers makes them from the lowest up, so nobody waits in a
 * circle.
 */
final class Makings {

  private final Map<Digest, CountDownLatch> claims = new ConcurrentHashMap<>();

  /** The right to make a layer, until it is closed. */
  interface Claim extends AutoCloseable {
    /** May be repeated. */
    @Override
    void close();
  }

  /** Empty when another pull makes it. */
  Optional<Claim> claim(Digest chain) {
    CountDownLatch own = new CountDownLatch(1);
    if (claims.putIfAbsent(chain, own) != null) {
      return Optional.empty();
    }
    return Optional.of(
        () -> {
          claims.remove(chain, own);
          own.countDown();
        });
  }

  /** Waits until nobody makes it, whatever has become of it. */
  void await(Digest chain) {
    CountDownLatch other = claims.get(chain);
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

package io.gantry.engine.driver;

import io.gantry.spi.Driver;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One service of a driver: what one revision of a bundle registered. Its state belongs to the
 * {@link Slot} it is offered to and is guarded by the slot's lock.
 */
final class Provider<D extends Driver> {

  enum Phase {
    /** Another one has the name; nobody has touched this one yet. */
    STANDBY,
    /** Waits for the kind's swap thread. */
    QUEUED,
    TAKING_OVER,
    SERVING,
    /** Did not take over; see {@link #refusal}. */
    REFUSED,
    /** Its service is going; calls that run may end, new ones wait for the next provider. */
    LEAVING,
    GONE
  }

  /** A running call. */
  static final class Lease<D extends Driver> {
    final Provider<D> provider;
    final D driver;
    final long started = System.nanoTime();

    Lease(Provider<D> provider, D driver) {
      this.provider = provider;
      this.driver = driver;
    }
  }

  /**
   * Why a provider does not serve.
   *
   * @param hung it ran out of time
   * @param passing it could not find out, or not do, what it may the next time
   */
  record Refusal(String reason, boolean hung, boolean passing) {}

  final String bundle;
  final String version;
  private final Supplier<? extends D> open;
  private final Runnable close;
  private volatile @Nullable D opened;

  Phase phase = Phase.STANDBY;
  @Nullable D driver;
  @Nullable Refusal refusal;
  final Set<Lease<D>> leases = new LinkedHashSet<>(); // oldest first

  /**
   * @param bundle symbolic name
   * @param open gets the service object, which activates it; called once, by the take-over
   * @param close gives it back; called when it is gone
   */
  Provider(String bundle, String version, Supplier<? extends D> open, Runnable close) {
    this.bundle = bundle;
    this.version = version;
    this.open = open;
    this.close = close;
  }

  boolean isOf(String symbolicName, String revision) {
    return bundle.equals(symbolicName) && version.equals(revision);
  }

  D open() {
    D known = opened;
    if (known == null) {
      known = open.get();
      opened = known;
    }
    return known;
  }

  void close() {
    close.run();
  }

  @Override
  public String toString() {
    return bundle + " " + version;
  }
}

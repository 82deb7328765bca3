package io.gantry.engine.driver;

import static io.gantry.engine.driver.Provider.Phase.GONE;
import static io.gantry.engine.driver.Provider.Phase.LEAVING;
import static io.gantry.engine.driver.Provider.Phase.QUEUED;
import static io.gantry.engine.driver.Provider.Phase.REFUSED;
import static io.gantry.engine.driver.Provider.Phase.SERVING;
import static io.gantry.engine.driver.Provider.Phase.TAKING_OVER;
import static io.gantry.spi.GantryException.Kind.CANCELLED;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.api.Drivers.State;
import io.gantry.engine.driver.LeasedDrivers.Offer;
import io.gantry.engine.driver.Provider.Lease;
import io.gantry.engine.driver.Provider.Refusal;
import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One driver name, whoever provides it at the moment.
 *
 * <p>Protocol: at most one provider is <em>current</em>; later ones stand by, untouched, until it
 * is gone. {@link #offer} makes a provider current when there is none, and QUEUED; the kind's swap
 * thread moves it to TAKING_OVER ({@link #begin}) and on to SERVING or REFUSED ({@link #settle}),
 * and from REFUSED to SERVING when it was refused for what may pass and does. {@link #release},
 * called on whatever thread stops the bundle, moves it to LEAVING from any phase, waits for its
 * leases and makes the next one current. Only a SERVING provider gives leases; a thread that holds
 * one, or that takes the provider over, enters again whatever the phase. All slots of a kind share
 * one lock and one condition; drivers are only called without the lock.
 */
final class Slot<D extends Driver> {

  /** What a slot is like at one moment. */
  record Snapshot(
      State state, String reason, String bundle, String version, int inFlight, int waiting) {}

  private final String title;
  private final ReentrantLock lock;
  private final Condition changed;
  private final Supplier<Limits> limits;
  private final CallMetrics metrics = new CallMetrics();

  /** The driver that this thread has a lease on; one per slot, and a slot lives with the engine. */
  @SuppressWarnings("ThreadLocalUsage")
  private final ThreadLocal<@Nullable D> held = new ThreadLocal<>();

  private final Deque<Provider<D>> standby = new ArrayDeque<>(); // guarded by lock
  private @Nullable Provider<D> current; // guarded by lock
  private boolean operated; // guarded by lock; an operation puts the next provider in its place
  private int waiting; // guarded by lock
  private long awaySince = System.nanoTime(); // guarded by lock

  /**
   * @param title how messages call it: {@code storage driver vfs}
   */
  Slot(String title, ReentrantLock lock, Condition changed, Supplier<Limits> limits) {
    this.title = title;
    this.lock = lock;
    this.changed = changed;
    this.limits = limits;
  }

  String title() {
    return title;
  }

  CallMetrics metrics() {
    return metrics;
  }

  /** Runs a call under a lease, waiting for a provider as long as one may still come. */
  <R> R call(Function<? super D, ? extends R> body) {
    D mine = held.get();
    if (mine != null) {
      return body.apply(mine);
    }
    Lease<D> lease = enter();
    held.set(lease.driver);
    boolean failed = true;
    try {
      R result = body.apply(lease.driver);
      failed = false;
      return result;
    } finally {
      held.remove();
      leave(lease, failed);
    }
  }

  /** Runs the take-over of a driver; the thread may use the slot like one that holds a lease. */
  <R> R whileTakingOver(D driver, Supplier<R> takeOver) {
    held.set(driver);
    try {
      return takeOver.get();
    } finally {
      held.remove();
    }
  }

  private Lease<D> enter() {
    lock.lock();
    try {
      if (serving() == null) {
        awaitProvider();
      }
      Provider<D> provider = current;
      if (provider == null || provider.driver == null) {
        throw new IllegalStateException(title + " serves without a driver");
      }
      Lease<D> lease = new Lease<>(provider, provider.driver);
      provider.leases.add(lease);
      return lease;
    } finally {
      lock.unlock();
    }
  }

  private void awaitProvider() {
    long asked = System.nanoTime();
    waiting++;
    try {
      while (serving() == null) {
        Refusal refusal = refusal();
        if (refusal != null) {
          throw new GantryException(UNAVAILABLE, title + " is not available: " + refusal.reason());
        }
        long left = patience(asked);
        if (left <= 0) {
          throw new GantryException(UNAVAILABLE, title + " is away: " + absence());
        }
        changed.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "interrupted while waiting for " + title, e);
    } finally {
      waiting--;
    }
  }

  private @Nullable Provider<D> serving() {
    return current != null && current.phase == SERVING ? current : null;
  }

  /** Why waiting is in vain, or null. */
  private @Nullable Refusal refusal() {
    return !operated && current != null && current.phase == REFUSED ? current.refusal : null;
  }

  /**
   * Nanoseconds that are left to a call. While a provider drains or takes over, which have time
   * limits of their own, it is the whole swap; a bundle that hangs in its start or stop has none.
   */
  private long patience(long asked) {
    long now = System.nanoTime();
    long swap = limits.get().swap().toNanos() - (now - asked);
    if (current != null) {
      return swap;
    }
    long missed = awaySince - asked > 0 ? awaySince : asked;
    return Math.min(swap, limits.get().away().toNanos() - (now - missed));
  }

  private String absence() {
    return operated
        ? "its bundle is being replaced, and one hangs in its stop or start; try again later"
        : "no bundle provides it; install or start its bundle and try again";
  }

  private boolean swapping() {
    return operated
        || (current != null
            && (current.phase == QUEUED
                || current.phase == TAKING_OVER
                || current.phase == LEAVING));
  }

  private void leave(Lease<D> lease, boolean failed) {
    metrics.record(System.nanoTime() - lease.started, failed);
    lock.lock();
    try {
      lease.provider.leases.remove(lease);
      if (lease.provider.phase == LEAVING) {
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes in a new service.
   *
   * @return whether it is to be put before the swap thread; otherwise it stands by
   */
  boolean offer(Provider<D> provider) {
    lock.lock();
    try {
      if (current != null) {
        standby.add(provider);
        return false;
      }
      current = provider;
      provider.phase = QUEUED;
      changed.signalAll();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Starts a take-over, unless the provider has gone meanwhile or somebody started it already. */
  boolean begin(Provider<D> provider) {
    lock.lock();
    try {
      if (provider.phase != QUEUED) {
        return false;
      }
      provider.phase = TAKING_OVER;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Whether it is still one to be tried again. */
  boolean isToBeTriedAgain(Provider<D> provider) {
    lock.lock();
    try {
      Refusal refusal = provider.refusal;
      return provider.phase == REFUSED && refusal != null && refusal.passing();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Ends a take-over: with a driver it serves from now on, with a refusal it does not.
   *
   * @return the refusal of an attempt before this one
   */
  @Nullable Refusal settle(Provider<D> provider, @Nullable D driver, @Nullable Refusal refusal) {
    lock.lock();
    try {
      Refusal before = provider.refusal;
      if (provider.phase != TAKING_OVER && provider.phase != REFUSED) {
        return before;
      }
      provider.driver = driver;
      provider.refusal = refusal;
      provider.phase = refusal == null ? SERVING : REFUSED;
      changed.signalAll();
      return before;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Lets a provider go: returns when its calls have ended or the drain time is over.
   *
   * @return the provider to put before the swap thread next, or null
   */
  @Nullable Provider<D> release(Provider<D> leaving) {
    lock.lock();
    try {
      if (leaving != current) {
        standby.remove(leaving);
        leaving.phase = GONE;
        return null;
      }
      leaving.phase = LEAVING;
      changed.signalAll();
      drain(leaving);
      leaving.phase = GONE;
      awaySince = System.nanoTime();
      current = standby.poll();
      if (current != null) {
        current.phase = QUEUED;
      }
      changed.signalAll();
      return current;
    } finally {
      lock.unlock();
    }
  }

  private void drain(Provider<D> leaving) {
    long left = limits.get().drain().toNanos();
    try {
      while (!leaving.leases.isEmpty() && left > 0) {
        left = changed.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // whoever stops the bundle is in a hurry
    }
  }

  /** What a bundle's revision has to offer for this name. */
  Optional<Offer> offer(String bundle, String version, DriverName driver) {
    lock.lock();
    try {
      Provider<D> now = current;
      if (now != null && now.isOf(bundle, version) && now.phase != LEAVING) {
        boolean isDecided = now.phase == SERVING || now.phase == REFUSED;
        String failure = now.refusal == null ? "" : now.refusal.reason();
        return Optional.of(new Offer(driver, isDecided, failure));
      }
      return standby.stream().anyMatch(other -> other.isOf(bundle, version))
          ? Optional.of(new Offer(driver, true, ""))
          : Optional.empty();
    } finally {
      lock.unlock();
    }
  }

  /** The one that serves, or is about to, if a bundle's revision has brought it; or null. */
  @Nullable Provider<D> provider(String bundle, String version) {
    lock.lock();
    try {
      return current != null && current.isOf(bundle, version) ? current : null;
    } finally {
      lock.unlock();
    }
  }

  /** How many calls a provider runs. */
  int running(Provider<D> provider) {
    lock.lock();
    try {
      return provider.leases.size();
    } finally {
      lock.unlock();
    }
  }

  /** The provider that waits for the swap thread, or null. */
  @Nullable Provider<D> queued() {
    lock.lock();
    try {
      return current != null && current.phase == QUEUED ? current : null;
    } finally {
      lock.unlock();
    }
  }

  /** Between true and false calls wait whatever happens: an operation will see to a provider. */
  void operated(boolean underWay) {
    lock.lock();
    try {
      operated = underWay;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Whether a provider serves, or may be expected to within the time a call waits. */
  boolean promising() {
    lock.lock();
    try {
      if (current == null && !operated) {
        return System.nanoTime() - awaySince < limits.get().away().toNanos();
      }
      return refusal() == null;
    } finally {
      lock.unlock();
    }
  }

  /** The driver that serves, for questions about itself that it answers from memory. */
  @Nullable D driver() {
    lock.lock();
    try {
      Provider<D> serving = serving();
      return serving == null ? null : serving.driver;
    } finally {
      lock.unlock();
    }
  }

  Snapshot snapshot() {
    lock.lock();
    try {
      Provider<D> now = current;
      long late = now == null ? 0 : lateCalls(now);
      return new Snapshot(
          state(now, late),
          reason(now, late),
          now == null ? "" : now.bundle,
          now == null ? "" : now.version,
          now == null ? 0 : now.leases.size(),
          waiting);
    } finally {
      lock.unlock();
    }
  }

  private State state(@Nullable Provider<D> now, long late) {
    if (swapping()) {
      return State.SWAPPING;
    }
    if (now == null) {
      return State.AWAY;
    }
    if (now.refusal != null) {
      return now.refusal.hung() ? State.DEGRADED : State.UNAVAILABLE;
    }
    return late > 0 ? State.DEGRADED : State.ACTIVE;
  }

  private String reason(@Nullable Provider<D> now, long late) {
    if (now == null) {
      return operated ? "" : "no bundle provides it";
    }
    if (now.refusal != null) {
      return now.refusal.reason();
    }
    return late == 0
        ? ""
        : late + " of its calls run for more than " + limits.get().call().toSeconds() + " s";
  }

  private long lateCalls(Provider<D> provider) {
    long longest = limits.get().call().toNanos();
    long now = System.nanoTime();
    return provider.leases.stream().filter(lease -> now - lease.started > longest).count();
  }
}

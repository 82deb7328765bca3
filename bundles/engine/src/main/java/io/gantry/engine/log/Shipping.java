package io.gantry.engine.log;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.Leased;
import io.gantry.spi.GantryException;
import io.gantry.spi.log.LogDriver;
import io.gantry.spi.log.LogTarget;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

/**
 * All logs that are shipped. Each is looked at a few times a second; who has something new gets one
 * of a few threads until he has nothing, and who is refused is tried again later and later.
 */
public final class Shipping {
  private static final System.Logger log = System.getLogger(Shipping.class.getName());
  private static final Duration PERIOD = Duration.ofMillis(100);

  /** Of a log to which nothing is added: each look costs a task. */
  private static final Duration LONGEST_PAUSE = Duration.ofMillis(800);

  private static final Duration FIRST_DELAY = Duration.ofMillis(200);
  private static final Duration LONGEST_DELAY = Duration.ofSeconds(15);

  /** So many drivers' calls at a time, however many of them hang. */
  private static final int MOST_CALLS = 8;

  /** After so many batches in a row, while all calls are taken, others have their turn. */
  private static final int STEPS_OF_A_TURN = 16;

  /** And after so long, where each takes its time. */
  private static final Duration LONGEST_TURN = Duration.ofSeconds(1);

  private final Leased<LogDriver> drivers;
  private final ScheduledExecutorService timer;
  private final Executor workers;
  private final LogDamages damages;
  private final Map<String, Parcel> parcels = new ConcurrentHashMap<>();
  private final AtomicBoolean looking = new AtomicBoolean();
  private final Semaphore calls = new Semaphore(MOST_CALLS);

  /** A shipment, who works on it, and when it is its turn. */
  private static final class Parcel {
    final Shipment shipment;
    final ReentrantLock lock = new ReentrantLock(); // held by who works on it
    volatile BooleanSupplier writing;
    volatile boolean busy;
    volatile boolean gone;
    volatile boolean shipped; // whole, when it went
    volatile long notBefore = System.nanoTime();
    volatile Duration delay = Duration.ZERO; // after a refusal
    volatile Duration pause = Duration.ZERO; // while nothing comes

    Parcel(Shipment shipment, BooleanSupplier writing) {
      this.shipment = shipment;
      this.writing = writing;
    }
  }

  /**
   * @param timer must not be blocked
   * @param workers may block
   */
  public Shipping(
      Leased<LogDriver> drivers,
      ScheduledExecutorService timer,
      Executor workers,
      LogDamages damages) {
    this.drivers = drivers;
    this.timer = timer;
    this.workers = workers;
    this.damages = damages;
  }

  /**
   * From now on what is in a log goes to a driver, from where it was left off.
   *
   * @param writing whether more may come; after that the rest is shipped and the log let go
   */
  public void begin(
      LogTarget target,
      String driver,
      Map<String, String> options,
      Path file,
      BooleanSupplier writing) {
    parcels.compute(
        target.container(),
        (id, known) -> {
          if (known != null && !known.gone) {
            known.writing = writing; // a further run
            return known;
          }
          return new Parcel(new Shipment(target, driver, options, drivers, file, damages), writing);
        });
    if (looking.compareAndSet(false, true)) {
      lookLater();
    }
  }

  boolean isShipping(String container) {
    return parcels.containsKey(container);
  }

  /**
   * Has a driver look at what a container asks of it, files that options name included.
   *
   * @throws GantryException INVALID, naming the option
   */
  public void check(LogTarget target, String driver, Map<String, String> options) {
    if (isShipping(target.container())) {
      return; // it has taken them before
    }
    drivers.call(
        driver,
        shipper -> {
          shipper.open(target, options);
          shipper.close(target.container());
          return true;
        });
  }

  /** Containers whose logs go to a driver. */
  public Set<String> of(String driver) {
    return parcels.values().stream()
        .filter(parcel -> parcel.shipment.driver().equals(driver))
        .map(parcel -> parcel.shipment.container())
        .collect(Collectors.toSet());
  }

  /** Another instance of a driver serves: it knows of no container yet. */
  public void reopen(String driver) {
    for (var parcel : parcels.values()) {
      if (parcel.shipment.driver().equals(driver)) {
        parcel.shipment.reopen();
        parcel.notBefore = System.nanoTime();
      }
    }
  }

  /**
   * Ships the rest of a log that goes, as far as the patience lasts and its driver takes it. A
   * driver that hangs is left behind: whoever is in it lets go of the log.
   *
   * @return whether nothing is left behind
   */
  public boolean finish(String container, Duration patience) {
    var parcel = parcels.get(container);
    if (parcel == null) {
      return true;
    }
    long end = System.nanoTime() + patience.toNanos();
    try {
      return CompletableFuture.supplyAsync(() -> shipRest(parcel, end), workers)
          .get(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException | RejectedExecutionException e) {
      return false;
    } catch (ExecutionException e) { // a stranger's code must not keep a container from going
      log.log(WARNING, "the log of " + container + " is not shipped", e.getCause());
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      parcel.gone = true;
      parcels.remove(container, parcel);
    }
  }

  private static boolean shipRest(Parcel parcel, long end) {
    try {
      if (!parcel.lock.tryLock(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
        return false; // whoever hangs in it sees that it is gone
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
    try {
      while (!parcel.shipped && System.nanoTime() < end && !parcel.gone) {
        parcel.shipped = !parcel.shipment.step();
      }
      return parcel.shipped;
    } catch (GantryException e) { // said by the shipment, once
      return false;
    } finally {
      parcel.shipment.close();
      parcel.lock.unlock();
    }
  }

  private void lookLater() {
    try {
      timer.schedule(this::look, PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      looking.set(false); // the engine stops: the next one goes on
    }
  }

  /** Who waits longest comes first: whoever always has more must not keep the others out. */
  private record Due(Parcel parcel, long since) {}

  private void look() {
    long now = System.nanoTime();
    var due =
        parcels.values().stream()
            .filter(parcel -> !parcel.busy && now - parcel.notBefore >= 0)
            .map(parcel -> new Due(parcel, now - parcel.notBefore))
            .sorted(Comparator.comparingLong(Due::since).reversed())
            .toList();
    for (var each : due) {
      if (calls.tryAcquire()) {
        var parcel = each.parcel();
        parcel.busy = true;
        try {
          workers.execute(() -> work(parcel));
        } catch (RejectedExecutionException e) {
          return;
        }
      }
    }
    if (!parcels.isEmpty()) {
      lookLater();
      return;
    }
    looking.set(false);
    if (!parcels.isEmpty() && looking.compareAndSet(false, true)) {
      lookLater();
    }
  }

  private void work(Parcel parcel) {
    try {
      if (parcel.lock.tryLock()) {
        try {
          shipAll(parcel);
        } finally {
          parcel.lock.unlock();
        }
      }
    } finally {
      calls.release();
      parcel.busy = false;
    }
  }

  private void shipAll(Parcel parcel) {
    try {
      boolean more = true;
      int steps = 0;
      long begin = System.nanoTime();
      for (; more && !parcel.gone && !isSomebodyElsesTurn(steps, begin); steps++) {
        boolean writing = parcel.writing.getAsBoolean(); // before the look: what came is seen
        more = parcel.shipment.step();
        if (!more && !writing) {
          parcel.shipment.close();
          letGo(parcel);
        }
      }
      parcel.delay = Duration.ZERO;
      parcel.pause = steps > 1 ? Duration.ZERO : longer(parcel.pause, PERIOD, LONGEST_PAUSE);
      parcel.notBefore = System.nanoTime() + parcel.pause.toNanos();
    } catch (GantryException e) { // said by the shipment, once
      later(parcel);
    } catch (RuntimeException e) { // a stranger's code
      log.log(WARNING, "the log of " + parcel.shipment.container() + " is not shipped", e);
      later(parcel);
    }
    if (parcel.gone) {
      parcel.shipment.close();
    }
  }

  private boolean isSomebodyElsesTurn(int steps, long begin) {
    boolean enough =
        steps >= STEPS_OF_A_TURN || System.nanoTime() - begin >= LONGEST_TURN.toNanos();
    return enough && calls.availablePermits() == 0;
  }

  /** Unless it has begun a further run meanwhile. */
  private void letGo(Parcel parcel) {
    parcels.computeIfPresent(
        parcel.shipment.container(),
        (id, known) -> {
          if (known != parcel || parcel.writing.getAsBoolean()) {
            return known;
          }
          parcel.gone = true;
          return null;
        });
  }

  private static void later(Parcel parcel) {
    parcel.delay = longer(parcel.delay, FIRST_DELAY, LONGEST_DELAY);
    parcel.notBefore = System.nanoTime() + parcel.delay.toNanos();
  }

  private static Duration longer(Duration than, Duration first, Duration longest) {
    Duration next = than.isZero() ? first : than.multipliedBy(2);
    return next.compareTo(longest) > 0 ? longest : next;
  }
}

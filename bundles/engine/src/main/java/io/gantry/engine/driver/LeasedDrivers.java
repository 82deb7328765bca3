package io.gantry.engine.driver;

import static io.gantry.spi.GantryException.Kind.CANCELLED;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;
import static java.util.stream.Collectors.joining;

import io.gantry.api.Drivers.DriverView;
import io.gantry.api.Drivers.State;
import io.gantry.api.Leased;
import io.gantry.engine.driver.Provider.Refusal;
import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * All drivers of one kind, by name: hands out leases and takes new providers over, one after the
 * other, on the kind's swap thread. The work of a take-over runs on a thread of its own, so that it
 * can be left behind when its time is up.
 */
final class LeasedDrivers<D extends Driver> implements Leased<D> {

  private static final Logger log = System.getLogger(LeasedDrivers.class.getName());

  /** How the refusal of a driver begins whose probe says no. */
  static final String UNFIT = "this host cannot run it: ";

  /** So many status and features calls at a time. */
  static final int MOST_QUESTIONS = 16;

  /** Which driver new objects get: the first of these that works here. */
  interface Preference {
    List<String> order();
  }

  private final Kind<D> kind;
  private final Supplier<Limits> limits;
  private final Preference preference;
  private final Executor swapThread;
  private final ExecutorService takeOverThreads;
  private final Consumer<String> changed;

  private final Semaphore questions = new Semaphore(MOST_QUESTIONS);
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition moved = lock.newCondition();
  private final Map<String, Slot<D>> slots = new ConcurrentSkipListMap<>();

  /** Versions that hang in their stop, by the symbolic name of their bundle. */
  private final Map<String, String> leftBehind = new ConcurrentHashMap<>();

  private boolean complete; // guarded by lock; every driver there is at the start has been offered
  private volatile @Nullable TakeOver<D> owner;

  /**
   * @param swapThread runs one task after the other
   * @param takeOverThreads as many as there are take-overs that hang
   * @param changed gets the name of a driver whose provider began or ceased to serve
   */
  LeasedDrivers(
      Kind<D> kind,
      Supplier<Limits> limits,
      Preference preference,
      Executor swapThread,
      ExecutorService takeOverThreads,
      Consumer<String> changed) {
    this.kind = kind;
    this.limits = limits;
    this.preference = preference;
    this.swapThread = swapThread;
    this.takeOverThreads = takeOverThreads;
    this.changed = changed;
    this.owner = kind.unowned();
  }

  Kind<D> kind() {
    return kind;
  }

  @Override
  public <R> R call(String name, Function<? super D, ? extends R> body) {
    Slot<D> slot = slots.get(name);
    return (slot == null ? awaitName(name) : slot).call(body);
  }

  private Slot<D> awaitName(String name) {
    await(() -> complete || slots.containsKey(name), limits.get().away());
    return slot(name);
  }

  /** The slot of a known name; NOT_FOUND for others. */
  Slot<D> slot(String name) {
    Slot<D> slot = slots.get(name);
    if (slot == null) {
      throw new GantryException(NOT_FOUND, "no such " + kind.words() + ": " + name);
    }
    return slot;
  }

  @Override
  public List<String> names() {
    return slots.keySet().stream().filter(name -> slot(name).driver() != null).toList();
  }

  @Override
  public List<String> expected() {
    await(() -> complete, limits.get().away());
    return slots.keySet().stream().filter(name -> slot(name).promising()).toList();
  }

  /** Every name that is known, sorted. */
  List<String> known() {
    return List.copyOf(slots.keySet());
  }

  @Override
  public String defaultName() {
    await(() -> complete || firstServes(), limits.get().away());
    String first = firstPromising();
    if (first != null) {
      return first;
    }
    throw new GantryException(UNAVAILABLE, "no " + kind.words() + " works here" + reasons());
  }

  private boolean firstServes() {
    return order().stream()
        .findFirst()
        .map(slots::get)
        .filter(slot -> slot.driver() != null)
        .isPresent();
  }

  private @Nullable String firstPromising() {
    for (String name : order()) {
      Slot<D> slot = slots.get(name);
      if (slot != null && slot.promising()) {
        return name;
      }
    }
    return null;
  }

  /** The preferred ones, and then all others. */
  private List<String> order() {
    return Stream.concat(preference.order().stream(), slots.keySet().stream()).distinct().toList();
  }

  private String reasons() {
    return slots.isEmpty()
        ? ": there is none"
        : slots.entrySet().stream()
            .map(slot -> slot.getKey() + ": " + slot.getValue().snapshot().reason())
            .collect(joining("; ", ": ", ""));
  }

  private void await(Supplier<Boolean> isSo, Duration limit) {
    long left = limit.toNanos();
    lock.lock();
    try {
      while (!isSo.get() && left > 0) {
        left = moved.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "interrupted while waiting for a " + kind.words(), e);
    } finally {
      lock.unlock();
    }
  }

  /** Makes a name known: calls to it wait for a provider instead of failing at once. */
  Slot<D> know(String name) {
    lock.lock();
    try {
      return slots.computeIfAbsent(
          name, n -> new Slot<>(kind.words() + " " + n, lock, moved, limits));
    } finally {
      moved.signalAll();
      lock.unlock();
    }
  }

  /** From now on a name that is not known is a wrong one. */
  void complete() {
    lock.lock();
    try {
      complete = true;
      moved.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** What is wrong with a configured name, once all are there that there will be; or empty. */
  String unknown(String configured) {
    lock.lock();
    try {
      return !complete || configured.isEmpty() || slots.containsKey(configured)
          ? ""
          : "no bundle brings the configured %s %s; there are %s"
              .formatted(kind.words(), configured, known());
    } finally {
      lock.unlock();
    }
  }

  /**
   * A bundle hangs in its stop, or does no longer. What it still has registered serves nobody from
   * now on: another version is to.
   */
  void leftBehind(String bundle, String version, boolean hangs) {
    if (!hangs) {
      leftBehind.remove(bundle, version);
      return;
    }
    leftBehind.put(bundle, version);
    slots.forEach(
        (name, slot) -> {
          Provider<D> provider = slot.provider(bundle, version);
          if (provider != null) {
            unbind(name, provider);
          }
        });
  }

  /** Of a driver that serves: what else an operator has to know of its bundle. */
  private String reason(Slot.Snapshot now) {
    String version = leftBehind.get(now.bundle());
    return version == null || !now.reason().isEmpty()
        ? now.reason()
        : "its version " + version + " hangs in its stop and was left behind: restart the engine";
  }

  /** The owner of the kind's records has come: what waited for it is taken over. */
  void owned(TakeOver<D> by) {
    owner = by;
    slots.forEach(
        (name, slot) -> {
          Provider<D> waiting = slot.queued();
          if (waiting != null) {
            swapThread.execute(() -> takeOver(name, slot, waiting));
          }
        });
  }

  /** The owner has gone; drivers go on, but no further one takes over. */
  void disowned(TakeOver<D> by) {
    if (owner == by) {
      owner = kind.unowned();
    }
  }

  /** A new service: never touches it, only lines it up. */
  void bind(String name, Provider<D> provider) {
    Slot<D> slot = know(name);
    if (slot.offer(provider)) {
      swapThread.execute(() -> takeOver(name, slot, provider));
    } else {
      log.log(INFO, "{0} {1} stands by", slot.title(), provider);
    }
    changed.accept(name);
  }

  /** A service is going: returns when its calls have ended or the drain time is over. */
  void unbind(String name, Provider<D> provider) {
    Slot<D> slot = slot(name);
    Provider<D> next = slot.release(provider);
    int left = slot.running(provider);
    if (left > 0) {
      log.log(WARNING, "{0} {1} goes with {2} calls still running", slot.title(), provider, left);
    }
    provider.close();
    if (next != null) {
      swapThread.execute(() -> takeOver(name, slot, next));
    }
    changed.accept(name);
  }

  private void takeOver(String name, Slot<D> slot, Provider<D> provider) {
    TakeOver<D> by = owner;
    if (by == null || !slot.begin(provider)) {
      return; // owned() will come back to it, or it is gone
    }
    attempt(name, slot, provider, by);
  }

  /**
   * A disk that was full or slow, a table of files that was: nobody would tell when it no longer
   * is. Calls do not wait for this one.
   */
  private void takeOverLater(String name, Slot<D> slot, Provider<D> provider) {
    CompletableFuture.delayedExecutor(pause(slot).toMillis(), TimeUnit.MILLISECONDS, swapThread)
        .execute(
            () -> {
              TakeOver<D> by = owner;
              if (by != null && slot.isToBeTriedAgain(provider)) {
                attempt(name, slot, provider, by);
              } else if (slot.isToBeTriedAgain(provider)) {
                takeOverLater(name, slot, provider);
              }
            });
  }

  /**
   * One that took too long keeps others from being taken over for no more than half of the time.
   */
  private Duration pause(Slot<D> slot) {
    boolean late = slot.snapshot().state() == State.DEGRADED;
    return late ? limits.get().recover() : limits.get().away().dividedBy(2);
  }

  private void attempt(String name, Slot<D> slot, Provider<D> provider, TakeOver<D> by) {
    Duration limit = limits.get().recover();
    var ended = new CompletableFuture<Void>();
    Future<D> attempt =
        takeOverThreads.submit(
            () -> {
              try {
                return start(name, slot, provider, by);
              } finally {
                ended.complete(null);
              }
            });
    try {
      D driver = attempt.get(limit.toNanos(), TimeUnit.NANOSECONDS);
      slot.settle(provider, driver, null);
      log.log(INFO, "{0} {1} serves", slot.title(), provider);
    } catch (TimeoutException e) {
      attempt.cancel(true);
      String reason = "it did not start, probe and recover within " + seconds(limit);
      refuse(name, slot, provider, new Refusal(reason, true, true), ended);
    } catch (ExecutionException e) {
      refuse(name, slot, provider, refusal(e.getCause()), ended);
    } catch (InterruptedException e) {
      attempt.cancel(true);
      Thread.currentThread().interrupt(); // the engine stops
      return;
    }
    changed.accept(name);
  }

  private D start(String name, Slot<D> slot, Provider<D> provider, TakeOver<D> by) {
    D driver = step("it could not be started", false, provider::open);
    Support support = step("its probe failed", true, driver::probe);
    if (!support.available()) {
      throw new Refused(new Refusal(UNFIT + support.reason(), false, false), null);
    }
    Recovery found =
        step(
            "its recover failed",
            true,
            () -> slot.whileTakingOver(driver, () -> by.recover(name, driver)));
    if (!found.lost().isEmpty() || !found.swept().isEmpty()) {
      log.log(
          WARNING,
          "{0} found {1} objects, lost {2}, swept {3}",
          slot.title(),
          found.alive().size(),
          found.lost(),
          found.swept());
    }
    return driver;
  }

  /** Ends a take-over on its way from the thread that it runs on. */
  private static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;

    final transient Refusal refusal;

    Refused(Refusal refusal, @Nullable Throwable cause) {
      super(refusal.reason(), cause);
      this.refusal = refusal;
    }
  }

  private static <R> R step(String failure, boolean passing, Supplier<R> step) {
    try {
      return Objects.requireNonNull(step.get(), "it returned nothing");
    } catch (RuntimeException | LinkageError e) { // a stranger's code: whatever it throws is its no
      throw new Refused(new Refusal(failure + ": " + text(e), false, passing), e);
    }
  }

  /**
   * @param ended done when the thread of the attempt is: one that hangs is not to be a second time
   */
  private void refuse(
      String name,
      Slot<D> slot,
      Provider<D> provider,
      Refusal refusal,
      CompletableFuture<Void> ended) {
    boolean isKnown = refusal.equals(slot.settle(provider, null, refusal));
    boolean unfit = refusal.reason().startsWith(UNFIT);
    Level level = isKnown ? DEBUG : refusal.hung() ? ERROR : unfit ? INFO : WARNING;
    log.log(level, "{0} {1} does not serve: {2}", slot.title(), provider, refusal.reason());
    if (refusal.passing()) {
      ended.thenRun(() -> takeOverLater(name, slot, provider));
    }
  }

  private static Refusal refusal(@Nullable Throwable cause) {
    return cause instanceof Refused refused
        ? refused.refusal
        : new Refusal(cause == null ? "unknown" : text(cause), false, false);
  }

  private static String text(Throwable thrown) {
    return thrown instanceof GantryException
        ? String.valueOf(thrown.getMessage())
        : thrown.toString();
  }

  /**
   * What a bundle registered for a driver name.
   *
   * @param isDecided it serves, was refused, or stands by until the one that serves is gone
   * @param failure why it was refused, or empty
   */
  record Offer(DriverName driver, boolean isDecided, String failure) {}

  List<Offer> offers(String bundle, String version) {
    return slots.entrySet().stream()
        .flatMap(
            slot ->
                slot
                    .getValue()
                    .offer(bundle, version, new DriverName(kind.name(), slot.getKey()))
                    .stream())
        .toList();
  }

  /**
   * A driver as the API shows it.
   *
   * @param versions of a bundle that can be run
   */
  DriverView view(String name, Function<String, List<String>> versions) {
    Slot<D> slot = slot(name);
    Slot.Snapshot now = slot.snapshot();
    CallMetrics metrics = slot.metrics();
    CallMetrics.Latency latency = metrics.latency();
    D driver = slot.driver();
    return new DriverView(
        kind.name(),
        name,
        now.state(),
        reason(now),
        now.bundle(),
        now.version(),
        name.equals(firstPromising()),
        metrics.calls(),
        metrics.errors(),
        now.inFlight(),
        now.waiting(),
        latency.p50(),
        latency.p99(),
        driver == null ? Map.of() : ask(driver::status, Map.of()),
        driver == null
            ? List.of()
            : ask(driver::features, Set.<String>of()).stream().sorted().toList(),
        now.bundle().isEmpty() ? List.of() : versions.apply(now.bundle()));
  }

  /** The default as it is now, without waiting; empty when there is none. */
  String defaultNow() {
    String name = firstPromising();
    return name == null ? "" : name;
  }

  Map<DriverName, DriverNews.Fact> facts() {
    String first = defaultNow();
    Map<DriverName, DriverNews.Fact> facts = new LinkedHashMap<>();
    slots.forEach(
        (name, slot) -> {
          Slot.Snapshot now = slot.snapshot();
          facts.put(
              new DriverName(kind.name(), name),
              new DriverNews.Fact(
                  now.state(), reason(now), now.bundle(), now.version(), name.equals(first)));
        });
    return facts;
  }

  /**
   * Asks a driver for what it has in memory; one that hangs or throws has no answer. Threads that
   * hang in it are few, however often it is looked at.
   */
  private <R> R ask(Supplier<R> question, R none) {
    if (!questions.tryAcquire()) {
      return none;
    }
    Future<R> answer =
        takeOverThreads.submit(
            () -> {
              try {
                return question.get();
              } finally {
                questions.release();
              }
            });
    try {
      return answer.get(1, TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException e) {
      answer.cancel(true);
      return none;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return none;
    }
  }

  private static String seconds(Duration limit) {
    return limit.toMillis() % 1_000 == 0 ? limit.toSeconds() + " s" : limit.toMillis() + " ms";
  }
}

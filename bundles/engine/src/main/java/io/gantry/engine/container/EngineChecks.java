package io.gantry.engine.container;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;

import io.gantry.api.ExecSpec;
import io.gantry.api.Health;
import io.gantry.api.Health.Result;
import io.gantry.api.Health.Status;
import io.gantry.api.HealthCheck;
import io.gantry.engine.spec.HealthChecks;
import io.gantry.monitor.ExecRequest;
import io.gantry.monitor.HelperError;
import io.gantry.monitor.MonitorStream;
import io.gantry.monitor.Streams;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Checks the health of a container through one run of it, as long as its monitor is of a former
 * version that cannot ({@link MonitorChecks}); holds no thread between the steps.
 *
 * <p>Protocol: a timer lets a check begin, on a worker, which does not wait for it. Its start, what
 * it prints and its end come on the monitors' thread, its time-out on a worker again; whichever is
 * first judges. A result that changes something is written down, then told, then the next check
 * gets its time; so there is never more than one. One that has not begun by its time-out is killed
 * when it begins, and judged then. The end of the run may come at any step: what follows of it
 * counts for nothing. What keeps the engine from checking (a driver that is away, a monitor that is
 * gone) is not the container's fault: it is tried again at the next interval.
 */
final class EngineChecks implements HealthWatch {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  /** A driver's plan of the check is asked for again after that. */
  private static final Duration PLAN_AGAIN = Duration.ofMinutes(1);

  /** Results that change nothing are written down so often, for the next engine's log. */
  private static final Duration WRITE_AGAIN = Duration.ofMinutes(1);

  /** A check that was killed has ended by then, or hangs in the kernel. */
  private static final Duration AFTER_KILL = Duration.ofSeconds(5);

  private static final int NOT_HEALTHY = -1;

  private final Container container;
  private final Running running;
  private final HealthCheck check;
  private final ExecSpec command;
  private final HealthWatches kit;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile Health health;
  private boolean over; // guarded by lock
  private @Nullable Future<?> due; // guarded by lock
  private @Nullable Probe probe; // guarded by lock
  private long writtenAt = System.nanoTime(); // guarded by lock
  private @Nullable Bytes program; // of whoever checks: one at a time
  private long plannedAt; // as program

  /**
   * @param health so far
   */
  EngineChecks(Container container, Running running, Health health, HealthWatches kit) {
    var process = container.record().spec().process();
    this.container = container;
    this.running = running;
    this.health = health;
    this.kit = kit;
    this.check = HealthChecks.filled(Objects.requireNonNull(process.health()));
    this.command = HealthWatches.spec(process);
  }

  @Override
  public Health health() {
    return health;
  }

  /** From a start, or from an engine that ended: then the last check is the older the better. */
  @Override
  public void begin() {
    var interval = HealthRules.interval(health, check, running.age());
    var results = health.log();
    boolean anew = health.status() == Status.STARTING && health.failingStreak() == 0;
    if (anew || results.isEmpty()) {
      checkAfter(interval);
      return;
    }
    var last = results.get(results.size() - 1).end();
    var since = Duration.between(last, kit.clock().instant());
    var left = interval.minus(since.isNegative() ? Duration.ZERO : since);
    checkAfter(left.isNegative() ? Duration.ZERO : left);
  }

  @Override
  public Health end() {
    var unfinished = stop();
    if (unfinished != null) {
      container.execs.remove(unfinished.exec.id());
    }
    return HealthRules.ended(health);
  }

  @Override
  public void forget() {
    kit.records().remove(container.id);
  }

  @Override
  public void letGo() {
    stop();
    write(health);
  }

  private @Nullable Probe stop() {
    Probe unfinished;
    lock.lock();
    try {
      over = true;
      if (due != null) {
        due.cancel(false);
      }
      unfinished = probe;
      probe = null;
    } finally {
      lock.unlock();
    }
    if (unfinished != null) {
      unfinished.giveUp();
    }
    return unfinished;
  }

  private void checkAfter(Duration delay) {
    after(delay, this::check);
  }

  /** One step at a time waits for the timer. */
  private void after(Duration delay, Runnable step) {
    lock.lock();
    try {
      if (!over) {
        due = kit.timer().schedule(() -> work(step), delay.toNanos(), TimeUnit.NANOSECONDS);
      }
    } catch (RejectedExecutionException e) {
      log.log(DEBUG, "the engine stops: the next one checks {0}", container.id);
    } finally {
      lock.unlock();
    }
  }

  private void work(Runnable step) {
    try {
      kit.workers().execute(step);
    } catch (RejectedExecutionException e) {
      log.log(DEBUG, "the engine stops: the next one checks {0}", container.id);
    }
  }

  private void check() {
    if (container.run().paused()) {
      checkAfter(HealthRules.interval(health, check, running.age()));
      return;
    }
    try {
      plan();
    } catch (GantryException e) {
      notChecked(e);
      return;
    }
    var exec = new ExecProcess(HealthWatches.idOfCheck(container.id), container.id, command);
    var begun = new Probe(exec, kit.clock().instant(), running.age());
    lock.lock();
    try {
      if (over) {
        return;
      }
      probe = begun;
    } finally {
      lock.unlock();
    }
    begin(begun);
  }

  /** The drivers need not be there for each check. */
  private void plan() {
    long now = System.nanoTime();
    if (program == null || now - plannedAt > PLAN_AGAIN.toNanos()) {
      program = kit.execs().plan(container, running, command, 0, 0);
      plannedAt = now;
    }
  }

  private void begin(Probe begun) {
    var exec = begun.exec;
    container.execs.put(exec.id(), exec);
    if (!isUnderWay(begun)) { // the run ended in between
      container.execs.remove(exec.id());
      return;
    }
    exec.start();
    tell("exec_create: ", exec);
    tell("exec_start: ", exec);
    after(check.timeout(), () -> timedOut(begun));
    var request =
        new ExecRequest(exec.id(), Streams.OUTPUT, false, 0, 0, Objects.requireNonNull(program));
    CompletableFuture<MonitorStream> starting;
    try {
      starting = running.monitor().execLater(request);
    } catch (GantryException e) {
      notBegun(begun, e);
      return;
    }
    begun.starting = starting;
    if (!isUnderWay(begun)) { // who ended the run in between saw nothing to give up
      begun.giveUp();
    }
    starting.whenComplete(
        (stream, failure) -> {
          if (failure == null) {
            exec.runs(stream.pid());
            begun.begun = true;
            begun.read(new ExecBytes(stream, exec));
            if (begun.timedOut) {
              work(() -> expire(begun));
            }
          } else {
            notBegun(begun, failure);
          }
        });
  }

  /** Either the command cannot be run, or the monitor does not answer. */
  private void notBegun(Probe asked, Throwable failure) {
    container.execs.remove(asked.exec.id());
    var failed = HelperError.in(failure);
    if (failed.isPresent()) {
      judge(asked, NOT_HEALTHY, ExecFailure.sentence(failed.get().text()));
    } else if (taken(asked)) {
      notChecked(failure);
    }
  }

  private void notChecked(Throwable e) {
    log.log(DEBUG, "{0} could not be checked: {1}", container.id, e.getMessage());
    checkAfter(HealthRules.interval(health, check, running.age()));
  }

  private void timedOut(Probe late) {
    if (!isUnderWay(late)) {
      return; // it was judged while this waited for a worker: the timer is the next check's
    }
    if (container.run().paused()) { // it stands still with its container
      after(check.timeout(), () -> timedOut(late));
      return;
    }
    late.timedOut = true;
    if (late.begun) { // else it is under way to its monitor, and cannot be called back
      expire(late);
    }
  }

  private void expire(Probe late) {
    after(AFTER_KILL, () -> judge(late, NOT_HEALTHY, late.lateWords()));
    try {
      running.monitor().kill(late.exec.id());
    } catch (GantryException e) { // it ends at this moment, or hangs
      log.log(DEBUG, "check of {0}: {1}", container.id, e.getMessage());
    }
  }

  private boolean isUnderWay(Probe one) {
    lock.lock();
    try {
      return !over && probe == one;
    } finally {
      lock.unlock();
    }
  }

  /** False when somebody else was faster, or nobody wants to know any more. */
  private boolean taken(Probe ended) {
    lock.lock();
    try {
      if (over || probe != ended) {
        return false;
      }
      probe = null;
      if (due != null) {
        due.cancel(false);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** On the monitors' thread, or a worker. */
  private void judge(Probe ended, int exitCode, String output) {
    if (!taken(ended)) {
      return;
    }
    var before = health;
    var result = new Result(ended.start, kit.clock().instant(), exitCode, output);
    var after = HealthRules.after(before, result, check, ended.age);
    health = after;
    if (changed(before, after) || isWriteDue()) {
      work(() -> publish(before, after));
    } else {
      checkAfter(HealthRules.interval(after, check, running.age()));
    }
  }

  private static boolean changed(Health before, Health after) {
    return before.status() != after.status() || before.failingStreak() != after.failingStreak();
  }

  private boolean isWriteDue() {
    lock.lock();
    try {
      return System.nanoTime() - writtenAt > WRITE_AGAIN.toNanos();
    } finally {
      lock.unlock();
    }
  }

  private void publish(Health before, Health after) {
    lock.lock(); // nothing is written after the removal at the end
    try {
      if (over) {
        return;
      }
      writtenAt = System.nanoTime();
      write(after);
    } finally {
      lock.unlock();
    }
    if (before.status() != after.status()) {
      String word = after.status().name().toLowerCase(Locale.ROOT);
      log.log(INFO, "container {0} is {1}", container.id, word);
      kit.teller().tell(container.record(), "health_status: " + word);
      if (after.status() == Status.UNHEALTHY) {
        kit.unhealthy().accept(container, running);
      }
    }
    checkAfter(HealthRules.interval(after, check, running.age()));
  }

  private void write(Health now) {
    kit.records().put(container.id, new HealthRecord(container.run().initStart(), now));
  }

  private void tell(String action, ExecProcess exec) {
    kit.teller()
        .tell(
            container.record(),
            action + String.join(" ", command.args()),
            Map.of("execID", exec.id()));
  }

  /** One check that runs. */
  private final class Probe {
    private final ExecProcess exec;
    private final Instant start;
    private final Duration age;
    private final HealthOutput output = new HealthOutput(); // of the reader: one at a time
    private volatile @Nullable CompletableFuture<MonitorStream> starting;
    private volatile boolean begun;
    private volatile boolean timedOut;

    Probe(ExecProcess exec, Instant start, Duration age) {
      this.exec = exec;
      this.start = start;
      this.age = age;
    }

    void read(ExecBytes stream) {
      stream
          .read()
          .whenComplete(
              (bytes, failure) -> {
                if (bytes != null && bytes.hasRemaining()) {
                  output.take(bytes);
                  read(stream);
                  return;
                }
                stream.close();
                var code = exec.view().exitCode();
                if (timedOut) {
                  judge(this, NOT_HEALTHY, lateWords());
                } else {
                  judge(this, code == null ? NOT_HEALTHY : code, output.text());
                }
              });
    }

    /** Waits no longer for a process that has not begun. */
    void giveUp() {
      var waited = starting;
      if (!begun && waited != null) {
        waited.cancel(false);
      }
    }

    String lateWords() {
      return HealthOutput.late(check.timeout(), output.text());
    }
  }
}

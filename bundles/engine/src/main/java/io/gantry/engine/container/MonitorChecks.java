package io.gantry.engine.container;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;

import io.gantry.api.Events.Event;
import io.gantry.api.ExecSpec;
import io.gantry.api.Health;
import io.gantry.api.Health.Result;
import io.gantry.api.Health.Status;
import io.gantry.api.HealthCheck;
import io.gantry.engine.spec.HealthChecks;
import io.gantry.monitor.CheckRequest;
import io.gantry.monitor.CheckResult;
import io.gantry.monitor.CheckResult.Outcome;
import io.gantry.monitor.Checks;
import io.gantry.spi.GantryException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Hears from the monitor, which checks the health of its container on its own, how it is, and tells
 * others.
 *
 * <p>Protocol: the monitor is asked once, on a worker, when a driver has planned the check; while
 * none can it is tried again at each interval. Results come on the monitors' thread. A change of
 * the status is written down, then told, on a worker, in the order they came; what is written is
 * what was told, for the next engine. The end of the run may come at any step: what follows of it
 * counts for nothing.
 */
final class MonitorChecks implements HealthWatch {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");
  private static final int NOT_HEALTHY = -1;

  private final Container container;
  private final Running running;
  private final HealthCheck check;
  private final ExecSpec command;
  private final String commandLine;
  private final HealthWatches kit;
  private final boolean asked;
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Health> changes = new ArrayDeque<>(); // guarded by lock
  private boolean over; // guarded by lock
  private @Nullable String underWay; // guarded by lock
  private volatile Health health;

  /**
   * @param told what was told of it last: the log of a former run, or of this one by a former
   *     engine
   * @param known by the monitor; null: it has not been asked to check
   */
  MonitorChecks(
      Container container,
      Running running,
      Health told,
      List<Result> former,
      @Nullable Checks known,
      HealthWatches kit) {
    var process = container.record().spec().process();
    this.container = container;
    this.running = running;
    this.kit = kit;
    this.asked = known != null;
    this.check = HealthChecks.filled(Objects.requireNonNull(process.health()));
    this.command = HealthWatches.spec(process);
    this.commandLine = String.join(" ", command.args());
    this.health = known == null ? told : with(former, known);
    if (health.status() != told.status()) {
      changes.add(health);
    }
  }

  @Override
  public Health health() {
    return health;
  }

  @Override
  public void begin() {
    if (asked) {
      work(this::publish); // what a former engine has not told
    } else {
      work(this::ask);
    }
  }

  private void ask() {
    try {
      var program = kit.execs().plan(container, running, command, 0, 0);
      var request =
          new CheckRequest(
              program,
              check.interval(),
              check.timeout(),
              check.startPeriod(),
              check.startInterval(),
              check.retries());
      running
          .monitor()
          .check(request)
          .whenComplete(
              (done, failure) -> {
                if (failure != null) {
                  askLater(failure);
                }
              });
    } catch (GantryException e) {
      askLater(e);
    }
  }

  /** What keeps a driver from planning, or the monitor from answering, is not its failure. */
  private void askLater(Throwable reason) {
    log.log(DEBUG, "{0} is not checked yet: {1}", container.id, reason.getMessage());
    lock.lock();
    try {
      if (!over) {
        var interval = HealthRules.interval(health, check, running.age());
        kit.timer().schedule(() -> work(this::ask), interval.toNanos(), TimeUnit.NANOSECONDS);
      }
    } catch (RejectedExecutionException e) {
      log.log(DEBUG, "the engine stops: the next one has {0} checked", container.id);
    } finally {
      lock.unlock();
    }
  }

  private void work(Runnable step) {
    try {
      kit.workers().execute(step);
    } catch (RejectedExecutionException e) {
      log.log(DEBUG, "the engine stops: the next one tells how {0} is", container.id);
    }
  }

  @Override
  public void checking(String execId, long pid, Instant begin) {
    lock.lock();
    try {
      if (over) {
        return;
      }
      underWay = execId;
    } finally {
      lock.unlock();
    }
    var exec = new ExecProcess(execId, container.id, command);
    exec.start();
    exec.runs(pid);
    container.execs.put(execId, exec);
    var record = container.record();
    kit.teller().tell(() -> kit.teller().execBegin(record, execId, commandLine, begin));
  }

  @Override
  public void checked(String execId, Checks checks) {
    var before = health;
    var after = with(before.log(), checks);
    boolean known;
    boolean changed = before.status() != after.status();
    lock.lock();
    try {
      if (over) {
        return;
      }
      known = execId.equals(underWay);
      underWay = null;
      health = after;
      if (changed) {
        changes.add(after);
      }
    } finally {
      lock.unlock();
    }
    for (CheckResult result : checks.results()) {
      tellOf(execId, result, known);
    }
    var exec = container.execs.remove(execId);
    if (exec != null) {
      exec.ended(checks.results().isEmpty() ? NOT_HEALTHY : checks.results().get(0).status());
    }
    if (changed) {
      work(this::publish);
    }
  }

  /** The process, as far as there was one: those that are over soon are told of when they are. */
  private void tellOf(String execId, CheckResult result, boolean known) {
    var record = container.record();
    var teller = kit.teller();
    teller.tell(
        () -> {
          var events = new ArrayList<Event>();
          if (!known) {
            events.addAll(teller.execBegin(record, execId, commandLine, result.begin()));
          }
          if (result.outcome() != Outcome.NOT_RUN) {
            events.add(teller.execEnd(record, execId, result.status(), result.end()));
          }
          return events;
        });
  }

  private void publish() {
    for (Health next = nextChange(); next != null; next = nextChange()) {
      if (next.status() == Status.UNHEALTHY) {
        kit.unhealthy().accept(container, running);
      }
    }
  }

  /** Written down, then told; null: there is none. */
  private @Nullable Health nextChange() {
    lock.lock(); // nothing is written after the removal at the end
    try {
      var next = over ? null : changes.poll();
      if (next != null) {
        kit.records().put(container.id, new HealthRecord(container.run().initStart(), next));
        String word = next.status().name().toLowerCase(Locale.ROOT);
        log.log(INFO, "container {0} is {1}", container.id, word);
        kit.teller().tell(container.record(), "health_status: " + word);
      }
      return next;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Health end() {
    String left;
    lock.lock();
    try {
      over = true;
      left = underWay;
    } finally {
      lock.unlock();
    }
    if (left != null) {
      container.execs.remove(left);
    }
    return HealthRules.ended(health);
  }

  @Override
  public void forget() {
    kit.records().remove(container.id);
  }

  @Override
  public void letGo() {
    lock.lock();
    try {
      over = true;
    } finally {
      lock.unlock();
    }
  }

  private Health with(List<Result> before, Checks now) {
    var all = new ArrayList<>(before);
    now.results().forEach(result -> all.add(result(result)));
    var kept = all.subList(Math.max(0, all.size() - HealthRules.KEPT), all.size());
    return new Health(Status.values()[now.state().ordinal()], now.streak(), kept);
  }

  private Result result(CheckResult of) {
    String printed = HealthOutput.text(of.output().buffer(), of.cut());
    int code = of.outcome() == Outcome.ENDED ? of.status() : NOT_HEALTHY;
    String said =
        switch (of.outcome()) {
          case ENDED -> printed;
          case LATE -> HealthOutput.late(check.timeout(), printed);
          case NOT_RUN -> ExecFailure.sentence(printed);
        };
    return new Result(of.begin(), of.end(), code, said);
  }
}

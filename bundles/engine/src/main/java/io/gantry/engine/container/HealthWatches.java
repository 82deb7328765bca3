package io.gantry.engine.container;

import static java.lang.System.Logger.Level.DEBUG;

import io.gantry.api.ContainerSpec;
import io.gantry.api.ExecSpec;
import io.gantry.api.Health;
import io.gantry.engine.spec.HealthChecks;
import io.gantry.monitor.Checks;
import io.gantry.spi.GantryException;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Has the health of containers watched, those that were started and those that were found. */
final class HealthWatches {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");
  private static final int MARK = 16;

  private final Workshop shop;
  private final Execs execs;
  private final HealthRecords records;
  private final Teller teller;
  private final BiConsumer<Container, Running> unhealthy;

  /**
   * @param unhealthy hears, on a worker, of a container that has become so
   */
  HealthWatches(
      Workshop shop,
      Execs execs,
      HealthRecords records,
      Teller teller,
      BiConsumer<Container, Running> unhealthy) {
    this.shop = shop;
    this.execs = execs;
    this.records = records;
    this.teller = teller;
    this.unhealthy = unhealthy;
  }

  /** Before a container that has been started is known to run; its watch begins after. */
  void prepare(Container container, Running running) {
    if (isChecked(container)) {
      var health = HealthRules.starting(container.run().health());
      running.watch(watch(container, running, health, null));
    }
  }

  /**
   * The container's lock is held: it was found running.
   *
   * @param known to its monitor
   */
  void resume(Container container, Running running, @Nullable Checks known) {
    if (isChecked(container)) {
      var left = records.take(container.id, container.run().initStart());
      var told = left == null ? HealthRules.starting(container.run().health()) : left;
      var watch = watch(container, running, told, known);
      running.watch(watch);
      watch.begin();
    }
  }

  private HealthWatch watch(
      Container container, Running running, Health told, @Nullable Checks known) {
    if (!running.monitor().canCheck()) {
      return new EngineChecks(container, running, told, this);
    }
    var former = HealthRules.starting(container.run().health()).log();
    return new MonitorChecks(container, running, told, former, known, this);
  }

  /** What is run to check. */
  static ExecSpec spec(ContainerSpec.Process process) {
    return new ExecSpec(
        HealthChecks.command(process), List.of(), "", "", false, false, true, true, false, "");
  }

  private static boolean isChecked(Container container) {
    return !HealthChecks.command(container.record().spec().process()).isEmpty();
  }

  /** A check that the former engine began itself: nobody knows for how long it may run. */
  void endLeft(Container container, Running running, String execId) {
    try {
      shop.workers().execute(() -> kill(container, running, execId));
    } catch (RejectedExecutionException e) {
      log.log(DEBUG, "the engine stops: the next one ends a check of {0}", container.id);
    }
  }

  private static void kill(Container container, Running running, String execId) {
    try {
      running.monitor().kill(execId);
    } catch (GantryException e) { // it has ended
      log.log(DEBUG, "check of {0}: {1}", container.id, e.getMessage());
    }
  }

  /** Of a check, which says whose: the next engine has to tell it from a user's exec. */
  static String idOfCheck(String container) {
    return Ids.random().substring(MARK) + container.substring(0, MARK);
  }

  static boolean isCheck(String execId, String container) {
    return execId.endsWith(container.substring(0, MARK));
  }

  Execs execs() {
    return execs;
  }

  HealthRecords records() {
    return records;
  }

  Teller teller() {
    return teller;
  }

  BiConsumer<Container, Running> unhealthy() {
    return unhealthy;
  }

  ExecutorService workers() {
    return shop.workers();
  }

  ScheduledExecutorService timer() {
    return shop.timer();
  }

  InstantSource clock() {
    return shop.clock();
  }
}

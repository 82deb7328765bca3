package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.INTERNAL;
import static io.gantry.spi.GantryException.Kind.NOT_MODIFIED;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.Containers.Exit;
import io.gantry.engine.container.Wiring.Wires;
import io.gantry.engine.network.Placed;
import io.gantry.engine.network.Published;
import io.gantry.engine.spec.Modes;
import io.gantry.engine.spec.TaskPlan;
import io.gantry.monitor.CreateRequest;
import io.gantry.monitor.Monitor;
import io.gantry.monitor.MonitorLost;
import io.gantry.monitor.Spool;
import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import io.gantry.spi.exec.Launch;
import io.gantry.spi.exec.TaskSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Starts containers: all or nothing, and what went wrong said as dockerd says it. */
final class Starting {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  /** With copies of its files that are under way. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** A monitor that is let go ends what it has made, and itself. */
  private static final Duration UNTIL_GONE = Duration.ofSeconds(5);

  private static final Duration UNTIL_DISKS_ANSWER = Duration.ofSeconds(20);

  private final Workshop shop;
  private final ContainerTable table;
  private final ContainerRecords records;
  private final OwnFiles files;
  private final Mounting mounting;
  private final Networking networking;
  private final Donors donors;
  private final Plans plans;
  private final Wiring wiring;
  private final Grouping grouping;
  private final Ending ending;
  private final Logging logging;
  private final Teller teller;
  private final BiConsumer<Container, Running> watched;
  private final HostSide hostSide;

  /**
   * @param watched gives a run whose health is to be checked its watch
   */
  Starting(
      Workshop shop,
      ContainerTable table,
      ContainerRecords records,
      OwnFiles files,
      Mounting mounting,
      Networking networking,
      Donors donors,
      Plans plans,
      Wiring wiring,
      Grouping grouping,
      Ending ending,
      Logging logging,
      Teller teller,
      BiConsumer<Container, Running> watched) {
    this.shop = shop;
    this.table = table;
    this.records = records;
    this.files = files;
    this.mounting = mounting;
    this.networking = networking;
    this.donors = donors;
    this.plans = plans;
    this.wiring = wiring;
    this.grouping = grouping;
    this.ending = ending;
    this.logging = logging;
    this.teller = teller;
    this.watched = watched;
    this.hostSide = new HostSide(shop.workers(), UNTIL_DISKS_ANSWER);
  }

  /** By the user: a series of restarts ends, and a stop is forgotten. */
  void start(Container container) {
    requireIdle(container);
    var seen = hostSide.look(container, mounting.mountsOf(container.record()));
    var launching = new Launching();
    container.holdToStart();
    try {
      container.requireLasting();
      requireIdle(container);
      try (var hold = container.files.takeForStart(PATIENCE, false);
          var undo = new Undo()) {
        forgetFormerRuns(container, undo);
        launch(container, seen, hold, launching);
        undo.keep();
        container.cancelRestart(); // one that was due waits for the lock, and would still be made
        container.restartDelay(Duration.ZERO);
      }
    } finally {
      container.lock.unlock();
      if (launching.isFailed()) {
        ending.removeIfOver(container);
      }
    }
  }

  private static void requireIdle(Container container) {
    if (container.running() != null) {
      if (container.run().paused()) {
        throw new GantryException(CONFLICT, "cannot start a paused container, try unpause instead");
      }
      throw new GantryException(NOT_MODIFIED, "container " + container.id + " runs already");
    }
  }

  /**
   * @throws GantryException UNAVAILABLE when what a start needs first is away
   */
  void requireDrivers(Container container) {
    shop.execs().call(container.record().execDriver(), driver -> driver.features());
    shop.storage().call(container.record().storageDriver(), driver -> driver.features());
  }

  /** What a start that fails leaves as it was. */
  private void forgetFormerRuns(Container container, Undo undo) {
    if (container.record().ephemeral() && container.keepsRun()) {
      // Its end is only in the run directory, which is made anew.
      records.putRun(container.record(), container.run());
    }
    int restarts = container.run().restarts();
    if (restarts != 0) {
      undo.add(
          () -> {
            container.run(container.run().restarts(restarts));
            records.putRun(container.record(), container.run());
          });
      container.run(container.run().restarts(0));
    }
    if (container.record().stopped()) {
      undo.add(() -> stopped(container, true));
      stopped(container, false);
    }
  }

  private void stopped(Container container, boolean wanted) {
    var record = container.record().stopped(wanted);
    records.put(record);
    container.record(record);
  }

  /** By the policy; does nothing when somebody was faster or changed his mind. */
  void restart(Container container) {
    var seen = hostSide.look(container, mounting.mountsOf(container.record()));
    container.lock.lock();
    try {
      boolean late = !container.left().isDone(); // it ran meanwhile: its next restart is due later
      if (!container.isRestarting() || container.running() != null || late) {
        return;
      }
      container.startsAgain(true);
      container.restartAt(null);
      var run = container.run().restarts(container.run().restarts() + 1);
      FileGate.Hold hold;
      try {
        records.putRun(container.record(), run); // before it is told: it must never fall
        container.run(run);
        // A copy that still reads from the former run must not keep the container down.
        hold = container.files.takeForStart(PATIENCE, true);
      } catch (GantryException e) {
        throw notStarted(container, e, new Launching()); // nobody tries again: who waits must hear
      }
      launch(container, seen, hold, new Launching()); // which gives it back
    } finally {
      container.startsAgain(false);
      container.lock.unlock();
    }
  }

  private void launch(
      Container container, HostSide.Seen seen, FileGate.Hold hold, Launching launching) {
    container.launching(launching);
    try {
      try (hold) {
        launchAgainIfLost(container, seen, launching);
      }
    } catch (GantryException e) {
      throw notStarted(container, e, launching);
    } catch (RuntimeException e) { // a bug of ours or a driver's: who waits hears of it, too
      log.log(WARNING, "cannot start " + container.id, e);
      var failure = new GantryException(INTERNAL, String.valueOf(e.getMessage()), e);
      throw notStarted(container, failure, launching);
    } finally {
      container.launching(null);
    }
    container.pending.end();
    mounting.tellMounted(container.record());
    wiring.tellConnected(container.record(), Wires.of(container.run()));
    teller.tell(container.record(), "start");
    logging.begun(container);
    ending.watch(container);
    var watch = container.requireRunning().watch();
    if (watch != null) {
      watch.begin();
    }
  }

  /** Who kills a helper of ours while a container is being started need not fail the start. */
  private void launchAgainIfLost(Container container, HostSide.Seen seen, Launching launching) {
    try {
      launchOrUndo(container, seen, launching);
    } catch (GantryException e) {
      if (!MonitorLost.isIn(e) || !launching.isRepeatable()) {
        throw e;
      }
      log.log(WARNING, "{0} is started anew: {1}", container.id, e.getMessage());
      launchOrUndo(container, seen, launching);
    }
  }

  private void launchOrUndo(Container container, HostSide.Seen seen, Launching launching) {
    var record = container.record();
    var devices = seen.devices();
    try (var undo = new Undo();
        var reach = new Reach(undo)) {
      var cgroup = grouping.of(record);
      var running = new Running(cgroup, shop.clock(), exit -> ending.execEnded(container, exit));
      undo.add(running::letGo);
      // Forked while all else is looked up.
      var own = Networking.hasOwn(record.spec());
      var monitor = shop.zygote().expect(shop.place().run(record.id()), own, running);
      running.monitor(monitor);
      undo.add(() -> files.removeRun(record.id()));
      Path dir = files.makeRun(record.id());
      if (record.spec().host().namespaces().ipc().equals(Modes.SHAREABLE)) {
        undo.add(() -> SharedMemory.unmount(dir));
        SharedMemory.mount(dir, record.spec().host().files().shmSize());
      }
      files.create(record); // a power cut may have taken them: they are not synced
      launching.call(
          () -> {
            mounting.reach(record, record.id(), dir, reach);
            return true;
          });
      var plan = launching.call(() -> plans.ofStart(container, reach.mounts(), devices));
      var rules = plan.deviceRules();
      var task = plan.task(Grouping.toDriver(cgroup, rules));
      undo.add(() -> forget(record));
      Launch launch =
          launching.call(
              () -> shop.execs().call(record.execDriver(), driver -> driver.create(task)));
      // A log driver is asked about its options.
      var spool = launching.<@Nullable Spool>call(() -> logging.spool(record));
      undo.add(() -> grouping.remove(record));
      var wires = wiring.take(record, undo);
      boolean remapped = !task.idMaps().isEmpty();
      if (remapped) { // init joins and opens it all before it is seen
        prepare(record, plan, rules, wires);
      }
      donors.require(record, plan);
      running.task(task);
      undo.add(() -> running.destroy(wires.ports().isEmpty() ? Duration.ZERO : UNTIL_GONE));
      String net = wiring.serve(record, wires, monitor, undo);
      monitor.create(request(record, task, launch, running, spool, wires, net));
      if (container.pending.connect(monitor)) {
        launching.isHeard();
      }
      // While the monitor makes the namespaces:
      if (!remapped) {
        prepare(record, plan, rules, wires);
      }
      boolean alone = wires.areAlone();
      if (alone) { // init goes on while its namespaces are told
        launching.call(() -> wiring.ready(wires));
        donors.require(record, plan);
        monitor.give(program(record, wires, launch));
      }
      var init = created(monitor, record, wires);
      var joined = joined(record, wires, init, monitor, launching, undo);
      if (!alone) {
        donors.require(record, plan);
        monitor.give(program(record, joined, launch));
      }
      // Written while init works, and before the commit: a monitor that lives without us is always
      // on record.
      var before = container.run();
      var run =
          before.started(
              init, shop.clock().instant(), joined.places(), joined.ports(), plan.apparmor());
      // Taken back first of all: without its directory a start on record looks like a run.
      undo.add(() -> records.putRun(record, before));
      records.putRun(record, run);
      var started = monitor.started();
      if (!started.equals(init)) { // it has moved to another's pid namespace
        run =
            before.started(
                started, shop.clock().instant(), joined.places(), joined.ports(), plan.apparmor());
        records.putRun(record, run);
      }
      donors.require(record, plan);
      launching.check();
      monitor.commit();
      undo.keep();
      container.run(run.begun());
      watched.accept(container, running);
      container.running(running);
      wiring.begun(record, joined);
      container.waiters.started();
    }
  }

  private void prepare(ContainerRecord record, TaskPlan plan, List<String> rules, Wires wires) {
    grouping.create(record, rules);
    var users = plan.users();
    if (users != null && plan.ownsGroups()) {
      grouping.give(record, users);
    }
    writeEtc(record, wires.places());
  }

  private Monitor.Init created(Monitor monitor, ContainerRecord record, Wires wires) {
    try {
      return monitor.created();
    } catch (GantryException e) {
      throw wiring.refused(record, wires, e);
    }
  }

  private Wires joined(
      ContainerRecord record,
      Wires wires,
      Monitor.Init init,
      Monitor monitor,
      Launching launching,
      Undo undo) {
    try {
      return wiring.join(record, wires, init.pid(), launching, undo);
    } catch (GantryException e) {
      if (!Uptime.started(init.pid()).equals(OptionalLong.of(init.start()))) {
        monitor.started(); // its monitor knows what has become of it, which is why
      }
      throw e;
    }
  }

  private void forget(ContainerRecord record) {
    shop.execs()
        .call(
            record.execDriver(),
            driver -> {
              driver.delete(record.id());
              return true;
            });
  }

  /** With its addresses, as far as it has some. */
  void writeEtc(ContainerRecord record, List<Placed> places) {
    files.writeEtc(record, networking.names(record, places));
  }

  /** What of the host is mounted into a container, for one that is not being started. */
  void makeSources(ContainerRecord record) {
    var container = table.byId(record.id());
    writeEtc(record, container == null ? List.of() : container.run().places());
    mounting.mountsOf(record).forEach(HostSide::makeSource);
  }

  private CreateRequest request(
      ContainerRecord record,
      TaskSpec task,
      Launch launch,
      Running running,
      @Nullable Spool spool,
      Wires wires,
      String net) {
    var process = record.spec().process();
    return new CreateRequest(
        shop.place().instance(),
        record.id(),
        task.dir(),
        process.terminal(),
        process.openStdin(),
        process.stdinOnce(),
        task.init(),
        launch.cloneFlags(),
        Bytes.EMPTY,
        launch.foreign(),
        task.process().rows(),
        task.process().columns(),
        spool,
        Grouping.oomFiles(running.cgroup),
        Grouping.cpuFile(running.cgroup),
        running.cgroup.joins(),
        launch.early(),
        record.spec().host().limits().memory() > 0,
        Published.listeners(wires.ports()),
        net);
  }

  private static Bytes program(ContainerRecord record, Wires wires, Launch launch) {
    var program = new OpProgram();
    if (Networking.hasOwn(record.spec())) {
      InsideProgram.begin(wires.places(), program);
    }
    return program.append(launch.program()).build();
  }

  /** Writes down that it could not be started, tells whoever waits, and says why. */
  private GantryException notStarted(Container container, GantryException e, Launching launching) {
    var failure = StartFailure.of(e);
    container.run(container.run().notStarted(failure.exitCode(), failure.sentence()));
    try {
      records.putRun(container.record(), container.run());
    } catch (GantryException unwritten) { // what the user has to hear is why it did not start
      e.addSuppressed(unwritten);
    }
    container.pending.end();
    logging.notRunning(container);
    container.waiters.failed(
        new Exit(failure.exitCode(), failure.sentence()), container.isRestarting());
    launching.hasFailed();
    return failure.exception();
  }

  /** Where a container's run is, for one that was found running. */
  Monitor adopt(Container container, Running running, Duration patience) {
    return Monitor.adopt(shop.place().run(container.id), shop.loop(), running, patience);
  }
}

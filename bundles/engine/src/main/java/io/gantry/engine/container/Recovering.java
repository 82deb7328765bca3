package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;
import static java.util.stream.Collectors.toSet;

import io.gantry.api.Containers.Exit;
import io.gantry.api.ExecSpec;
import io.gantry.monitor.ExitRecord;
import io.gantry.monitor.Hello;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Finds again what an engine before this one left: reads the records, adopts the monitors that
 * live, hears of those that ended, and clears away what bears this instance's mark and no record
 * names. The same after a crash, an upgrade and a reboot.
 */
final class Recovering {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");
  private static final int PATIENCE_SECONDS = 20;
  private static final Duration AGAIN = Duration.ofSeconds(5);

  /** Who waits for recovery is not to wait for a monitor that stands still. */
  private static final Duration FIRST_ANSWER = Duration.ofSeconds(3);

  private static final Duration ANSWER = Duration.ofSeconds(30);
  private static final Duration SOON = Duration.ofMillis(50);
  private static final Pattern RUN = Pattern.compile("[0-9a-f]{16}");
  private static final Pattern ID = Pattern.compile("[0-9a-f]{64}");

  private final Workshop shop;
  private final ContainerTable table;
  private final ContainerRecords records;
  private final OwnFiles files;
  private final Mounting mounting;
  private final Wiring wiring;
  private final Serving serving;
  private final Grouping grouping;
  private final Unfinished unfinished;
  private final Republishing republishing;
  private final Starting starting;
  private final Ending ending;
  private final HealthWatches watches;
  private final HealthRecords health;
  private final Logging logging;

  /** Their containers' removals were cut short. */
  private final Set<String> runsOfNobody = new HashSet<>();

  Recovering(
      Workshop shop,
      ContainerTable table,
      ContainerRecords records,
      OwnFiles files,
      Mounting mounting,
      Wiring wiring,
      Serving serving,
      Grouping grouping,
      Unfinished unfinished,
      Republishing republishing,
      Starting starting,
      Ending ending,
      HealthWatches watches,
      HealthRecords health,
      Logging logging) {
    this.shop = shop;
    this.table = table;
    this.records = records;
    this.files = files;
    this.mounting = mounting;
    this.wiring = wiring;
    this.serving = serving;
    this.grouping = grouping;
    this.unfinished = unfinished;
    this.republishing = republishing;
    this.starting = starting;
    this.ending = ending;
    this.watches = watches;
    this.health = health;
    this.logging = logging;
  }

  /**
   * Fills the table; needs no disk space and no driver. Returns ids that nothing may be done to.
   */
  Set<String> read() {
    var loaded = records.load();
    health.load();
    for (var record : loaded.containers().values()) {
      try {
        table.reserve(record.name(), record.id());
      } catch (GantryException e) { // two records with one name: both stay reachable by id
        log.log(WARNING, record.id() + ": " + e.getMessage());
      }
      var run = loaded.runs().getOrDefault(record.id(), RunRecord.NEVER);
      var container = new Container(record, run);
      table.add(container);
      wiring.expect(container);
      hold(record);
      mounting.expect(record, run.running());
    }
    runsOfNobody.addAll(loaded.runs().keySet());
    runsOfNobody.removeAll(loaded.containers().keySet());
    runsOfNobody.removeAll(loaded.broken());
    shop.volumes().expectUnknown(loaded.broken());
    return loaded.broken();
  }

  /** Those that ended while there was no engine: from now on everybody sees how. */
  private static void awaitEnds(Collection<CompletableFuture<Void>> ends) {
    try {
      CompletableFuture.allOf(ends.toArray(CompletableFuture[]::new))
          .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      log.log(WARNING, "a driver keeps containers that have ended from being cleared away");
    } catch (ExecutionException e) {
      throw new IllegalStateException("an end cannot fail", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void hold(ContainerRecord record) {
    if (record.layer().isEmpty()) {
      return;
    }
    try {
      shop.images().hold(record.layer());
    } catch (GantryException e) { // what it has of its own is still there
      log.log(WARNING, "container " + record.id() + ": " + e.getMessage());
    }
  }

  /** Finds what ran; returns when every container's state is known. */
  void find(Set<String> broken) {
    var alive = new AtomicInteger();
    var ended = new ConcurrentLinkedQueue<CompletableFuture<Void>>();
    var adoptions = new ArrayList<Callable<@Nullable Void>>();
    var idle = new ConcurrentLinkedQueue<Container>();
    for (var container : table.all()) {
      unfinished.undoStart(container);
      if (container.run().running()) {
        adoptions.add(
            () -> {
              var running = adopt(container);
              if (running == null) {
                idle.add(container);
              } else if (running.end.isDone()) {
                ended.add(running.settled);
              } else {
                alive.incrementAndGet();
              }
              return null;
            });
      } else {
        idle.add(container);
      }
    }
    try {
      for (var adoption : shop.workers().invokeAll(adoptions)) {
        logFailure(adoption);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return; // the engine stops before it has begun
    }
    log.log(INFO, "adopted {0} containers of {1} that ran", alive.get(), adoptions.size());
    awaitEnds(ended);
    sweep(broken);
    var running =
        table.all().stream().filter(c -> c.running() != null).map(c -> c.id).collect(toSet());
    health.sweep(running::contains);
    idle.forEach(this::leaveEnded);
    idle.forEach(this::goOn);
  }

  private void leaveEnded(Container container) {
    logging.notRunning(container);
    if (container.record().ephemeral() && container.run().started() != null) {
      ending.removeIfOver(container); // it ended, and the engine with it, before it went
    }
  }

  private static void logFailure(Future<?> adoption) throws InterruptedException {
    try {
      adoption.get();
    } catch (ExecutionException e) {
      log.log(WARNING, "a container that ran is not taken over", e.getCause());
    }
  }

  /** Null when it does not run: its start was not finished. */
  private @Nullable Running adopt(Container container) {
    var running =
        new Running(
            grouping.of(container.record()),
            shop.clock(),
            exit -> ending.execEnded(container, exit));
    container.lock.lock();
    try {
      running.oomTold(container.run().oomTold());
      container.running(running);
      container.waiters.started();
      ending.watch(container); // first: whatever fails, its end is seen
      if (!container.run().paused()) {
        goOn(container, running);
      }
      if (!connect(container, running, FIRST_ANSWER, SOON)) {
        return null;
      }
      logging.begun(container);
    } finally {
      container.lock.unlock();
    }
    return running;
  }

  /**
   * One that stands and is not said to be paused: the former engine stopped it for a commit that it
   * did not finish, or for a pause that it told nobody of.
   */
  private static void goOn(Container container, Running running) {
    try {
      running.cgroup.thaw();
    } catch (GantryException e) { // it is gone, as will be found next
      log.log(WARNING, "container " + container.id + ": " + e.getMessage());
    }
  }

  /**
   * False when there is nothing to connect to: its start was not finished.
   *
   * @param again after this one that does not answer within the patience is tried again
   */
  private boolean connect(Container container, Running running, Duration patience, Duration again) {
    Hello hello;
    running.isFound();
    try {
      var monitor = starting.adopt(container, running, patience);
      running.monitor(monitor);
      hello = monitor.hello();
    } catch (GantryException e) {
      if (e.kind() != NOT_FOUND) {
        log.log(WARNING, "the monitor of {0} does not answer: {1}", container.id, e.getMessage());
        connectLater(container, running, again);
      } else if (giveUpStart(container, running)) {
        return false;
      } else {
        running.endedBefore();
        running.end.complete(
            leftRecord(shop.place().run(container.id)).orElseGet(running::monitorLost));
      }
      return true;
    }
    container.lock.lock();
    try {
      if (container.running() == running) {
        greeted(container, running, hello);
      }
    } catch (RuntimeException e) { // whatever it is, the container runs
      log.log(WARNING, "container " + container.id + " is not taken over yet", e);
      connectLater(container, running, AGAIN);
    } finally {
      container.lock.unlock();
    }
    return true;
  }

  /**
   * The container's lock is held: what the monitor says is true of the run that it is asked for.
   */
  private void greeted(Container container, Running running, Hello hello) {
    if (!hello.container().equals(container.id)
        || !hello.instance().equals(shop.place().instance())) {
      running.letGo();
      running.end.complete(running.monitorLost());
      return;
    }
    if (!hello.committed()) { // it is about to end with all that it made
      connectLater(container, running, SOON);
      return;
    }
    container.run(container.run().begun());
    ExitRecord exit = hello.exit();
    if (exit != null) {
      running.endedBefore();
      running.end.complete(exit);
      return;
    }
    running.ranBefore(Uptime.since(hello.initStart()));
    matchPause(container, running);
    republishing.settle(container, hello.listeners());
    for (String id : hello.liveExecs()) {
      if (HealthWatches.isCheck(id, container.id)) {
        watches.endLeft(container, running, id);
        continue;
      }
      var exec = new ExecProcess(id, container.id, unknownExec());
      exec.start();
      container.execs.put(id, exec);
    }
    for (var ended : hello.exitedExecs()) {
      if (HealthWatches.isCheck(ended.execId(), container.id)) {
        continue;
      }
      var exec = new ExecProcess(ended.execId(), container.id, unknownExec());
      exec.ended(ended.status());
      container.execs.put(ended.execId(), exec);
    }
    watches.resume(container, running, hello.checks());
    serving.greeted(container.id, running.monitor());
    running.hasBegun();
  }

  /** The kernel's word counts: a crash may have come between the end of a pause and its record. */
  private void matchPause(Container container, Running running) {
    boolean stands = running.cgroup.frozen();
    if (stands != container.run().paused()) {
      container.run(container.run().paused(stands));
      try {
        records.putRun(container.record(), container.run());
      } catch (GantryException e) { // it is found out again the next time
        log.log(WARNING, "the state of " + container.id + " is not written: " + e.getMessage());
      }
    }
  }

  /** For a start that was not finished and whose monitor has only now gone. */
  private boolean giveUpStart(Container container, Running running) {
    container.lock.lock();
    try {
      if (container.running() != running || !unfinished.undoStart(container)) {
        return false;
      }
      container.running(null);
      sweepRun(
          container, () -> grouping.remove(container.record()), "control group " + container.id);
      var dir = shop.place().run(container.id);
      sweepRun(container, () -> removeRun(dir), "run directory " + dir.getFileName());
      container.waiters.ended(new Exit(container.run().exitCode(), ""), false);
      running.settled.complete(null);
      return true;
    } finally {
      container.lock.unlock();
    }
  }

  /** A monitor that is there and does not answer now: its container is not taken for dead. */
  private void connectLater(Container container, Running running, Duration delay) {
    running.letGo();
    try {
      shop.timer()
          .schedule(
              () -> shop.workers().execute(() -> connectAgain(container, running)),
              delay.toMillis(),
              TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException stopping) {
      // the next engine tries
    }
  }

  private void connectAgain(Container container, Running running) {
    if (!connect(container, running, ANSWER, AGAIN)) {
      leaveEnded(container);
      goOn(container);
    }
  }

  /** What an exec was asked to run is known only to the engine that started it. */
  private static ExecSpec unknownExec() {
    return new ExecSpec(List.of(""), List.of(), "", "", false, false, false, false, false, "");
  }

  private static Optional<ExitRecord> leftRecord(Path dir) {
    try {
      return ExitRecord.read(dir);
    } catch (GantryException e) {
      log.log(WARNING, e.getMessage());
      return Optional.empty();
    }
  }

  /**
   * One that ended while its policy had an engine: the restart that was due is made by this one,
   * and counted. What its user has stopped is started by the engine, if that is its policy.
   */
  private void goOn(Container container) {
    var life = container.record().spec().host().life();
    var policy = RestartPolicy.of(life.restartPolicy(), life.restartMaximum());
    var run = container.run();
    boolean stopped = container.record().stopped();
    if (run.started() == null) {
      return;
    }
    if (policy.restarts(run.exitCode(), stopped, run.restarts())) {
      ending.restartFound(container);
    } else if (policy.startsWithEngine(stopped)) {
      startAgain(container);
    }
  }

  private void startAgain(Container container) {
    shop.workers()
        .execute(
            () -> {
              try {
                starting.start(container);
              } catch (GantryException e) {
                log.log(WARNING, "container " + container.id + " does not start again", e);
              }
            });
  }

  private void sweep(Set<String> broken) {
    runsOfNobody.forEach(id -> attempt(() -> records.sweepRun(id), "run of " + id));
    var known = new HashSet<>(broken);
    var kept = new HashSet<String>(); // the beginnings of ids that nothing may be done to
    broken.forEach(id -> kept.add(half(id)));
    var halves = new HashMap<String, Container>();
    for (var container : table.all()) {
      known.add(container.id);
      halves.put(half(container.id), container);
    }
    for (String id : grouping.all()) {
      if (ID.matcher(id).matches() && !kept.contains(half(id))) {
        sweepRun(halves.get(half(id)), () -> grouping.removeOwn(id), "control group " + id);
      }
    }
    for (var container : table.all()) {
      if (!container.record().spec().host().kernel().cgroupParent().isEmpty()
          && grouping.of(container.record()).exists()) {
        sweepRun(
            container,
            () -> grouping.remove(container.record()),
            "control group of " + container.id);
      }
    }
    for (Path dir : children(shop.place().execRoot())) {
      String name = String.valueOf(dir.getFileName());
      if (RUN.matcher(name).matches() && !kept.contains(name)) {
        var of = halves.get(name);
        if (of == null || !of.keepsRun()) {
          sweepRun(of, () -> removeRun(dir), "run directory " + name);
        }
      }
    }
    for (Path dir : children(shop.place().dataRoot().resolve("containers"))) {
      String name = String.valueOf(dir.getFileName());
      if (ID.matcher(name).matches() && !known.contains(name)) {
        attempt(() -> files.remove(name), "files of " + name);
      }
    }
  }

  private static String half(String id) {
    return id.substring(0, Math.min(16, id.length()));
  }

  private static void removeRun(Path dir) {
    SharedMemory.unmount(dir);
    Reach.clear(dir);
    OwnFiles.removeTree(dir);
  }

  /**
   * Of a container that is not there, or that does not run: an engine died while it started or
   * ended it. Its lock keeps a restart out.
   */
  private static void sweepRun(@Nullable Container of, Runnable step, String what) {
    if (of == null) {
      attempt(step, what);
      return;
    }
    of.lock.lock();
    try {
      if (of.running() == null) {
        attempt(step, what);
      }
    } finally {
      of.lock.unlock();
    }
  }

  private static void attempt(Runnable step, String what) {
    try {
      step.run();
      log.log(INFO, "swept {0}", what);
    } catch (GantryException e) { // it is swept the next time
      log.log(WARNING, "cannot sweep " + what, e);
    }
  }

  private static List<Path> children(Path dir) {
    var children = new ArrayList<Path>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(dir)) {
      stream.forEach(children::add);
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      log.log(WARNING, "cannot list " + dir, e);
    }
    return children;
  }
}

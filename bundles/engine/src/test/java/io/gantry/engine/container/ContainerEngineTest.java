package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.AttachOptions;
import io.gantry.api.ContainerSpec;
import io.gantry.api.ContainerView.Status;
import io.gantry.api.Containers.Exit;
import io.gantry.api.Containers.WaitCondition;
import io.gantry.api.ExecSpec;
import io.gantry.api.HostSpec;
import io.gantry.api.LogQuery;
import io.gantry.engine.disk.SpareDisk;
import io.gantry.monitor.Monitor;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real containers: the helper, namespaces, control groups and a tree with busybox in it. */
@Tag("root")
@Timeout(180)
class ContainerEngineTest {
  private static final AttachOptions OUTPUT = new AttachOptions(false, true, true, false, true, "");
  private static final LogQuery ALL = new LogQuery(true, true, false, false, false, null, null, -1);

  @TempDir Path scratch;
  private Engines.Home home;
  private Engines engine;

  @BeforeEach
  void start() throws Exception {
    home = Engines.Home.make(scratch);
    engine = new Engines(home);
  }

  @AfterEach
  void stop() {
    try {
      for (var container : engine.containers.list()) {
        engine.containers.remove(container.id(), true, true);
      }
    } finally {
      engine.close();
      home.destroy();
    }
  }

  @Test
  void outputAndExitCodeComeThrough() throws Exception {
    assertEquals("hello\n", run(Specs.running("echo", "hello")));
    String id = engine.containers.create(Specs.running("sh", "-c", "exit 42")).id();
    var exit = engine.containers.await(id, WaitCondition.NEXT_EXIT).toCompletableFuture();
    engine.containers.start(id);
    assertEquals(new Exit(42, ""), exit.get(60, TimeUnit.SECONDS));
    var view = engine.containers.inspect(id);
    assertEquals(Status.EXITED, view.state().status());
    assertEquals(42, view.state().exitCode());
    assertEquals(
        List.of("create", "connect", "start", "disconnect", "die"),
        engine.actions().subList(engine.actions().size() - 5, engine.actions().size()));
  }

  @Test
  void whatCannotBeExecutedIsSaidInDockersWords() {
    String id = engine.containers.create(Specs.running("nosuch")).id();
    var exit = engine.containers.await(id, WaitCondition.NEXT_EXIT).toCompletableFuture();
    var e = assertThrows(GantryException.class, () -> engine.containers.start(id));
    assertTrue(
        e.getMessage().endsWith("exec: \"nosuch\": executable file not found in $PATH"),
        e.getMessage());
    assertTrue(e.getMessage().startsWith("failed to create task for container: "), e.getMessage());
    var state = engine.containers.inspect(id).state();
    assertEquals(Status.CREATED, state.status());
    assertEquals(127, state.exitCode());
    assertEquals(127, exit.join().status());

    String denied = engine.containers.create(Specs.running("/etc/passwd")).id();
    assertThrows(GantryException.class, () -> engine.containers.start(denied));
    assertEquals(126, engine.containers.inspect(denied).state().exitCode());
  }

  @Test
  void aContainerThatGoesWhenItEndsLeavesNothing() throws Exception {
    var spec =
        Specs.spec(
            s -> {
              s.autoRemove = true;
              s.cmd = List.of("sh", "-c", "exit 3");
            });
    String id = engine.containers.create(spec).id();
    var gone = engine.containers.await(id, WaitCondition.REMOVED).toCompletableFuture();
    engine.containers.start(id);
    assertEquals(3, gone.get(60, TimeUnit.SECONDS).status());
    assertThrows(GantryException.class, () -> engine.containers.inspect(id));
    assertTrue(Files.notExists(home.place().run(id)));
    eventually(() -> Files.notExists(home.place().files(id)));
    assertTrue(Files.notExists(home.trees().resolve("container-" + id)));
    assertEquals("destroy", engine.actions().get(engine.actions().size() - 1));
  }

  @Test
  void logsAreThereAfterwards() throws Exception {
    String id = engine.containers.create(Specs.running("sh", "-c", "echo out; echo err >&2")).id();
    engine.containers.start(id);
    ended(id);
    assertEquals("out\nerr\n", Engines.text(engine.containers.logs(id, ALL)));
  }

  @Test
  void stopSendsTheSignalThenKills() throws Exception {
    String id =
        engine
            .containers
            .create(
                Specs.running(
                    "sh",
                    "-c",
                    "trap 'echo bye; exit 6' TERM; echo up; while :; do sleep 0.1; done"))
            .id();
    engine.containers.start(id);
    awaitLog(id, "up\n");
    engine.containers.stop(id, null, null);
    assertEquals(6, engine.containers.inspect(id).state().exitCode());

    String deaf = engine.containers.create(Specs.running("sleep", "1000")).id();
    engine.containers.start(deaf);
    engine.containers.stop(deaf, null, java.time.Duration.ofMillis(100));
    assertEquals(137, engine.containers.inspect(deaf).state().exitCode());
    var e = assertThrows(GantryException.class, () -> engine.containers.stop(deaf, null, null));
    assertEquals(GantryException.Kind.NOT_MODIFIED, e.kind());
  }

  @Test
  void anotherEngineFindsWhatRuns() throws Exception {
    String lives = engine.containers.create(Specs.running("sh", "-c", "read x; exit 9")).id();
    String running =
        engine
            .containers
            .create(
                Specs.spec(
                    s -> {
                      s.openStdin = true;
                      s.cmd = List.of("sh", "-c", "read x; echo got $x; exit 9");
                    }))
            .id();
    String ends =
        engine
            .containers
            .create(
                Specs.spec(
                    s -> {
                      s.openStdin = true;
                      s.cmd = List.of("sh", "-c", "sleep 0.3; exit 4");
                    }))
            .id();
    engine.containers.start(running);
    engine.containers.start(ends);
    long pid = engine.containers.inspect(running).state().pid();
    engine.close();
    var exit = home.place().run(ends).resolve("exit");
    eventually(() -> Files.exists(exit));

    engine = new Engines(home);
    assertEquals(Status.EXITED, engine.containers.inspect(ends).state().status());
    assertEquals(4, engine.containers.inspect(ends).state().exitCode());
    assertEquals(Status.CREATED, engine.containers.inspect(lives).state().status());
    var view = engine.containers.inspect(running);
    assertEquals(Status.RUNNING, view.state().status());
    assertEquals(pid, view.state().pid());
    var stream =
        engine.containers.attach(running, new AttachOptions(true, true, true, false, true, ""));
    stream.write(java.nio.ByteBuffer.wrap("hello\n".getBytes())).toCompletableFuture().get();
    assertEquals("got hello\n", Engines.text(stream));
    ended(running);
    assertEquals(9, engine.containers.inspect(running).state().exitCode());
  }

  @Test
  void anotherEngineClearsWhatAStartLeftThatNobodyFinished() throws Exception {
    String id =
        engine
            .containers
            .create(
                Specs.spec(
                    s -> {
                      s.ipcMode = "shareable";
                      s.cmd = List.of("true");
                    }))
            .id();
    engine.close();
    Path run = Files.createDirectory(home.place().run(id));
    SharedMemory.mount(run, 1 << 16);
    var tree = io.gantry.linux.CgroupTree.detect();
    tree.create(home.place().cgroupParent(), id);

    engine = new Engines(home);
    assertTrue(Files.notExists(run));
    assertTrue(tree.list(home.place().cgroupParent()).isEmpty());
    assertEquals(Status.CREATED, engine.containers.inspect(id).state().status());
    engine.containers.start(id);
    ended(id);
  }

  @Test
  void aStartThatWasNotCommittedHasNotHappened() throws Exception {
    String id = engine.containers.create(Specs.running("sh", "-c", "exit 7")).id();
    engine.containers.start(id);
    ended(id);
    engine.close();
    var records =
        new ContainerRecords(home.place(), Runnable::run, new SpareDisk(home.place().dataRoot()));
    var loaded = records.load();
    var record = loaded.containers().get(id);
    var before = loaded.runs().get(id);
    records.putRun(
        record, before.started(new Monitor.Init(1, 1), Instant.now(), List.of(), List.of(), ""));
    Files.createDirectory(home.place().run(id)); // its monitor has taken the socket with it

    engine = new Engines(home);
    var state = engine.containers.inspect(id).state();
    assertEquals(Status.EXITED, state.status());
    assertEquals(7, state.exitCode());
    assertEquals("", state.error());
    assertTrue(Files.notExists(home.place().run(id)));
  }

  @Test
  void anotherEngineEndsAPauseThatIsNotOnRecord() throws Exception {
    String id = engine.containers.create(Specs.running("sleep", "1000")).id();
    engine.containers.start(id);
    engine.close();
    var group = io.gantry.linux.CgroupTree.detect().group(home.place().cgroupParent(), id);
    group.freeze(); // a commit that a crash cut short, or a pause nobody was told of

    engine = new Engines(home);
    assertEquals(Status.RUNNING, engine.containers.inspect(id).state().status());
    assertTrue(!group.frozen());
  }

  @Test
  void execRunsInTheContainer() throws Exception {
    String id =
        engine
            .containers
            .create(
                Specs.spec(
                    s -> {
                      s.env = List.of("A=container");
                      s.cmd = List.of("sleep", "1000");
                    }))
            .id();
    engine.containers.start(id);
    assertEquals("container 1\n", exec(id, "sh", "-c", "echo $A $(ls /proc | grep -c '^1$')"));
    var spec =
        new ExecSpec(List.of("nosuch"), List.of(), "", "", false, false, true, true, false, "");
    String bad = engine.containers.createExec(id, spec);
    assertTrue(
        Engines.text(engine.containers.startExec(bad, false, 0, 0))
            .contains("executable file not found in $PATH"));
    assertEquals(127, engine.containers.inspectExec(bad).exitCode());
  }

  /** Else nobody could look into a container that a fork bomb fills. */
  @Test
  void execNeedsNoRoomBelowTheLimitOfProcesses() throws Exception {
    var limits = new HostSpec.Limits(0, 0, 0, 0, 0, 0, 0, "", "", 1, 0, false);
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sleep", "1000");
              s.limits = limits;
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    String groups = exec(id, "cat", "/proc/1/cgroup");
    assertTrue(groups.contains("pids"), groups);
    assertEquals(groups, exec(id, "cat", "/proc/self/cgroup"));
    assertTrue(exec(id, "sh", "-c", "true & wait").contains("can't fork"));
  }

  @Test
  void aStopSignalThatIsNoneIsRefusedAtOnce() {
    var spec = Specs.spec(s -> s.stopSignal = "bogus");
    var e = assertThrows(GantryException.class, () -> engine.containers.create(spec));
    assertEquals("invalid signal: bogus", e.getMessage());
  }

  /** What a client asks for that another one has just done away with is a conflict, no failure. */
  @Test
  void callsThatRaceOnOneContainerFailOnlyWithConflicts() throws Exception {
    String id = engine.containers.create(Specs.running("sleep", "1000")).id();
    List<Consumer<String>> calls =
        List.of(
            c -> engine.containers.start(c),
            c -> engine.containers.restart(c, "KILL", Duration.ZERO),
            c -> engine.containers.kill(c, "KILL"),
            c -> engine.containers.stop(c, "KILL", Duration.ZERO),
            c -> engine.containers.kill(c, "KILL"));
    var unexpected = new ConcurrentLinkedQueue<Throwable>();
    var end = Instant.now().plusSeconds(3);
    var threads = new ArrayList<Thread>();
    for (int i = 0; i < calls.size(); i++) {
      int which = i;
      threads.add(
          new Thread(
              () -> {
                while (Instant.now().isBefore(end)) {
                  try {
                    calls.get(which).accept(id);
                  } catch (GantryException e) {
                    boolean restart = which == 1;
                    if (e.kind() != Kind.CONFLICT && (restart || e.kind() != Kind.NOT_MODIFIED)) {
                      unexpected.add(e);
                    }
                  } catch (RuntimeException e) {
                    unexpected.add(e);
                  }
                }
              }));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(List.of(), List.copyOf(unexpected));
  }

  @Test
  void execExitCodesAreKnownWhenTheStreamEnds() throws Exception {
    String id = engine.containers.create(Specs.running("sleep", "1000")).id();
    engine.containers.start(id);
    for (int code = 1; code <= 10; code++) {
      var spec =
          new ExecSpec(
              List.of("sh", "-c", "exit " + code),
              List.of(),
              "",
              "",
              false,
              false,
              true,
              true,
              false,
              "");
      String exec = engine.containers.createExec(id, spec);
      Engines.text(engine.containers.startExec(exec, false, 0, 0));
      assertEquals(code, engine.containers.inspectExec(exec).exitCode());
    }
  }

  @Test
  void aProcessMayHaveThousandsOfArgumentsAndVariables() throws Exception {
    var command = new ArrayList<>(List.of("sh", "-c", "echo $#; env | grep -c ^NAME", "sh"));
    command.addAll(Collections.nCopies(20_000, "argument"));
    var names = IntStream.range(0, 10_000).mapToObj(i -> "NAME" + i + "=value").toList();
    var spec =
        Specs.spec(
            s -> {
              s.cmd = command;
              s.env = names;
            });
    String id = engine.containers.create(spec).id();
    var exit = engine.containers.await(id, WaitCondition.NEXT_EXIT).toCompletableFuture();
    engine.containers.start(id);
    assertEquals(new Exit(0, ""), exit.get(60, TimeUnit.SECONDS));
    assertEquals("20000\n10000\n", Engines.text(engine.containers.logs(id, ALL)));
  }

  @Test
  void nothingButAProcIsMountedOnProc() {
    var volume =
        Specs.spec(
            s -> {
              s.cmd = List.of("true");
              s.tmpfs = Map.of("/proc", "");
            });
    String id = engine.containers.create(volume).id();
    var e = assertThrows(GantryException.class, () -> engine.containers.start(id));
    assertTrue(
        e.getMessage().contains("\"/proc\" cannot be mounted because it is not of type proc"),
        e.getMessage());
  }

  @Test
  void anotherSizeOfItsTerminalIsTold() {
    String id = engine.containers.create(Specs.running("sleep", "1000")).id();
    engine.containers.start(id);
    engine.containers.resize(id, 5, 7);
    assertTrue(engine.actions().contains("resize"));
    var told = engine.events.stream().filter(event -> event.action().equals("resize")).toList();
    assertEquals(1, told.size());
    assertEquals("5", told.get(0).attributes().get("height"));
    assertEquals("7", told.get(0).attributes().get("width"));
  }

  @Test
  void aTerminalOfAnExecHasTheSizeItWasMadeWithUnlessItsStartSaysAnother() throws Exception {
    String id = engine.containers.create(Specs.running("sleep", "1000")).id();
    engine.containers.start(id);
    var spec =
        new ExecSpec(
            List.of("stty", "size"), List.of(), "", "", true, false, true, true, false, "", 33, 99);
    String own = engine.containers.createExec(id, spec);
    assertEquals("33 99\r\n", Engines.text(engine.containers.startExec(own, false, 0, 0)));
    String other = engine.containers.createExec(id, spec);
    assertEquals("20 40\r\n", Engines.text(engine.containers.startExec(other, false, 20, 40)));
  }

  @Test
  void aContainerThatCannotBeStartedLeavesNothingBehind() {
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("true");
              s.sysctls = java.util.Map.of("vm.swappiness", "1");
            });
    String id = engine.containers.create(spec).id();
    assertThrows(GantryException.class, () -> engine.containers.start(id));
    assertTrue(Files.notExists(home.place().run(id)));
    assertFalse(io.gantry.linux.CgroupTree.detect().list(home.place().cgroupParent()).contains(id));
    assertTrue(engine.containers.inspect(id).state().error().contains("vm.swappiness"));
  }

  @Test
  void namesAreUniqueAndMove() {
    String first = engine.containers.create(named("one")).id();
    var e = assertThrows(GantryException.class, () -> engine.containers.create(named("one")));
    assertEquals(GantryException.Kind.CONFLICT, e.kind());
    assertTrue(
        e.getMessage().startsWith("Conflict. The container name \"/one\" is already in use"));
    engine.containers.rename("one", "two");
    assertEquals(first, engine.containers.inspect("/two").id());
    assertEquals(first, engine.containers.inspect(first.substring(0, 12)).id());
    engine.containers.create(named("one"));
    assertThrows(GantryException.class, () -> engine.containers.rename("one", "two"));
    assertEquals(2, engine.containers.list().size());
  }

  @Test
  void sharedMemoryIsSharedAndGoesWithItsOwner() throws Exception {
    String owner =
        engine
            .containers
            .create(
                Specs.spec(
                    s -> {
                      s.ipcMode = "shareable";
                      s.cmd = List.of("sh", "-c", "echo shared >/dev/shm/file; sleep 1000");
                    }))
            .id();
    engine.containers.start(owner);
    eventually(() -> exec(owner, "cat", "/dev/shm/file").equals("shared\n"));
    assertEquals(
        "shared\n",
        run(
            Specs.spec(
                s -> {
                  s.ipcMode = "container:" + owner;
                  s.cmd = List.of("cat", "/dev/shm/file");
                })));
    engine.containers.remove(owner, true, true);
    assertTrue(
        Files.readString(Path.of("/proc/self/mountinfo"))
            .lines()
            .noneMatch(line -> line.contains(home.place().execRoot().toString())));
  }

  private static ContainerSpec named(String name) {
    return Specs.spec(
        s -> {
          s.name = name;
          s.cmd = List.of("true");
        });
  }

  @Test
  void aPausedContainerStandsStill() {
    String id = engine.containers.create(Specs.running("sleep", "1000")).id();
    engine.containers.start(id);
    engine.containers.pause(id);
    assertEquals(Status.PAUSED, engine.containers.inspect(id).state().status());
    assertThrows(GantryException.class, () -> engine.containers.pause(id));
    engine.containers.unpause(id);
    assertEquals(Status.RUNNING, engine.containers.inspect(id).state().status());
    assertThrows(GantryException.class, () -> engine.containers.unpause(id));
  }

  @Test
  void limitsHold() throws Exception {
    var spec =
        Specs.spec(
            s -> {
              s.limits =
                  new HostSpec.Limits(16L << 20, 16L << 20, 0, 0, 0, 0, 0, "", "", 0, 0, false);
              s.cmd = List.of("tail", "/dev/zero");
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    ended(id);
    assertEquals(137, engine.containers.inspect(id).state().exitCode());
    assertTrue(engine.containers.inspect(id).state().oomKilled());
  }

  @Test
  void thePolicyRestartsAndAStopEndsIt() throws Exception {
    var spec =
        Specs.spec(
            s -> {
              s.restartPolicy = "always";
              s.cmd = List.of("sh", "-c", "echo run; exit 1");
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    eventually(() -> engine.containers.inspect(id).restartCount() >= 2);
    engine.containers.stop(id, null, null);
    assertEquals(Status.EXITED, engine.containers.inspect(id).state().status());

    var few =
        Specs.spec(
            s -> {
              s.restartPolicy = "on-failure";
              s.restartMaximum = 2;
              s.cmd = List.of("sh", "-c", "echo run; exit 3");
            });
    String tried = engine.containers.create(few).id();
    engine.containers.start(tried);
    eventually(() -> engine.containers.inspect(tried).state().status() == Status.EXITED);
    assertEquals("run\nrun\nrun\n", Engines.text(engine.containers.logs(tried, ALL)));
    assertEquals(2, engine.containers.inspect(tried).restartCount());
  }

  @Test
  void aFollowerSeesAllLinesAndTheEnd() throws Exception {
    String id =
        engine
            .containers
            .create(Specs.running("sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done"))
            .id();
    engine.containers.start(id);
    var follow = new LogQuery(true, true, true, false, false, null, null, -1);
    assertEquals("1\n2\n3\n", Engines.text(engine.containers.logs(id, follow)));
  }

  private String run(ContainerSpec spec) throws Exception {
    String id = engine.containers.create(spec).id();
    var stream = engine.containers.attach(id, OUTPUT);
    engine.containers.start(id);
    return Engines.text(stream);
  }

  private String exec(String id, String... command) throws Exception {
    var spec =
        new ExecSpec(List.of(command), List.of(), "", "", false, false, true, true, false, "");
    String exec = engine.containers.createExec(id, spec);
    return Engines.text(engine.containers.startExec(exec, false, 0, 0));
  }

  private void ended(String id) throws Exception {
    engine
        .containers
        .await(id, WaitCondition.NOT_RUNNING)
        .toCompletableFuture()
        .get(60, TimeUnit.SECONDS);
  }

  private void awaitLog(String id, String text) throws Exception {
    eventually(() -> Engines.text(engine.containers.logs(id, ALL)).equals(text));
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void eventually(Condition condition) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.holds()) {
      assertTrue(System.nanoTime() < end, "too late");
      java.util.concurrent.locks.LockSupport.parkNanos(5_000_000);
    }
  }
}

package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.ExecSpec;
import io.gantry.api.HostSpec;
import io.gantry.api.Networks.Ipam;
import io.gantry.api.Networks.NetworkSpec;
import io.gantry.api.Networks.Pool;
import io.gantry.engine.disk.SpareDisk;
import io.gantry.engine.network.Placed;
import io.gantry.linux.UserMaps;
import io.gantry.monitor.MonitorLoop;
import io.gantry.monitor.Spawner;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Names and ports are served while helpers come and go and monitors stand still. */
class ServingTest extends WithEngine {
  private final LoopDriver driver = new LoopDriver();

  @Override
  Engines open() {
    return new Engines(home, driver.leased());
  }

  @BeforeEach
  void makeNetwork() {
    var pools = List.of(new Pool("10.9.1.0/24", "", "", Map.of()));
    engine
        .containers
        .networks()
        .create(
            new NetworkSpec(
                "one",
                "",
                true,
                false,
                new Ipam("", null, pools),
                false,
                false,
                false,
                false,
                "",
                Map.of(),
                Map.of()));
  }

  private String started(String name) {
    return started(name, "one", List.of());
  }

  private String started(String name, String network, List<HostSpec.PortRequest> ports) {
    String id = created(name, network, ports);
    engine.containers.start(id);
    return id;
  }

  private String created(String name, String network, List<HostSpec.PortRequest> ports) {
    var spec =
        Specs.spec(
            specs -> {
              specs.name = name;
              specs.networkMode = network;
              specs.cmd = List.of("sleep", "1000");
              specs.ports = ports;
            });
    return engine.containers.create(spec).id();
  }

  private String inside(String id, String... command) throws Exception {
    var spec =
        new ExecSpec(List.of(command), List.of(), "", "", false, true, true, false, false, "");
    String exec = engine.containers.createExec(id, spec);
    return Engines.text(engine.containers.startExec(exec, false, 0, 0));
  }

  private boolean finds(String id, String name, String address) {
    try {
      return inside(id, "nslookup", name, "127.0.0.11").contains(address);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** The process that serves, a child of the zygote; 0: none. */
  private long helper() {
    try (var loop = MonitorLoop.start()) {
      long zygote = Spawner.ensure(home.helper(), home.place().execRoot(), loop).pid();
      return ProcessHandle.of(zygote).stream()
          .flatMap(ProcessHandle::children)
          .map(ProcessHandle::pid)
          .filter(ServingTest::isHelper)
          .findFirst()
          .orElse(0L);
    }
  }

  private static boolean isHelper(long pid) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/comm")).equals("gantry-net\n");
    } catch (IOException e) {
      return false; // it has just ended
    }
  }

  private long killHelper() {
    long pid = helper();
    var process = ProcessHandle.of(pid).orElseThrow();
    process.destroyForcibly();
    process.onExit().orTimeout(20, TimeUnit.SECONDS).join();
    return pid;
  }

  private ProcessHandle stopped(String id) throws Exception {
    var init = ProcessHandle.of(engine.containers.inspect(id).state().pid()).orElseThrow();
    var monitor = init.parent().orElseThrow();
    signal("STOP", monitor);
    return monitor;
  }

  private static void signal(String name, ProcessHandle process) throws Exception {
    var kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
    assertEquals(0, kill.waitFor());
  }

  @Test
  void aMonitorThatStandsStillHoldsUpNobodyElse() throws Exception {
    started("web");
    String box = started("box");
    String still = started("still");
    var monitor = stopped(still);
    try {
      long former = killHelper();
      long before = System.nanoTime();
      assertTrue(finds(box, "web", "10.9.1.2"));
      String late = started("late");
      assertTrue(finds(late, "web", "10.9.1.2"));
      Duration took = Duration.ofNanos(System.nanoTime() - before);
      assertTrue(took.compareTo(Duration.ofSeconds(20)) < 0, "it took " + took);
      assertFalse(former == helper());
    } finally {
      signal("CONT", monitor);
    }
    assertTrue(finds(still, "web", "10.9.1.2"));
  }

  @Test
  void whoAnswersLateIsServedByWhoCameMeanwhile() throws Exception {
    started("web");
    String still = started("still");
    var monitor = stopped(still);
    engine.close();
    killHelper();
    engine = open();
    signal("CONT", monitor);
    Await.until("it is taken over", () -> hears(still));
    assertTrue(finds(still, "web", "10.9.1.2"));
  }

  private boolean hears(String id) {
    try {
      engine.containers.kill(id, "CONT");
      return true;
    } catch (GantryException e) {
      return false;
    }
  }

  @Test
  void aStartThatIsUnderWayIsServedByWhoComesMeanwhile() throws Exception {
    started("web"); // for which another helper is started at once
    driver.meanwhile =
        () -> {
          driver.meanwhile = () -> {};
          long former = killHelper();
          Await.until("another one", () -> helper() != 0 && helper() != former);
        };
    var any = new HostSpec.PortRequest("80/tcp", "127.0.0.1", "");
    String box = started("box", "bridge", List.of(any));
    int port = engine.containers.inspect(box).ports().get(0).hostPort();
    Await.until("the port is served", () -> hasListener(helper(), port));
  }

  @Test
  void aPortOfARunningContainerIsServedByWhoComesMeanwhile() throws Exception {
    started("web"); // for which another helper is started at once
    String box = started("box", "bridge", List.of());
    engine.whileMapping =
        () -> {
          engine.whileMapping = () -> {};
          long former = killHelper();
          Await.until("another one", () -> helper() != 0 && helper() != former);
        };
    var any = new HostSpec.PortRequest("80/tcp", "127.0.0.1", "");
    engine.containers.ports().publish(box, List.of(any));
    int port = engine.containers.inspect(box).ports().get(0).hostPort();
    Await.until("the port is served", () -> hasListener(helper(), port));
  }

  /** Whether a process has the socket that listens there. */
  private static boolean hasListener(long pid, int port) {
    try {
      String at = String.format(Locale.ROOT, "0100007F:%04X", port);
      String socket = "";
      for (String line : Files.readAllLines(Path.of("/proc/net/tcp"))) {
        String[] words = line.strip().split("\\s+");
        if (words[1].equals(at) && words[3].equals("0A")) {
          socket = "socket:[" + words[9] + "]";
        }
      }
      try (var fds = Files.newDirectoryStream(Path.of("/proc/" + pid + "/fd"))) {
        for (Path fd : fds) {
          if (Files.readSymbolicLink(fd).toString().equals(socket)) {
            return true;
          }
        }
      }
      return false;
    } catch (IOException e) {
      return false; // one of its descriptors has just been closed
    }
  }

  @Test
  void aStartThatNobodyFinishedLeavesNoName() throws Exception {
    String box = started("box");
    String half = created("half", "one", List.of());
    var place =
        new Placed(
            engine.containers.networks().inspect("one").id(),
            "one",
            "loop",
            "e".repeat(64),
            4097,
            "eth0",
            "10.9.1.9/24",
            "10.9.1.1",
            "",
            "",
            List.of(),
            "",
            0,
            Map.of(),
            null);
    engine.close();
    var records =
        new ContainerRecords(home.place(), Runnable::run, new SpareDisk(home.place().dataRoot()));
    var record = records.load().containers().get(half);
    try (var loop = MonitorLoop.start()) {
      var monitor = CutShortTest.begin(home, loop, half);
      var run =
          RunRecord.NEVER.started(monitor.created(), Instant.now(), List.of(place), List.of(), "");
      records.putRun(record, run);
      engine = open();
      assertTrue(finds(box, "half", "10.9.1.9"), "as long as it may come to something");
      monitor.close();
    }
    Await.until("it is forgotten", () -> !finds(box, "half", "10.9.1.9"));
    assertEquals(
        Map.of(box, "10.9.1.2/24"),
        Map.of(box, engine.containers.networks().inspect("one").endpoints().get(box).address()));
  }

  /** Noise, questions that cannot be read, and good ones. */
  /** Something lies where it would listen. */
  @Test
  void aHelperThatCannotBeStartedIsTriedAgainAndSaidOnce() throws Exception {
    String id = started("web");
    var said = new ConcurrentLinkedQueue<String>();
    var tried = new AtomicInteger();
    var logger = Logger.getLogger("io.gantry.engine.container");
    var handler =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            if (record.getMessage().startsWith("no net helper")) {
              tried.incrementAndGet();
              if (record.getLevel().intValue() >= Level.WARNING.intValue()) {
                said.add(record.getMessage());
              }
            }
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    var socket = home.place().execRoot().resolve("net.sock");
    logger.setLevel(Level.ALL);
    logger.addHandler(handler);
    try {
      Files.delete(socket);
      Files.createDirectories(socket.resolve("in-the-way"));
      killHelper();
      Await.until("it is tried again and again", () -> tried.get() >= 4);
      assertEquals(1, said.size(), said::toString);
      OwnFiles.removeTree(socket);
      Await.until("names are served", () -> finds(id, "web", "10.9.1.2"));
    } finally {
      logger.removeHandler(handler);
      logger.setLevel(null);
    }
  }

  @Test
  void aFloodHurtsOnlyWhoSendsIt() throws Exception {
    started("web");
    String box = started("box");
    String flood = started("flood");
    long serving = helper();
    String script =
        "exec 3>/dev/udp/127.0.0.11/53; "
            + "(while :; do printf '\\x12\\x34\\1\\0\\0\\xff\\0\\0\\0\\0\\0\\0\\xc0\\x0c\\xff' >&3; done) & "
            + "(while :; do printf '\\x12\\x34\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\3web\\0\\0\\1\\0\\1' >&3; done) & "
            + "while :; do head -c 900 /dev/urandom >&3; done";
    String pid = Long.toString(engine.containers.inspect(flood).state().pid());
    var sender =
        new ProcessBuilder("nsenter", "-n", "-t", pid, "setsid", "bash", "-c", script)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      for (int i = 0; i < 20; i++) {
        assertTrue(finds(box, "web", "10.9.1.2"));
      }
    } finally {
      sender.descendants().forEach(ProcessHandle::destroyForcibly);
      sender.destroyForcibly().waitFor();
    }
    assertEquals(serving, helper());
    assertTrue(finds(flood, "web", "10.9.1.2"));
  }

  @Test
  void whoseUsersAreOthersFindsNamesToo() throws Exception {
    Files.setPosixFilePermissions(scratch, PosixFilePermissions.fromString("rwxr-xr-x"));
    var lines = List.of("0 200000 65536");
    engine.users = UserMaps.parse(lines, lines);
    started("web");
    assertTrue(finds(started("box"), "web", "10.9.1.2"));
  }

  @Test
  void portFiftyThreeIsTheContainersOwn() throws Exception {
    started("web");
    String box = started("box");
    String server =
        "nc -l -p 53 </dev/null & "
            + "while kill -0 $! && ! grep :0035 /proc/net/tcp /proc/net/tcp6; do :; done; "
            + "nslookup web 127.0.0.11; kill $!; cat /proc/net/udp";
    String found = inside(box, "sh", "-c", server);
    assertTrue(found.contains("10.9.1.2"), found);
    assertFalse(found.substring(found.indexOf("10.9.1.2")).contains(":0035"), found);
    engine.containers.networks().disconnect("one", "box", false);
    engine.containers.networks().connect("one", "box", NetworkRequest.of(""));
    assertTrue(finds(box, "web", "10.9.1.2"));
  }
}

package io.gantry.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.monitor.program.Op;
import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The client with the real helper. */
@org.junit.jupiter.api.Tag("root")
@Timeout(180)
class MonitorTest {

  private static final int SIGKILL = 9;
  private static final int SIGTERM = 15;

  private static final Monitor.Listener DEAF =
      new Monitor.Listener() {
        @Override
        public void exited(ExitRecord exit) {}

        @Override
        public void execExited(ExecExit exit) {}

        @Override
        public void lost(String reason) {}
      };

  private static Box box;

  @BeforeAll
  static void start() {
    box = new Box();
  }

  @AfterAll
  static void end() {
    box.close();
  }

  private static boolean lives(long pid) {
    return Files.exists(Path.of("/proc/" + pid));
  }

  @Test
  void theZygoteIsFoundAgain() {
    long pid = box.spawner.hello().monitorPid();
    assertEquals(Hello.Phase.SPAWNER, box.spawner.hello().phase());
    assertEquals(pid, Spawner.ensure(box.helper, box.root, box.loop).hello().monitorPid());
    assertEquals(box.helper.sha256(), box.spawner.hello().helperSha256());
  }

  @Test
  void theExitCodeIsToldAndOnDisk() throws Exception {
    Instant before = Instant.now();
    try (var container = box.start("exit 7")) {
      ExitRecord told = container.awaitExit();
      assertEquals(7, told.status());
      assertEquals(0, told.signal());
      assertFalse(told.time().isBefore(before.minusSeconds(1)));
      ExitRecord kept = ExitRecord.read(container.dir).orElseThrow();
      assertEquals(told.status(), kept.status());
      assertEquals(told.time(), kept.time());
      container.monitor.quit();
      Box.eventually("the socket goes", () -> !Files.exists(container.dir.resolve("ctl.sock")));
    }
  }

  @Test
  void aSignalEndsIt() throws Exception {
    try (var container = box.start("sleep 1000")) {
      container.monitor.signal(SIGKILL);
      ExitRecord exit = container.awaitExit();
      assertEquals(137, exit.status());
      assertEquals(SIGKILL, exit.signal());
      var late = assertThrows(GantryException.class, () -> container.monitor.signal(SIGTERM));
      assertEquals(Kind.CONFLICT, late.kind());
    }
  }

  @Test
  void aTerminalHasASize() throws Exception {
    try (var container = box.create(true, true);
        var stream = container.monitor.attach(Streams.ALL)) {
      container.monitor.program(
          box.program(true, "/bin/sh", "-c", "tty; stty size; read x; stty size"));
      assertTrue(stream.terminal());
      var seen = new StringBuilder();
      while (!seen.toString().contains("24 80")) {
        seen.append(StandardCharsets.UTF_8.decode(Box.read(stream)));
      }
      container.monitor.resize(50, 132);
      stream.write(ByteBuffer.wrap("\n".getBytes(StandardCharsets.UTF_8)));
      seen.append(new String(Box.readAll(stream), StandardCharsets.UTF_8));
      assertTrue(seen.toString().startsWith("/dev/pts/0\r\n24 80\r\n"), seen.toString());
      assertTrue(seen.toString().endsWith("50 132\r\n"), seen.toString());
    }
    try (var container = box.start("sleep 1000")) {
      var none = assertThrows(GantryException.class, () -> container.monitor.resize(1, 1));
      assertEquals(Kind.CONFLICT, none.kind());
    }
  }

  @Test
  void furtherProcessesRunInIt() throws Exception {
    String id = "e".repeat(64);
    try (var container = box.start("sleep 1000")) {
      var request =
          new ExecRequest(
              id,
              Streams.ALL,
              false,
              0,
              0,
              box.execProgram(false, "/bin/sh", "-c", "echo /proc/[0-9]*; cat; exit 5"));
      try (var stream = container.monitor.exec(request)) {
        assertTrue(lives(stream.pid()));
        assertFalse(stream.terminal());
        stream.write(ByteBuffer.wrap("in".getBytes(StandardCharsets.UTF_8)));
        stream.closeInput();
        String out = Box.frames(Box.readAll(stream), 1);
        assertTrue(out.startsWith("/proc/1 ") && out.endsWith("\nin"), out);
      }
      ExecExit exit = container.execExits.poll(Box.PATIENCE_SECONDS, TimeUnit.SECONDS);
      assertEquals(id, exit.execId());
      assertEquals(5, exit.status());
      assertFalse(Files.exists(container.dir.resolve("exec")), "nobody reads it there");
    }
  }

  @Test
  void aFurtherProcessHasATerminalAndTakesSignals() throws Exception {
    String id = "f".repeat(64);
    try (var container = box.start("sleep 1000")) {
      var request =
          new ExecRequest(
              id,
              Streams.ALL,
              true,
              10,
              20,
              box.execProgram(true, "/bin/sh", "-c", "stty size; sleep 1000"));
      try (var stream = container.monitor.exec(request)) {
        assertEquals("10 20\r\n", StandardCharsets.UTF_8.decode(Box.read(stream)).toString());
        container.monitor.resize(3, 4, id);
        container.monitor.signal(SIGKILL, id);
        Box.readAll(stream);
      }
      ExecExit exit = container.execExits.poll(Box.PATIENCE_SECONDS, TimeUnit.SECONDS);
      assertEquals(137, exit.status());
      assertEquals(SIGKILL, exit.signal());
    }
  }

  @Test
  void whatCannotBeRunSaysWhy() {
    try (var container = box.create(false, false)) {
      var failure =
          assertThrows(
              GantryException.class,
              () -> container.monitor.program(box.program(false, "no-such-command")));
      assertEquals(Kind.INVALID, failure.kind());
      assertEquals(
          "exec: \"no-such-command\": executable file not found in $PATH", failure.getMessage());
      HelperError error = HelperError.in(failure).orElseThrow();
      assertEquals(127, error.exitCode());
      assertEquals(Op.EXEC.code(), error.opCode());
      assertEquals(HelperError.Stage.INIT, error.stage());
      assertTrue(error.ofSetUp());
    }
    try (var container = box.start("sleep 1000")) {
      var request =
          new ExecRequest(
              "a".repeat(64), Streams.OUTPUT, false, 0, 0, box.execProgram(false, "/bin"));
      var failure = assertThrows(GantryException.class, () -> container.monitor.exec(request));
      assertEquals(126, HelperError.in(failure).orElseThrow().exitCode());
      assertEquals("exec: \"/bin\": is a directory", failure.getMessage());
    }
  }

  @Test
  void theNetworkOfARunningContainerIsChanged() throws Exception {
    try (var container = box.createNetworked()) {
      container.monitor.program(box.shell("sleep 1000"));
      container.monitor.inside(
          new OpProgram().loopbackUp().sysctl("net/ipv4/ip_unprivileged_port_start", "81").build());
      String addresses =
          Files.readString(Path.of("/proc/" + container.monitor.init().pid() + "/net/fib_trie"));
      assertTrue(addresses.contains("127.0.0.1"), addresses);
      Bytes wrong = new OpProgram().loopbackUp().sysctl("net/no/such", "1").build();
      var failure = assertThrows(GantryException.class, () -> container.monitor.inside(wrong));
      assertEquals(Kind.INVALID, failure.kind());
      assertEquals("set sysctl net/no/such to 1: no such file or directory", failure.getMessage());
      HelperError error = HelperError.in(failure).orElseThrow();
      assertEquals(1, error.opIndex());
      assertEquals(HelperError.Stage.INSIDE, error.stage());
      assertFalse(error.ofSetUp());
      container.monitor.signal(SIGKILL);
      container.awaitExit();
      var late = assertThrows(GantryException.class, () -> container.monitor.inside(wrong));
      assertEquals(Kind.CONFLICT, late.kind());
    }
    try (var container = box.start("sleep 1000")) {
      Bytes program = new OpProgram().loopbackUp().build();
      var failure = assertThrows(GantryException.class, () -> container.monitor.inside(program));
      assertEquals("the container has the host's network", failure.getMessage());
    }
  }

  @Test
  void portsAreReservedByTheMonitor() throws Exception {
    int port;
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    var listener = new HostListener("web:80", "tcp", "127.0.0.1", port);
    int taken = port;
    try (var container = box.createNetworked();
        var other = box.createSilent()) {
      container.monitor.program(
          new OpProgram()
              .loopbackUp()
              .dns("127.0.0.11", 53)
              .append(box.shell("sleep 1000"))
              .build());
      container.monitor.listen(List.of(listener));
      new Socket(InetAddress.getLoopbackAddress(), port).close();
      var failure =
          assertThrows(
              GantryException.class,
              () -> other.monitor.listen(List.of(new HostListener("x", "tcp", "0.0.0.0", taken))));
      assertEquals(Kind.CONFLICT, failure.kind());
      assertEquals("listen tcp 0.0.0.0:" + port + ": address already in use", failure.getMessage());
      try (var again = Monitor.adopt(container.dir, box.loop, container)) {
        assertEquals(List.of(listener), again.hello().listeners());
        assertEquals("127.0.0.11 53", again.hello().dns());
        assertFalse(again.hello().served());
        assertThrows(GantryException.class, () -> again.serveBy(Path.of("/no/such/socket")));
      }
      container.monitor.unlisten(List.of(listener));
      other.monitor.listen(List.of(listener));
      other.monitor.unlisten(List.of(listener));
      container.monitor.listen(List.of(listener));
      container.monitor.signal(SIGKILL);
      container.awaitExit();
      other.monitor.listen(List.of(listener));
    }
  }

  @Test
  void aMalformedProgramIsRefused() {
    try (var container = box.create(false, false)) {
      var failure =
          assertThrows(
              GantryException.class,
              () ->
                  container.monitor.program(
                      io.gantry.spi.Bytes.copyOf(new byte[] {1, 2, 3, 4, 5, 6, 7, 8})));
      assertTrue(HelperError.in(failure).isPresent(), failure.toString());
    }
  }

  @Test
  void aCommittedContainerIsFoundAgain() throws Exception {
    var container = box.start("sleep 1000");
    Monitor.Init init = container.monitor.init();
    container.monitor.commit();
    container.close();
    assertTrue(lives(init.pid()));
    CompletableFuture<ExitRecord> exit = new CompletableFuture<>();
    try (var found = Monitor.adopt(container.dir, box.loop, listener(exit))) {
      assertEquals(Hello.Phase.RUNNING, found.hello().phase());
      assertTrue(found.hello().committed());
      assertEquals(init, found.init());
      assertEquals(init, found.started());
      found.signal(SIGKILL);
      assertEquals(137, exit.get(60, TimeUnit.SECONDS).status());
      found.quit();
    }
    Box.eventually("the process goes", () -> !lives(init.pid()));
    var gone =
        assertThrows(
            GantryException.class,
            () -> Monitor.adopt(container.dir, box.loop, listener(new CompletableFuture<>())));
    assertEquals(Kind.NOT_FOUND, gone.kind());
    assertEquals(137, ExitRecord.read(container.dir).orElseThrow().status());
  }

  @Test
  void anExitThatNobodyHeardIsOnDisk() throws Exception {
    var container = box.create(false, true);
    MonitorStream stream = container.monitor.attach(Streams.ALL);
    container.monitor.program(box.shell("read x; exit 9"));
    container.monitor.commit();
    container.close();
    stream.write(ByteBuffer.wrap("go\n".getBytes(StandardCharsets.UTF_8)));
    Box.readAll(stream);
    stream.close();
    Box.eventually("a record", () -> ExitRecord.read(container.dir).isPresent());
    assertEquals(Optional.of(9), ExitRecord.read(container.dir).map(ExitRecord::status));
    Box.eventually("the socket goes", () -> !Files.exists(container.dir.resolve("ctl.sock")));
  }

  @Test
  void beforeItsCommitItEndsWithTheConnection() {
    var container = box.start("sleep 1000");
    long init = container.monitor.init().pid();
    long monitor = container.monitor.hello().monitorPid();
    assertTrue(lives(init));
    container.close();
    Box.eventually("process and monitor end", () -> !lives(init) && !lives(monitor));
    assertFalse(Files.exists(container.dir.resolve("ctl.sock")));
    assertFalse(container.exit.isDone() || container.lost.isDone());
  }

  @Test
  void aWaitingContainerEndsWithTheConnectionToo() {
    var container = box.create(false, false);
    long init = container.monitor.init().pid();
    container.close();
    Box.eventually("the process ends", () -> !lives(init));
  }

  @Test
  void aMonitorThatIsKilledBeforeItIsToldOfWhatMakesNothing() {
    Path dir = box.root.resolve("ahead");
    var ahead = box.spawner.expect(dir, true, DEAF);
    long zygote = box.spawner.pid();
    Box.eventually("it is forked", () -> ahead(zygote).count() == 1);
    ahead(zygote).forEach(ProcessHandle::destroyForcibly);
    Box.eventually("it ends", () -> ahead(zygote).count() == 0);
    ahead.create(Box.request("a".repeat(64), dir, false, false, false, 0));
    var failure = assertThrows(GantryException.class, ahead::created);
    assertEquals(Kind.UNAVAILABLE, failure.kind());
    ahead.close();
    assertFalse(Files.exists(dir));
  }

  @Test
  void aMonitorThatIsToldOfNothingEndsWithTheConnection() {
    long zygote = box.spawner.pid();
    var ahead = box.spawner.expect(box.root.resolve("ahead"), true, DEAF);
    Box.eventually("it is forked", () -> ahead(zygote).count() == 1);
    ahead.close();
    Box.eventually("it ends", () -> ahead(zygote).count() == 0);
  }

  /** Monitors of containers are its children, too, and have another title. */
  private static Stream<ProcessHandle> ahead(long zygote) {
    return ProcessHandle.of(zygote).orElseThrow().children().filter(MonitorTest::isOfTheZygote);
  }

  private static boolean isOfTheZygote(ProcessHandle process) {
    try {
      return Files.readString(Path.of("/proc/" + process.pid() + "/comm"))
          .startsWith("gantry-spawn");
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void aKilledMonitorIsLost() throws Exception {
    var container = box.start("sleep 1000");
    container.monitor.commit();
    Monitor.Init init = container.monitor.init();
    MonitorStream stream = container.monitor.attach(Streams.OUTPUT);
    ProcessHandle.of(container.monitor.hello().monitorPid()).orElseThrow().destroyForcibly();
    assertFalse(container.lost.get(60, TimeUnit.SECONDS).isEmpty());
    assertFalse(container.exit.isDone());
    assertEquals(0, Box.readAll(stream).length);
    stream.close();
    var gone = assertThrows(GantryException.class, () -> container.monitor.signal(SIGTERM));
    assertEquals(Kind.UNAVAILABLE, gone.kind());
    ProcessHandle.of(init.pid()).ifPresent(ProcessHandle::destroyForcibly);
    Box.eventually("the process ends", () -> !lives(init.pid()));
  }

  @Test
  void anotherZygoteLetsOldMonitorsBe() throws Exception {
    try (var container = box.start("sleep 1000")) {
      container.monitor.commit();
      long before = box.spawner.hello().monitorPid();
      box.spawner.quit();
      Spawner next = Spawner.ensure(box.helper, box.root, box.loop);
      assertNotEquals(before, next.hello().monitorPid());
      assertTrue(lives(container.monitor.init().pid()));
      container.monitor.signal(SIGKILL);
      assertEquals(137, container.awaitExit().status());
      container.monitor.quit();
    }
  }

  static Stream<byte[]> nonsense() {
    ByteBuffer huge = ByteBuffer.allocate(8).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    huge.put((byte) 32).put(4, (byte) 0).putInt(4, Integer.MAX_VALUE);
    return Stream.of(
        new byte[0],
        new byte[] {32},
        new byte[64],
        "GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII),
        huge.array(),
        Message.of(MessageType.CREATE).build().array(),
        Message.of(MessageType.CREATE).text(Tag.DIR, "relative").build().array(),
        Message.of(MessageType.CREATE).bytes(Tag.FLAGS, new byte[3]).build().array(),
        Message.of(MessageType.CREATE).bytes(Tag.DIR, new byte[] {'/', 0, 'x'}).build().array(),
        Message.of(MessageType.EXPECT).bytes(Tag.CLONE, new byte[9]).build().array(),
        Message.of(MessageType.EXPECT).number(Tag.CLONE, -1).build().array(),
        Message.of(MessageType.ATTACH).bytes(Tag.STREAMS, new byte[9]).build().array(),
        Message.of(MessageType.EXEC).text(Tag.EXEC_ID, "../../x").build().array(),
        Message.of(MessageType.EXEC)
            .text(Tag.EXEC_ID, "b".repeat(64))
            .bytes(Tag.PROGRAM, new byte[] {9, 9})
            .build()
            .array(),
        Message.of(MessageType.PROGRAM).bytes(Tag.PROGRAM, new byte[100]).build().array(),
        Message.of(MessageType.STDIN).build().array(),
        Message.of(255).build().array(),
        new OpProgram().loopbackUp().build().toArray());
  }

  @ParameterizedTest
  @MethodSource("nonsense")
  void nonsenseHarmsNobody(byte[] bytes) throws Exception {
    try (var container = box.start("sleep 1000")) {
      for (Path socket :
          List.of(box.root.resolve("spawn.sock"), container.dir.resolve("ctl.sock"))) {
        try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
          channel.write(ByteBuffer.wrap(bytes));
          channel.shutdownOutput();
          ByteBuffer sink = ByteBuffer.allocate(1 << 16);
          while (channel.read(sink.clear()) >= 0) {
            // until it is closed, which it must be
          }
        } catch (IOException e) {
          // reset: closed with our bytes unread
        }
      }
      assertEquals(Hello.Phase.SPAWNER, box.spawner.hello().phase());
      assertTrue(lives(container.monitor.init().pid()));
      container.monitor.signal(SIGKILL);
      assertEquals(137, container.awaitExit().status());
    }
  }

  private static Monitor.Listener listener(CompletableFuture<ExitRecord> exit) {
    return new Monitor.Listener() {
      @Override
      public void exited(ExitRecord record) {
        exit.complete(record);
      }

      @Override
      public void execExited(ExecExit ended) {}

      @Override
      public void lost(String reason) {
        exit.completeExceptionally(new AssertionError("lost: " + reason));
      }
    };
  }
}

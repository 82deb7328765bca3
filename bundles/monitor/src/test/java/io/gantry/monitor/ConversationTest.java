package io.gantry.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The client with a monitor played by the test, which also says what a real one never would. */
@Timeout(180)
class ConversationTest {

  private Path dir;
  private ServerSocketChannel server;
  private MonitorLoop loop;
  private final Heard heard = new Heard();
  private final ExecutorService threads = Executors.newCachedThreadPool();

  /** What the listener was told. */
  private static final class Heard implements Monitor.Listener {
    final CompletableFuture<ExitRecord> exit = new CompletableFuture<>();
    final CompletableFuture<ExecExit> execExit = new CompletableFuture<>();
    final CompletableFuture<String> lost = new CompletableFuture<>();
    final CompletableFuture<String> checking = new CompletableFuture<>();
    final CompletableFuture<Checks> checked = new CompletableFuture<>();
    volatile boolean failing;

    @Override
    public void exited(ExitRecord record) {
      exit.complete(record);
      if (failing) {
        throw new NoClassDefFoundError("of a bundle that was updated");
      }
    }

    @Override
    public void checking(String execId, long pid, Instant begin) {
      checking.complete(execId + " " + pid + " " + begin);
    }

    @Override
    public void checked(String execId, Checks checks) {
      checked.complete(checks);
    }

    @Override
    public void execExited(ExecExit ended) {
      execExit.complete(ended);
    }

    @Override
    public void lost(String reason) {
      lost.complete(reason);
    }
  }

  @BeforeEach
  void listen() throws IOException {
    dir = Files.createTempDirectory(Path.of("/tmp"), "gyc");
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(dir.resolve("ctl.sock")));
    loop =
        new MonitorLoop(
            work -> {
              var thread = new Thread(work, "monitor-loop");
              thread.setDaemon(true);
              return thread;
            },
            Duration.ofSeconds(5));
  }

  @AfterEach
  void stop() throws IOException {
    loop.close();
    server.close();
    threads.shutdownNow();
    Files.deleteIfExists(dir.resolve("exit"));
    Files.deleteIfExists(dir.resolve("ctl.sock"));
    Files.delete(dir);
  }

  private static Message.Builder hello(Hello.Phase phase) {
    return hello(phase, 1);
  }

  private static Message.Builder hello(Hello.Phase phase, int opSet) {
    return Message.of(MessageType.HELLO)
        .number(Tag.PROTOCOL, 1)
        .number(Tag.OP_SET, opSet)
        .text(Tag.HELPER_SHA256, "ab")
        .number(Tag.INIT_PID, 42)
        .number(Tag.INIT_START, 43)
        .number(Tag.PHASE, phase.ordinal())
        .number(Tag.COMMITTED, 1);
  }

  private CompletableFuture<SocketChannel> accepting(ServerSocketChannel server) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return server.accept();
          } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
          }
        },
        threads);
  }

  private static Message next(SocketChannel peer) throws IOException {
    return new MessageReader().next(peer);
  }

  private static void say(SocketChannel peer, Message.Builder message) {
    try {
      peer.write(message.build());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** A monitor whose other end the test holds. */
  private record Pair(Monitor monitor, SocketChannel peer) {}

  private Pair adopt(Message.Builder hello) throws Exception {
    CompletableFuture<SocketChannel> accepted =
        accepting(server)
            .thenApply(
                peer -> {
                  say(peer, hello);
                  return peer;
                });
    Monitor monitor = Monitor.adopt(dir, loop, heard);
    SocketChannel peer = accepted.get();
    assertEquals(MessageType.CONTROL, next(peer).type());
    return new Pair(monitor, peer);
  }

  @Test
  void whatAMonitorSaysOfItselfIsKept() throws Exception {
    Pair pair =
        adopt(
            hello(Hello.Phase.EXITED)
                .text(Tag.LIVE_EXEC, "a1")
                .text(Tag.LIVE_EXEC, "a2")
                .text(Tag.EXITED_EXEC, "b1 137 5000000000")
                .number(Tag.STATUS, 3)
                .number(Tag.TIME_NS, 7_000_000_001L));
    try (var monitor = pair.monitor()) {
      Hello hello = monitor.hello();
      assertEquals(List.of("a1", "a2"), hello.liveExecs());
      assertEquals(9, hello.exitedExecs().get(0).signal());
      assertEquals(3, hello.exit().status());
      assertEquals(1, hello.exit().time().getNano());
      assertEquals(new Monitor.Init(42, 43), monitor.init());
    }
  }

  @Test
  void whatAnOlderMonitorDoesNotKnowIsNotSentToIt() throws Exception {
    Bytes program = new OpProgram().umask(022).exec(List.of("true")).build();
    assertEquals(1, OpProgram.opSet(program));
    var request = new ExecRequest("a1", Streams.NONE, false, 0, 0, program);
    Pair older = adopt(hello(Hello.Phase.RUNNING, 0));
    try (var monitor = older.monitor()) {
      var failure = assertThrows(GantryException.class, () -> monitor.exec(request));
      assertEquals(Kind.UNSUPPORTED, failure.kind());
      assertTrue(failure.getMessage().contains("start the container anew"), failure.getMessage());
      server.configureBlocking(false);
      assertEquals(null, server.accept(), "nobody has come to ask for an exec");
      server.configureBlocking(true);
      CompletableFuture<Void> signal = CompletableFuture.runAsync(() -> monitor.signal(1), threads);
      assertEquals(1, next(older.peer()).number(Tag.SIGNAL));
      say(older.peer(), Message.of(MessageType.OK));
      signal.get(60, TimeUnit.SECONDS);
    }
    older.peer().close();
  }

  @Test
  void anOlderMonitorIsNotAskedToChangeANetwork() throws Exception {
    Bytes program = new OpProgram().loopbackUp().build();
    Pair older = adopt(hello(Hello.Phase.RUNNING, 2));
    try (var monitor = older.monitor()) {
      var failure = assertThrows(GantryException.class, () -> monitor.inside(program));
      assertEquals(Kind.UNSUPPORTED, failure.kind());
      server.configureBlocking(false);
      assertEquals(null, server.accept(), "nobody has come");
    }
    older.peer().close();
  }

  @Test
  void aMonitorThatGoesDuringAChangeOfTheNetworkIsUnavailable() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING, 3));
    try (var monitor = pair.monitor()) {
      CompletableFuture<SocketChannel> second = accepting(server);
      CompletableFuture<Void> change =
          CompletableFuture.runAsync(
              () -> monitor.inside(new OpProgram().loopbackUp().build()), threads);
      SocketChannel peer = second.get(60, TimeUnit.SECONDS);
      assertEquals(MessageType.INSIDE, next(peer).type());
      peer.close();
      var failure = assertThrows(ExecutionException.class, () -> change.get(60, TimeUnit.SECONDS));
      assertEquals(Kind.UNAVAILABLE, ((GantryException) failure.getCause()).kind());
    }
    pair.peer().close();
  }

  @Test
  void answersGoToTheirRequestsInOrder() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING));
    try (var monitor = pair.monitor()) {
      CompletableFuture<Void> first = CompletableFuture.runAsync(() -> monitor.signal(1), threads);
      assertEquals(1, next(pair.peer()).number(Tag.SIGNAL));
      CompletableFuture<Void> second =
          CompletableFuture.runAsync(() -> monitor.resize(2, 3), threads);
      Message resize = next(pair.peer());
      assertEquals(2, resize.number(Tag.ROWS));
      assertEquals(3, resize.number(Tag.COLUMNS));
      say(pair.peer(), Message.of(MessageType.OK));
      say(
          pair.peer(),
          Message.of(MessageType.ERROR).number(Tag.ERRNO, 25).text(Tag.TEXT, "no terminal"));
      first.get(60, TimeUnit.SECONDS);
      var failure = assertThrows(ExecutionException.class, () -> second.get(60, TimeUnit.SECONDS));
      var reason = (GantryException) failure.getCause();
      assertEquals(Kind.CONFLICT, reason.kind());
      assertEquals("no terminal", reason.getMessage());
      assertEquals(25, HelperError.in(reason).orElseThrow().errno());
      assertFalse(HelperError.in(reason).orElseThrow().ofSetUp());
    }
  }

  @Test
  void anErrorOfTheSetUpAnswersNoSignal() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.CREATED));
    try (var monitor = pair.monitor()) {
      CompletableFuture<Void> start =
          CompletableFuture.runAsync(() -> monitor.program(Bytes.copyOf(new byte[8])), threads);
      assertEquals(MessageType.PROGRAM, next(pair.peer()).type());
      CompletableFuture<Void> signal = CompletableFuture.runAsync(() -> monitor.signal(9), threads);
      assertEquals(MessageType.SIGNAL, next(pair.peer()).type());
      say(
          pair.peer(),
          Message.of(MessageType.ERROR)
              .number(Tag.ERRNO, 2)
              .number(Tag.OP_INDEX, 4)
              .number(Tag.OP_CODE, 36)
              .number(Tag.STAGE, 2)
              .text(Tag.TEXT, "exec: no"));
      var failure = assertThrows(ExecutionException.class, () -> start.get(60, TimeUnit.SECONDS));
      HelperError error = HelperError.in(failure).orElseThrow();
      assertEquals(127, error.exitCode());
      assertEquals(4, error.opIndex());
      assertFalse(signal.isDone());
      say(pair.peer(), Message.of(MessageType.OK));
      signal.get(60, TimeUnit.SECONDS);
    }
  }

  @Test
  void aSilentMonitorIsGivenUp() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING));
    try (var monitor = pair.monitor()) {
      var failure = assertThrows(GantryException.class, () -> monitor.signal(1));
      assertEquals(Kind.UNAVAILABLE, failure.kind());
    }
    pair.peer().close();
  }

  @Test
  void anInterruptedCallIsCancelled() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING));
    try (var monitor = pair.monitor()) {
      Thread.currentThread().interrupt();
      var failure = assertThrows(GantryException.class, () -> monitor.signal(1));
      assertEquals(Kind.CANCELLED, failure.kind());
      assertTrue(Thread.interrupted());
    }
    pair.peer().close();
  }

  @Test
  void anEndWithoutARecordIsALoss() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING));
    CompletableFuture<Void> pending =
        CompletableFuture.runAsync(() -> pair.monitor().signal(1), threads);
    next(pair.peer());
    pair.peer().close();
    assertFalse(heard.lost.get(60, TimeUnit.SECONDS).isEmpty());
    var failure = assertThrows(ExecutionException.class, () -> pending.get(60, TimeUnit.SECONDS));
    assertEquals(Kind.UNAVAILABLE, ((GantryException) failure.getCause()).kind());
    assertFalse(heard.exit.isDone());
    pair.monitor().close();
  }

  @Test
  void anEndWithARecordIsAnExit() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING));
    Files.writeString(
        dir.resolve("exit"), "status=128\nsignal=0\ntime_ns=5\nerror=exec: \"x\": not = found\n");
    pair.peer().close();
    ExitRecord exit = heard.exit.get(60, TimeUnit.SECONDS);
    assertEquals(128, exit.status());
    assertEquals("exec: \"x\": not = found", exit.error());
    assertFalse(heard.lost.isDone());
    pair.monitor().close();
  }

  @Test
  void aRecordThatEndsInsideACharacterIsOneToo() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING));
    byte[] record = "status=127\nerror=exec: \"\u00e9".getBytes(StandardCharsets.UTF_8);
    Files.write(dir.resolve("exit"), Arrays.copyOf(record, record.length - 1));
    pair.peer().close();
    assertEquals(127, heard.exit.get(60, TimeUnit.SECONDS).status());
    pair.monitor().close();
  }

  @Test
  void aListenersErrorLeavesTheLoopAlone() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING));
    heard.failing = true;
    say(pair.peer(), Message.of(MessageType.EXIT).number(Tag.STATUS, 1));
    heard.exit.get(60, TimeUnit.SECONDS);
    say(pair.peer(), Message.of(MessageType.EXEC_EXIT).text(Tag.EXEC_ID, "id"));
    assertEquals("id", heard.execExit.get(60, TimeUnit.SECONDS).execId());
    pair.monitor().close();
  }

  @Test
  void aClosedConnectionTellsNothing() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING));
    pair.monitor().close();
    pair.monitor().close();
    assertEquals(-1, pair.peer().read(ByteBuffer.allocate(1)));
    assertFalse(heard.lost.isDone() || heard.exit.isDone());
    assertThrows(GantryException.class, () -> pair.monitor().signal(1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "05000000ffffffff", // longer than any message
        "0500000004000000" + "00000000", // ends inside an attribute
        "0500000008000000" + "10000000ffffff7f", // attribute longer than the message
        "050000000c000000" + "1000000004000000" + "01000000", // a number of 4 bytes
        "0700000010000000" + "1000000005000000" + "0102030405000000",
      })
  void aMonitorThatSpeaksNonsenseIsLost(String hex) throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING));
    pair.peer().write(ByteBuffer.wrap(java.util.HexFormat.of().parseHex(hex)));
    assertFalse(heard.lost.get(60, TimeUnit.SECONDS).isEmpty());
    assertEquals(-1, pair.peer().read(ByteBuffer.allocate(1)));
    pair.monitor().close();
  }

  @Test
  void messagesOfLaterProtocolsAreSkippedAndPiecesPutTogether() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING));
    say(pair.peer(), Message.of(200).text(Tag.TEXT, "news"));
    ByteBuffer exit =
        Message.of(MessageType.EXEC_EXIT)
            .text(Tag.EXEC_ID, "e1")
            .number(Tag.STATUS, 4)
            .number(Tag.TIME_NS, 1)
            .build();
    while (exit.hasRemaining()) {
      pair.peer().write(ByteBuffer.wrap(new byte[] {exit.get()}));
    }
    assertEquals(4, heard.execExit.get(60, TimeUnit.SECONDS).status());
    pair.monitor().close();
  }

  @Test
  void aStreamKeepsWhatFollowsItsAnswer() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING));
    CompletableFuture<SocketChannel> accepted = accepting(server);
    CompletableFuture<MonitorStream> attached =
        CompletableFuture.supplyAsync(() -> pair.monitor().attach(Streams.OUTPUT), threads);
    SocketChannel peer = accepted.get();
    assertEquals(6, next(peer).number(Tag.STREAMS));
    ByteBuffer answer = Message.of(MessageType.OK).build();
    ByteBuffer both = ByteBuffer.allocate(answer.remaining() + 5).put(answer);
    peer.write(both.put("bytes".getBytes(java.nio.charset.StandardCharsets.US_ASCII)).flip());
    try (MonitorStream stream = attached.get()) {
      assertEquals(5, Box.read(stream).remaining());
      CompletableFuture<ByteBuffer> waiting = stream.read().toCompletableFuture();
      assertFalse(waiting.isDone());
      assertThrows(IllegalStateException.class, stream::read);
      stream.write(ByteBuffer.wrap(new byte[] {7})).toCompletableFuture().get();
      ByteBuffer input = ByteBuffer.allocate(9);
      while (input.hasRemaining()) {
        assertTrue(peer.read(input) > 0);
      }
      assertEquals(MessageType.STDIN, input.get(0));
      assertEquals(7, input.get(8));
      stream.close();
      assertFalse(waiting.get(60, TimeUnit.SECONDS).hasRemaining());
      assertFalse(Box.read(stream).hasRemaining());
    }
    pair.monitor().close();
  }

  @Test
  void waitingOnTheLoopItselfIsRefused() throws Exception {
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    CompletableFuture<Monitor> self = new CompletableFuture<>();
    CompletableFuture<SocketChannel> accepted =
        accepting(server)
            .thenApply(
                peer -> {
                  say(peer, hello(Hello.Phase.RUNNING));
                  return peer;
                });
    var listener =
        new Monitor.Listener() {
          @Override
          public void exited(ExitRecord exit) {
            self.thenAccept(
                monitor ->
                    thrown.complete(
                        assertThrows(IllegalStateException.class, () -> monitor.signal(1))));
          }

          @Override
          public void execExited(ExecExit exit) {}

          @Override
          public void lost(String reason) {}
        };
    try (var monitor = Monitor.adopt(dir, loop, listener)) {
      self.complete(monitor);
      say(accepted.get(), Message.of(MessageType.EXIT).number(Tag.STATUS, 1));
      assertTrue(thrown.get(60, TimeUnit.SECONDS) instanceof IllegalStateException);
    }
  }

  private static byte[] result(long outcome, long status, String output) {
    var inner =
        Message.of(MessageType.CHECKED)
            .number(Tag.BEGIN_NS, 1_000_000_000)
            .number(Tag.TIME_NS, 2_000_000_000)
            .number(Tag.OUTCOME, outcome)
            .number(Tag.STATUS, status)
            .number(Tag.FLAGS, 1)
            .bytes(Tag.BYTES, output.getBytes(StandardCharsets.UTF_8))
            .build()
            .position(Message.HEAD);
    byte[] bytes = new byte[inner.remaining()];
    inner.get(bytes);
    return bytes;
  }

  @Test
  void aMonitorThatChecksSaysSoAndTellsResults() throws Exception {
    Pair pair =
        adopt(
            hello(Hello.Phase.RUNNING, 4)
                .number(Tag.HEALTH, 1)
                .number(Tag.STREAK, 0)
                .bytes(Tag.RESULT, result(0, 3, "three"))
                .bytes(Tag.RESULT, result(2, 0, "why")));
    assertTrue(pair.monitor().canCheck());
    Checks known = Objects.requireNonNull(pair.monitor().hello().checks());
    assertEquals(Checks.State.HEALTHY, known.state());
    var first = known.results().get(0);
    assertEquals(3, first.status());
    assertEquals("three", new String(first.output().toArray(), StandardCharsets.UTF_8));
    assertTrue(first.cut());
    assertEquals(Duration.ofSeconds(1), Duration.between(first.begin(), first.end()));
    assertEquals(CheckResult.Outcome.NOT_RUN, known.results().get(1).outcome());

    var program = Bytes.copyOf(new byte[] {0x31, 0x52, 0x50, 0x47, 0, 0, 0, 0});
    var asked =
        pair.monitor()
            .check(
                new CheckRequest(
                    program,
                    Duration.ofNanos(1_000_001),
                    Duration.ofSeconds(2),
                    Duration.ZERO,
                    Duration.ofSeconds(5),
                    3));
    Message request = next(pair.peer());
    assertEquals(MessageType.CHECK, request.type());
    assertEquals(2, request.number(Tag.INTERVAL_MS));
    assertEquals(2000, request.number(Tag.TIMEOUT_MS));
    assertEquals(3, request.number(Tag.RETRIES));
    assertEquals(program, request.bytes(Tag.PROGRAM));
    say(pair.peer(), Message.of(MessageType.OK));
    asked.get(60, TimeUnit.SECONDS);

    say(
        pair.peer(),
        Message.of(MessageType.CHECKING)
            .text(Tag.EXEC_ID, "ab")
            .number(Tag.INIT_PID, 77)
            .number(Tag.BEGIN_NS, 0));
    assertEquals("ab 77 1970-01-01T00:00:00Z", heard.checking.get(60, TimeUnit.SECONDS));
    say(
        pair.peer(),
        Message.of(MessageType.CHECKED)
            .text(Tag.EXEC_ID, "ab")
            .number(Tag.HEALTH, 2)
            .number(Tag.STREAK, 4)
            .bytes(Tag.RESULT, result(1, 0, "")));
    var checked = heard.checked.get(60, TimeUnit.SECONDS);
    assertEquals(Checks.State.UNHEALTHY, checked.state());
    assertEquals(4, checked.streak());
    assertEquals(CheckResult.Outcome.LATE, checked.results().get(0).outcome());
    pair.monitor().close();
    pair.peer().close();
  }

  @Test
  void aFormerMonitorIsNotAskedToCheck() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING, 3));
    assertFalse(pair.monitor().canCheck());
    assertNull(pair.monitor().hello().checks());
    var request =
        new CheckRequest(
            Bytes.EMPTY, Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, 1);
    var failure = assertThrows(GantryException.class, () -> pair.monitor().check(request));
    assertEquals(Kind.UNSUPPORTED, failure.kind());
    pair.monitor().close();
    pair.peer().close();
  }

  @Test
  void closingTheLoopEndsEveryWait() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING));
    CompletableFuture<Void> pending =
        CompletableFuture.runAsync(() -> pair.monitor().signal(1), threads);
    next(pair.peer());
    loop.close();
    var failure = assertThrows(ExecutionException.class, () -> pending.get(60, TimeUnit.SECONDS));
    assertTrue(failure.getCause() instanceof GantryException);
    assertFalse(heard.lost.isDone());
  }

  @Test
  void whoComesWhileTheQueueIsFullWaits() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING));
    var queued = fill();
    CompletableFuture<MonitorStream> attached =
        CompletableFuture.supplyAsync(() -> pair.monitor().attach(Streams.OUTPUT), threads);
    assertThrows(TimeoutException.class, () -> attached.get(200, TimeUnit.MILLISECONDS));
    for (SocketChannel one : queued) {
      server.accept().close();
      one.close();
    }
    SocketChannel peer = server.accept();
    assertEquals(MessageType.ATTACH, next(peer).type());
    say(peer, Message.of(MessageType.OK));
    attached.get(60, TimeUnit.SECONDS).close();
    peer.close();
    pair.monitor().close();
    pair.peer().close();
  }

  @Test
  void whoComesWhileTheQueueStaysFullIsToldThatItIs() throws Exception {
    var queued = fill();
    var failure = assertThrows(GantryException.class, () -> Monitor.adopt(dir, loop, heard));
    assertEquals(Kind.UNAVAILABLE, failure.kind());
    assertTrue(failure.getMessage().contains("does not accept"), failure.getMessage());
    for (SocketChannel one : queued) {
      one.close();
    }
  }

  /** As many connections as the server's queue takes. */
  private List<SocketChannel> fill() throws IOException {
    List<SocketChannel> queued = new ArrayList<>();
    try {
      while (true) {
        SocketChannel one = SocketChannel.open(StandardProtocolFamily.UNIX);
        queued.add(one);
        one.configureBlocking(false);
        one.connect(UnixDomainSocketAddress.of(dir.resolve("ctl.sock")));
      }
    } catch (SocketException full) {
      queued.remove(queued.size() - 1).close();
      return queued;
    }
  }

  @Test
  void aDirectoryWithoutAMonitorHasNone() {
    var failure =
        assertThrows(GantryException.class, () -> Monitor.adopt(dir.resolve("none"), loop, heard));
    assertEquals(Kind.NOT_FOUND, failure.kind());
  }

  @Test
  void aRequestThatIsTooLongTakesNoAnswer() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.RUNNING));
    try (var monitor = pair.monitor()) {
      var tooLong = new Spool("/" + "x".repeat(4 << 20), 0, 1, 0);
      assertThrows(GantryException.class, () -> monitor.output(tooLong));
      CompletableFuture<Void> signal = CompletableFuture.runAsync(() -> monitor.signal(1), threads);
      assertEquals(MessageType.SIGNAL, next(pair.peer()).type());
      say(pair.peer(), Message.of(MessageType.OK));
      signal.get(60, TimeUnit.SECONDS);
    }
  }

  @Test
  void aDescriptionThatIsTooLongIsRefusedBeforeItIsSent() throws Exception {
    Pair pair = adopt(hello(Hello.Phase.CREATED));
    try (var monitor = pair.monitor()) {
      var failure =
          assertThrows(
              GantryException.class, () -> monitor.program(Bytes.copyOf(new byte[4 << 20])));
      assertEquals(Kind.INVALID, failure.kind());
    }
  }
}

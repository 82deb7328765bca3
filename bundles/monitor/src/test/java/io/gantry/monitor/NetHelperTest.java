package io.gantry.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.netlink.NameRedirect;
import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The client with the real net helper, monitors and containers. */
@Tag("root")
@Timeout(180)
class NetHelperTest {

  private static final Consumer<String> UNHEARD = reason -> {};

  private Box box;

  @BeforeEach
  void start() {
    box = new Box();
  }

  @AfterEach
  void end() {
    box.close();
  }

  private NetHelper ensure(Consumer<String> lost) {
    return NetHelper.ensure(box.spawner, box.helper.sha256(), box.root, box.loop, lost);
  }

  /** Listens where a container would. */
  private static final class Server implements AutoCloseable {
    final ServerSocket listening;

    Server() throws IOException {
      listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
      listening.setSoTimeout(60_000);
    }

    int port() {
      return listening.getLocalPort();
    }

    /** Answers one connection with what it says. */
    void echo() throws IOException {
      try (Socket accepted = listening.accept()) {
        accepted.getOutputStream().write(accepted.getInputStream().readAllBytes());
      }
    }

    @Override
    public void close() throws IOException {
      listening.close();
    }
  }

  private static int freePort() throws IOException {
    try (var server = new Server()) {
      return server.port();
    }
  }

  private static String say(Socket client, Server server, String text) throws IOException {
    client.setSoTimeout(60_000);
    client.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
    client.shutdownOutput();
    server.echo();
    return new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  private static NetTable leads(String container, String listener, int port) {
    return new NetTable(
        container,
        List.of(new NetTable.Target(listener, "127.0.0.1", port)),
        List.of(),
        List.of(),
        List.of(),
        false);
  }

  private static String id(Box.Container container) {
    return container.monitor.hello().container();
  }

  private static Socket connect(int port) throws IOException {
    return new Socket(InetAddress.getLoopbackAddress(), port);
  }

  @Test
  void aPortLeadsToTheContainerAndOutlivesTheHelper() throws Exception {
    int port = freePort();
    var lost = new CompletableFuture<String>();
    try (var server = new Server();
        var container = box.createSilent()) {
      NetHelper first = ensure(lost::complete);
      assertTrue(first.isFresh());
      container.monitor.listen(List.of(new HostListener("web", "tcp", "127.0.0.1", port)));
      container.monitor.serveBy(first.socket());
      first.table(leads(id(container), "web", server.port()));
      try (Socket client = connect(port)) {
        assertEquals("hello", say(client, server, "hello"));
      }
      assertEquals(1, first.counters().get("containers"));
      try (var again = ensure(UNHEARD)) {
        assertFalse(again.isFresh());
        assertEquals(first.pid(), again.pid());
      }

      ProcessHandle.of(first.pid()).orElseThrow().destroyForcibly();
      lost.get(60, TimeUnit.SECONDS);
      Socket waiting = connect(port);
      NetHelper second = ensure(UNHEARD);
      assertTrue(second.isFresh());
      assertNotEquals(first.pid(), second.pid());
      container.monitor.serveBy(second.socket());
      second.resync(List.of(leads(id(container), "web", server.port())));
      try (waiting) {
        assertEquals("again", say(waiting, server, "again"));
      }
      container.monitor.unlisten(List.of(new HostListener("web", "tcp", "127.0.0.1", port)));
      assertThrows(IOException.class, () -> connect(port));
      second.quit();
    }
  }

  @Test
  void aHelperOfAnotherBuildFinishesItsConnections() throws Exception {
    int port = freePort();
    try (var server = new Server();
        var container = box.createSilent()) {
      NetHelper former = ensure(UNHEARD);
      long formerPid = former.pid();
      container.monitor.listen(List.of(new HostListener("web", "tcp", "127.0.0.1", port)));
      container.monitor.serveBy(former.socket());
      former.table(leads(id(container), "web", server.port()));
      Socket under = connect(port);
      Socket end = server.listening.accept();
      former.close();

      NetHelper present = NetHelper.ensure(box.spawner, "other", box.root, box.loop, UNHEARD);
      assertTrue(present.isFresh());
      container.monitor.serveBy(present.socket());
      present.resync(List.of(leads(id(container), "web", server.port())));
      present.succeed();
      try (Socket client = connect(port)) {
        assertEquals("new", say(client, server, "new"));
      }
      under.getOutputStream().write('x');
      assertEquals('x', end.getInputStream().read());
      assertTrue(Files.exists(Path.of("/proc/" + formerPid)));
      under.close();
      end.close();
      Box.eventually("the former one ends", () -> !Files.exists(Path.of("/proc/" + formerPid)));
      present.quit();
    }
  }

  @Test
  void aContainerFindsOthersByName() throws Exception {
    var front = new NetTable.View("n1", "front");
    try (var container = box.createNetworked()) {
      container.monitor.program(
          new OpProgram()
              .loopbackUp()
              .dns("127.0.0.11", 53)
              .append(box.shell("sleep 1000"))
              .build());
      NetHelper helper = ensure(UNHEARD);
      container.monitor.serveBy(helper.socket());
      helper.table(
          new NetTable(id(container), List.of(), List.of(front), List.of(), List.of(), false));
      helper.table(
          new NetTable(
              "db",
              List.of(),
              List.of(),
              List.of(
                  new NetTable.Endpoint(
                      "n1", List.of("10.1.0.2", "fd00::2"), "db.front", List.of("db", "data"))),
              List.of(),
              false));
      String found = lookUp(container, "db");
      assertTrue(found.contains("Address: 10.1.0.2") && found.contains("fd00::2"), found);
      assertTrue(lookUp(container, "10.1.0.2").contains("name = db.front"));
      assertTrue(lookUp(container, "data.front").contains("10.1.0.2"));
      helper.forget("db");
      assertTrue(lookUp(container, "db").contains("NXDOMAIN"));
      assertTrue(helper.counters().get("questions") > 0);
      var wrong =
          assertThrows(
              GantryException.class, () -> helper.table(leads(id(container), "web", 70_000)));
      assertEquals("malformed target", wrong.getMessage());
      helper.quit();
    }
  }

  @Test
  void aContainerMayHaveANameServerOfItsOwn() throws Exception {
    var resolver = (Inet4Address) InetAddress.getByName("127.0.0.11");
    try (var container = box.createNetworked()) {
      container.monitor.program(
          new OpProgram()
              .loopbackUp()
              .dns("127.0.0.11", 45_353)
              .netfilter(Bytes.copyOf(NameRedirect.to(resolver, 45_353)))
              .append(box.shell("sleep 1000"))
              .build());
      NetHelper helper = ensure(UNHEARD);
      container.monitor.serveBy(helper.socket());
      helper.table(
          new NetTable(
              id(container),
              List.of(),
              List.of(new NetTable.View("n1", "front")),
              List.of(
                  new NetTable.Endpoint("n1", List.of("10.1.0.2"), "web.front", List.of("web"))),
              List.of(),
              false));
      String server =
          "/bin/busybox nc -l -p 53 </dev/null & "
              + "while kill -0 $! && ! /bin/busybox grep 00000000:0035 /proc/net/tcp /proc/net/tcp6; do :; done; "
              + "/bin/busybox nslookup web 127.0.0.11; kill $!";
      String found = run(container, "/bin/sh", "-c", server);
      assertTrue(found.contains("00000000:0035") && found.contains("10.1.0.2"), found);
      helper.quit();
    }
  }

  @Test
  void wordsThatWouldBeReadAsOthersAreRefused() {
    for (String word : List.of("", "two words", "line\nline", "a,b")) {
      var failure =
          assertThrows(
              GantryException.class,
              () -> new NetTable.Endpoint("n1", List.of("10.1.0.2"), "db.front", List.of(word)));
      assertEquals(Kind.INVALID, failure.kind());
    }
  }

  private int execs;

  private String lookUp(Box.Container container, String name) throws Exception {
    return run(container, "/bin/busybox", "nslookup", name, "127.0.0.11");
  }

  private String run(Box.Container container, String... command) throws Exception {
    var request =
        new ExecRequest(
            "%064x".formatted(++execs),
            Streams.OUTPUT,
            false,
            0,
            0,
            box.execProgram(false, command));
    try (var stream = container.monitor.exec(request)) {
      byte[] all = Box.readAll(stream);
      return Box.frames(all, 1) + Box.frames(all, 2);
    }
  }
}

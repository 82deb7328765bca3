package io.gantry.log.syslog;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.log.LogBatch;
import io.gantry.spi.log.LogDriver;
import io.gantry.spi.testkit.LogDriverContract;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Over TCP to a real rsyslog; the other ways with a few lines each. */
@Tag("root")
class SyslogDriverTest extends LogDriverContract {
  private static final String ID = "a1".repeat(32);

  @TempDir Path dir;
  private final List<SyslogDriver> drivers = new ArrayList<>();
  private Rsyslog server;

  @BeforeEach
  void start() throws Exception {
    server = Rsyslog.start(dir);
  }

  @AfterEach
  void stop() throws Exception {
    drivers.forEach(SyslogDriver::letGo);
    server.close();
  }

  @Override
  protected LogDriver driver() {
    var driver = new SyslogDriver(Duration.ofSeconds(2));
    drivers.add(driver);
    return driver;
  }

  @Override
  protected Map<String, String> options() {
    return Map.of("syslog-address", "tcp://127.0.0.1:" + server.port());
  }

  @Override
  protected List<String> arrived() throws Exception {
    return server.got().stream().map(SyslogDriverTest::message).toList();
  }

  /** rsyslog keeps the space before the message, and writes bytes beyond ASCII as they are. */
  private static String message(String line) {
    return line.substring(line.indexOf('|') + 1).stripLeading();
  }

  @Override
  protected void away() throws Exception {
    server.down();
  }

  @Override
  protected void back() throws Exception {
    server.up();
  }

  @Test
  void everyWayArrives() throws Exception {
    String port = ":" + server.port();
    var ways =
        List.of(
            "udp://127.0.0.1" + port,
            "tcp://localhost" + port,
            "unix://" + server.stream(),
            "unixgram://" + server.datagram());
    var driver = driver();
    for (String way : ways) {
      driver.open(target(ID), Map.of("syslog-address", way, "tag", "{{.Name}}"));
      driver.append(ID, batch(0, "by " + way));
      until(() -> arrived().contains("by " + way));
    }
    assertTrue(server.got().get(0).startsWith("daemon.info web "), server.got().get(0));
  }

  @Test
  void everyFormatIsUnderstood() throws Exception {
    var driver = driver();
    for (String format : List.of("", "rfc3164", "rfc5424", "rfc5424micro")) {
      var options = new HashMap<>(options());
      options.put("syslog-format", format);
      options.put("syslog-facility", "local3");
      options.put("tag", "{{.Name}}");
      driver.open(target(ID), options);
      driver.append(ID, batch(0, "as <" + format + ">"));
      until(() -> arrived().contains("as <" + format + ">"));
    }
    for (String line : server.got()) {
      assertTrue(line.startsWith("local3.info web "), line);
    }
  }

  @Test
  void anEndShortlyAfterAMessageIsAFailure() throws Exception {
    var driver = driver();
    try (var listener = new ServerSocket(0)) {
      driver.open(
          target(ID), Map.of("syslog-address", "tcp://127.0.0.1:" + listener.getLocalPort()));
      driver.append(ID, batch(0, "one"));
      listener.accept().close(); // has read nothing
      var e = assertThrows(GantryException.class, () -> driver.append(ID, batch(1, "two")));
      assertEquals(GantryException.Kind.UNAVAILABLE, e.kind());
      long begin = System.nanoTime();
      driver.append(ID, batch(0, "one"));
      try (var connection = listener.accept()) {
        var reader = new BufferedReader(new InputStreamReader(connection.getInputStream(), UTF_8));
        assertTrue(reader.readLine().endsWith("one"));
      }
      until(() -> System.nanoTime() - begin > LogDriver.DOUBTFUL.toNanos());
      driver.append(ID, batch(1, "two")); // an end after a silence has lost nothing
      listener.accept().close();
    }
  }

  @Test
  void aSlowServerGetsAllOfABatchInCallsThatEnd() throws Exception {
    var driver = new SyslogDriver(Duration.ofSeconds(1));
    drivers.add(driver);
    String[] lines = new String[256]; // more than the buffers of both ends take
    Arrays.setAll(lines, i -> i + "x".repeat(16 * 1024));
    var inHaste = new AtomicBoolean();
    try (var listener = new ServerSocket()) {
      listener.setReceiveBufferSize(64 * 1024);
      listener.bind(new InetSocketAddress("127.0.0.1", 0));
      driver.open(
          target(ID), Map.of("syslog-address", "tcp://127.0.0.1:" + listener.getLocalPort()));
      var got = CompletableFuture.supplyAsync(() -> read(listener, lines.length, inHaste));
      var e = assertThrows(GantryException.class, () -> driver.append(ID, batch(0, lines)));
      assertEquals(GantryException.Kind.EXHAUSTED, e.kind(), e.getMessage());
      assertTrue(driver.status().toString().contains("slowly"), driver.status().toString());
      inHaste.set(true);
      until(() -> taken(driver, batch(0, lines)));
      var all = got.get(20, TimeUnit.SECONDS);
      for (int i = 0; i < lines.length; i++) {
        assertTrue(all.get(i).endsWith(": " + lines[i]), all.get(i).substring(0, 80));
      }
    }
  }

  private static boolean taken(SyslogDriver driver, LogBatch batch) {
    try {
      driver.append(ID, batch);
      return true;
    } catch (GantryException e) {
      assertEquals(GantryException.Kind.EXHAUSTED, e.kind());
      return false;
    }
  }

  /** A little at a time until there is haste. */
  private static List<String> read(ServerSocket listener, int lines, AtomicBoolean inHaste) {
    try (var connection = listener.accept()) {
      var in = new InputStreamReader(connection.getInputStream(), UTF_8);
      var text = new StringBuilder();
      char[] some = new char[8 * 1024];
      for (int left = lines; left > 0; ) {
        int count = in.read(some);
        for (int i = 0; i < count; i++) {
          left -= some[i] == '\n' ? 1 : 0;
        }
        text.append(some, 0, count);
        if (!inHaste.get()) {
          LockSupport.parkNanos(10_000_000);
        }
      }
      return text.toString().lines().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void anAddressThatIsRefusedLeavesNoDescriptor() throws Exception {
    var driver = driver();
    driver.open(target(ID), Map.of("syslog-address", "udp://255.255.255.255"));
    long before = sockets();
    for (int attempt = 0; attempt < 20; attempt++) {
      assertThrows(GantryException.class, () -> driver.append(ID, batch(0, "one")));
    }
    assertTrue(sockets() < before + 10, sockets() + " sockets, " + before + " before");
  }

  private static long sockets() throws IOException {
    try (var open = Files.list(Path.of("/proc/self/fd"))) {
      return open.filter(fd -> target(fd).startsWith("socket:")).count();
    }
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException e) {
      return ""; // closed meanwhile
    }
  }

  @Test
  void addressesAreCheckedInDockersWords() {
    refused("unsupported scheme: ''", "syslog-address", "foo");
    refused("unsupported scheme: 'http'", "syslog-address", "http://x");
    refused("parse \"://\": missing protocol scheme", "syslog-address", "://");
    refused(
        "stat /nonexistent.sock: no such file or directory",
        "syslog-address",
        "unix:///nonexistent.sock");
    refused("invalid syslog facility", "syslog-facility", "foo");
    refused("invalid syslog facility", "syslog-facility", "99");
    refused("Invalid syslog format", "syslog-format", "foo");
    refused("unknown log opt 'foo' for syslog log driver", "foo", "x");
    var driver = driver();
    var e =
        assertThrows(
            GantryException.class,
            () -> driver.open(target(ID), Map.of("syslog-address", "udp://127.0.0.1:99999")));
    assertEquals("dial udp: address 99999: invalid port", e.getMessage());
    e =
        assertThrows(
            GantryException.class,
            () ->
                driver.open(
                    target(ID),
                    Map.of(
                        "syslog-address",
                        "tcp+tls://127.0.0.1:1",
                        "syslog-tls-ca-cert",
                        "/nonexistent")));
    assertEquals(
        "could not read CA certificate \"/nonexistent\": open /nonexistent: no such file or"
            + " directory",
        e.getMessage());
    assertEquals("127.0.0.1:514", SyslogAddress.parse("tcp://127.0.0.1").target());
    assertEquals("::1", SyslogAddress.parse("tcp://[::1]:5").host());
  }

  private void refused(String sentence, String option, String value) {
    var e = assertThrows(GantryException.class, () -> driver().check(Map.of(option, value)));
    assertEquals(sentence, e.getMessage());
    assertEquals(GantryException.Kind.INVALID, e.kind());
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private void until(Condition condition) throws Exception {
    long end = System.nanoTime() + 20_000_000_000L;
    while (!condition.holds()) {
      assertTrue(System.nanoTime() < end, () -> "never: " + drivers);
      LockSupport.parkNanos(10_000_000);
    }
  }
}

package io.gantry.itests.docker;

import static io.gantry.itests.harness.Eventually.eventually;
import static io.gantry.itests.harness.Eventually.within;
import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Namespace;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Published ports, beside a firewall of the host and while they are changed: an engine in a network
 * namespace, a client in another. 8080 leads into a network as usual, by the kernel's translation,
 * and is forwarded; 8081 into one whose ports are held to what the host lets in.
 */
@Tag("root")
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PublishedPortsTest {
  private static final String HOST = "198.51.100.1";
  private static final int OPEN = 8080;
  private static final int HELD = 8081;
  private static final int REFUSED = 7; // of curl
  private static final Duration STARTING = Duration.ofSeconds(60);

  @TempDir Path scratch;
  private Namespace host;
  private Namespace client;
  private Instance engine;
  private String table = "";
  private String rulesBefore = "";

  @BeforeAll
  void start() throws IOException {
    host = Namespace.make();
    client = Namespace.make();
    String peer = Long.toString(client.pid());
    host.run("ip", "link", "add", "out0", "type", "veth", "peer", "name", "eth0", "netns", peer)
        .ok();
    host.run("ip", "addr", "add", HOST + "/24", "dev", "out0").ok();
    host.run("ip", "link", "set", "out0", "up").ok();
    client.run("ip", "addr", "add", "198.51.100.2/24", "dev", "eth0").ok();
    client.run("ip", "link", "set", "eth0", "up").ok();
    engine = Instance.startIn(host);
    engine.importBusybox();
    table = "gantry-" + Files.readString(engine.dataRoot().resolve("instance")).strip() + "-bridge";
    engine.docker("network", "create", "open").ok();
    engine.docker("network", "create", "-o", "io.gantry.network.firewall=host", "held").ok();
    serve("open", OPEN);
    serve("held", HELD);
    rulesBefore = ours();
    assertReached(OPEN);
    assertReached(HELD);
  }

  private void serve(String network, int port) {
    String[] web = {"busybox", "httpd", "-f", "-p", "80", "-h", "/etc"};
    String[] run = {"run", "-d", "--name", network, "--network", network, "-p", port + ":80"};
    var words = new ArrayList<>(List.of(run));
    words.addAll(List.of(web));
    engine.docker(words.toArray(String[]::new)).ok();
  }

  @AfterAll
  void end() {
    try {
      engine.close();
    } finally {
      client.close();
      host.close();
    }
  }

  private boolean isReached(int port) {
    return fetch(port) == 0;
  }

  /** What curl ends with. */
  private int fetch(int port) {
    String url = "http://" + HOST + ":" + port + "/passwd";
    return client.run("curl", "-sf", "-o", "/dev/null", "--max-time", "2", url).exit();
  }

  private void assertReached(int port) {
    eventually("port " + port + " is reached", () -> isReached(port));
  }

  private void assertClosed(int port) {
    assertTrue(!isReached(port), "port " + port + " is closed");
  }

  private void nft(String command) {
    host.run("nft", command).ok();
  }

  /** Our rules, as they should be whatever happens to others'. */
  private String ours() {
    String all =
        host.run("nft", "-s", "list", "table", "inet", table).ok()
            + host.run("nft", "-s", "list", "table", "inet", nat()).ok();
    return Stream.of(all.split("[\\s,]+")).sorted().collect(joining("\n")); // sets have no order
  }

  private String nat() {
    return table.replace("bridge", "nat");
  }

  private int repairs(String kind, String name) {
    try (Http http = engine.http()) {
      String body = http.call("GET", "/gantry/v1/drivers/" + kind + "/" + name, "").body();
      var found = Pattern.compile("\"Rules set again\":\"(\\d+)\"").matcher(body);
      assertTrue(found.find(), body);
      return Integer.parseInt(found.group(1));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void plainNftHoldsWhatItForwardsAndWhatItLetsIn() {
    nft(
        "table inet theirs { chain in { type filter hook input priority 0; policy drop;"
            + " ct state established,related accept; iif lo accept; }; }");
    assertReached(OPEN); // forwarded, which their rules say nothing of
    assertClosed(HELD);
    nft("add rule inet theirs in tcp dport " + HELD + " accept");
    assertReached(HELD);
    nft("add chain inet theirs on { type filter hook forward priority 0; policy drop; }");
    assertClosed(OPEN);
    assertReached(HELD);
    nft("add rule inet theirs on ct status dnat accept");
    nft("add rule inet theirs on ct state established,related accept");
    assertReached(OPEN);
    assertEquals(rulesBefore, ours());
    nft("delete table inet theirs");
  }

  @Test
  void theOperatorsChainStaysWhateverBecomesOfTheTable() throws IOException {
    nft("add rule inet " + table + " operator iifname out0 tcp dport 80 counter drop");
    assertClosed(OPEN);
    engine.docker("network", "create", "further").ok(); // which replaces the table's content
    assertClosed(OPEN);
    engine.engine().destroyForcibly();
    engine.awaitAnswer();
    assertClosed(OPEN);
    try (Http http = engine.http()) {
      String jar = Instance.sample("io.gantry.network.bridge").toString();
      String update = "/gantry/v1/drivers/NetworkDriver/bridge/update";
      assertEquals(200, http.call("POST", update, "{\"jar\":\"" + jar + "\"}").status());
    }
    engine.docker("network", "rm", "further").ok();
    assertClosed(OPEN);
    String kept = host.run("nft", "list", "chain", "inet", table, "operator").ok();
    assertTrue(kept.contains("iifname \"out0\" tcp dport 80 counter"), kept);
    nft("flush chain inet " + table + " operator");
    assertReached(OPEN);
  }

  @Test
  void rulesThatSomebodyFlushesAreBackAtOnce() {
    nft("flush ruleset");
    eventually("the rules are back", () -> host.run("nft", "list", "ruleset").out().length() > 0);
    eventually("all of them", () -> isWhole());
    assertReached(OPEN);
    assertReached(HELD);
    assertTrue(repairs("NetworkDriver", "bridge") >= 1);
    assertTrue(repairs("PortMapper", "nat") >= 1);
    assertTrue(engine.log().contains("somebody had changed the rules of the table " + table));
  }

  private boolean isWhole() {
    return host.run("nft", "list", "tables").out().contains(nat()) && ours().equals(rulesBefore);
  }

  @Test
  void portsChangeWhileAConnectionByOneThatStaysGoesOn() throws IOException {
    String[] echo = {"run", "-d", "--name", "echo", "--network", "open", "-p", "7000:7"};
    var words = new ArrayList<>(List.of(echo));
    words.addAll(List.of("busybox", "nc", "-ll", "-p", "7", "-e", "cat"));
    engine.docker(words.toArray(String[]::new)).ok();
    eventually(
        "echo listens",
        () -> engine.docker("exec", "echo", "grep", "-q", ":0007 ", "/proc/net/tcp6").exit() == 0);
    try (var talk = new Talk(client, HOST, 7000)) {
      assertEquals("one", talk.say("one"));
      assertEquals(200, ports("publish", "7/tcp", 7001).status());
      try (var other = new Talk(client, HOST, 7001)) {
        assertEquals("two", other.say("two"));
        assertEquals(409, ports("publish", "8/tcp", OPEN).status());
        assertEquals("three", talk.say("three"));
        assertEquals(200, ports("unpublish", "7/tcp", 7001).status());
        assertEquals("four", other.say("four"), "what is established goes on");
        assertEquals("five", talk.say("five"));
      }
      assertEquals(REFUSED, fetch(7001), "nobody comes in any more");
      engine.docker("network", "connect", "held", "echo").ok();
      engine.docker("network", "disconnect", "open", "echo").ok();
      try (var again = new Talk(client, HOST, 7000)) {
        assertEquals("six", again.say("six"), "it has followed to the other network");
      }
      try (Http http = engine.http()) {
        String all = http.call("GET", "/gantry/v1/containers/echo/ports", "").body();
        assertTrue(all.contains("\"network\":\"held\"") && all.contains("\"mapper\":\"\""), all);
      }
    } finally {
      engine.docker("rm", "-f", "echo").ok();
    }
    assertEquals(rulesBefore, ours());
  }

  private Http.Answer ports(String change, String port, int hostPort) throws IOException {
    try (Http http = engine.http()) {
      String body = "{\"ports\":[{\"port\":\"%s\",\"hostPort\":\"%d\"}]}".formatted(port, hostPort);
      return http.call("POST", "/gantry/v1/containers/echo/ports/" + change, body);
    }
  }

  /** A connection of the client's to something that says what it hears. */
  private static final class Talk implements AutoCloseable {
    private static final String SCRIPT =
        """
        exec 3<>"/dev/tcp/$0/$1" || exit
        while read -r line; do
          echo "$line" >&3
          read -r -t 20 answer <&3 || exit
          echo "$answer"
        done
        """;

    private final Process process;
    private final BufferedReader in;

    Talk(Namespace client, String address, int port) throws IOException {
      var words = new ArrayList<>(client.prefix());
      words.addAll(List.of("bash", "-c", SCRIPT, address, Integer.toString(port)));
      process = new ProcessBuilder(words).start();
      in = process.inputReader();
    }

    /** Null when it is cut off. */
    String say(String line) throws IOException {
      process.outputWriter().append(line).append('\n').flush();
      return in.readLine();
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }

  @Test
  void ufwHoldsThemAndItsRulesAreLeftAlone() {
    String files = scratch.resolve("ufw").toString();
    String mounts =
        """
        mount --make-rprivate /
        cp -a /etc/ufw %s
        mount --bind %s /etc/ufw
        """
            .formatted(files, files);
    try (Namespace admin = host.withMounts(mounts)) {
      admin.run("ufw", "--force", "enable").ok();
      assertTrue(admin.run("ufw", "status", "verbose").ok().contains("deny (incoming)"));
      assertClosed(OPEN); // it denies what is routed
      assertClosed(HELD);
      admin.run("ufw", "allow", HELD + "/tcp").ok();
      assertReached(HELD);
      assertClosed(OPEN);
      admin.run("ufw", "route", "allow", "proto", "tcp", "to", "any", "port", "80").ok();
      assertReached(OPEN);
      admin.run("ufw", "reload").ok();
      assertReached(OPEN);
      assertReached(HELD);
      String theirs = host.run("nft", "list", "chain", "ip", "filter", "FORWARD").ok();
      assertTrue(theirs.contains("policy drop"), theirs);
      assertEquals(rulesBefore, ours());
      admin.run("ufw", "delete", "allow", HELD + "/tcp").ok();
      assertClosed(HELD);
      admin.run("ufw", "disable").ok();
    }
  }

  @Test
  void firewalldHoldsThemAndItsRulesAreLeftAlone() throws IOException {
    try (Firewalld firewall = Firewalld.start(host, scratch)) {
      within(STARTING, "it runs", () -> firewall.command("--state").exit() == 0);
      assertReached(OPEN); // it lets through what is translated
      assertClosed(HELD);
      firewall.command("--permanent", "--add-port=" + HELD + "/tcp").ok();
      assertClosed(HELD);
      firewall.command("--reload").ok();
      assertReached(HELD);
      assertReached(OPEN);
      nft("add rule inet " + table + " operator iifname out0 tcp dport 80 drop");
      assertClosed(OPEN);
      firewall.command("--complete-reload").ok();
      assertClosed(OPEN);
      assertReached(HELD);
      nft("flush chain inet " + table + " operator");
      assertReached(OPEN);
      assertEquals(rulesBefore, ours());
    }
  }

  /** firewalld with a bus and a configuration of its own, unpacked or installed. */
  private record Firewalld(
      Namespace host, Path root, Map<String, String> environment, List<Process> processes)
      implements AutoCloseable {
    private static final String PYTHON = "/usr/bin/python3"; // which has Debian's libraries

    static Firewalld start(Namespace host, Path scratch) throws IOException {
      Path unpacked = Path.of("../../target/firewalld").toAbsolutePath().normalize();
      Path root = Files.exists(unpacked) ? unpacked : Path.of("/");
      Path bus = scratch.resolve("bus");
      Path own = Files.createDirectory(scratch.resolve("firewalld"));
      Files.writeString(
          own.resolve("bus.conf"),
          """
          <busconfig>
            <type>system</type>
            <listen>unix:path=%s</listen>
            <policy context="default">
              <allow send_destination="*" eavesdrop="true"/>
              <allow eavesdrop="true"/>
              <allow own="*"/>
            </policy>
          </busconfig>
          """
              .formatted(bus));
      var environment =
          Map.of(
              "DBUS_SYSTEM_BUS_ADDRESS",
              "unix:path=" + bus,
              "PYTHONPATH",
              root.resolve("usr/lib/python3/dist-packages").toString());
      var processes = new ArrayList<Process>();
      var firewalld = new Firewalld(host, root, environment, processes);
      firewalld.begin(
          "dbus-daemon", "--config-file=" + own.resolve("bus.conf"), "--nofork", "--nopidfile");
      eventually("the bus is there", () -> Files.exists(bus));
      firewalld.begin(
          PYTHON,
          root.resolve("usr/sbin/firewalld").toString(),
          "--nofork",
          "--nopid",
          "--default-config=" + root.resolve("usr/lib/firewalld"),
          "--system-config=" + own,
          "--log-file=" + own.resolve("log"));
      return firewalld;
    }

    private void begin(String... command) throws IOException {
      var words = new ArrayList<>(host.prefix());
      words.addAll(List.of(command));
      var builder = new ProcessBuilder(words);
      builder.environment().putAll(environment);
      processes.add(
          builder
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start());
    }

    io.gantry.itests.harness.Command command(String... words) {
      var all = new ArrayList<>(List.of(PYTHON, root.resolve("usr/bin/firewall-cmd") + ""));
      all.addAll(List.of(words));
      return host.run(environment, all.toArray(String[]::new));
    }

    @Override
    public void close() {
      for (int i = processes.size() - 1; i >= 0; i--) {
        processes.get(i).destroyForcibly().onExit().join();
      }
      host.run("nft", "delete", "table", "inet", "firewalld").ok(); // what it leaves holds on
    }
  }
}

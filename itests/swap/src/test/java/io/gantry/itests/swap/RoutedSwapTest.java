package io.gantry.itests.swap;

import static io.gantry.itests.harness.Eventually.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Namespace;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/**
 * A routed network: clients with a route to it reach published ports at containers' own addresses,
 * of both families, and nothing else, whatever comes, goes and is replaced.
 */
@Tag("root")
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RoutedSwapTest {
  private static final String MODE = "com.docker.network.bridge.gateway_mode_ipv";
  private static final String DRIVER = "io.gantry.network.bridge";
  private static final int PUBLISHED = 80;
  private static final int HIDDEN = 81;

  private Namespace host;
  private Namespace client;
  private Instance engine;

  @BeforeAll
  void start() {
    host = Namespace.make();
    client = Namespace.make();
    String peer = Long.toString(client.pid());
    host.run("ip", "link", "add", "out0", "type", "veth", "peer", "name", "eth0", "netns", peer)
        .ok();
    join(host, "out0", 1);
    join(client, "eth0", 2);
    client.run("ip", "route", "add", "10.91.0.0/24", "via", "198.51.100.1").ok();
    client.run("ip", "route", "add", "fd00:91::/64", "via", "fd00:99::1").ok();
    engine = Instance.startIn(host);
    engine.importBusybox();
    String[] create = {"network", "create", "--subnet", "10.91.0.0/24", "--subnet", "fd00:91::/64"};
    String[] routed = {"--ipv6", "-o", MODE + "4=routed", "-o", MODE + "6=routed", "routed"};
    engine.docker(Stream.of(create, routed).flatMap(Stream::of).toArray(String[]::new)).ok();
    String serve = "for p in 80 81; do httpd -p $p -h /etc; done; sleep 100000";
    String[] run = {"run", "-d", "--name", "server", "--network", "routed", "-p", "8080:80"};
    String[] program = {"busybox", "sh", "-c", serve};
    engine.docker(Stream.of(run, program).flatMap(Stream::of).toArray(String[]::new)).ok();
  }

  private static void join(Namespace space, String link, int number) {
    space.run("ip", "addr", "add", "198.51.100." + number + "/24", "dev", link).ok();
    space.run("ip", "addr", "add", "fd00:99::" + number + "/64", "dev", link, "nodad").ok();
    space.run("ip", "link", "set", link, "up").ok();
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

  private List<String> addresses() {
    String form =
        "{{with .NetworkSettings.Networks.routed}}{{.IPAddress}} [{{.GlobalIPv6Address}}]{{end}}";
    return List.of(engine.docker("inspect", "-f", form, "server").ok().strip().split(" "));
  }

  private boolean reaches(String address, int port) {
    String url = "http://" + address + ":" + port + "/passwd";
    return client.run("curl", "-gsf", "-o", "/dev/null", "--max-time", "1", url).exit() == 0;
  }

  private void assertReached(int port) {
    for (String address : addresses()) {
      eventually(address + " is reached", () -> reaches(address, port));
    }
  }

  private void assertClosed(int port) {
    for (String address : addresses()) {
      assertEquals(false, reaches(address, port), address);
    }
  }

  private void assertAsPublished() {
    assertReached(PUBLISHED);
    assertClosed(HIDDEN);
  }

  private void call(String path, String body) {
    try (Http http = engine.http()) {
      var answer = http.call("POST", path, body);
      assertEquals(200, answer.status(), answer.body());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private void update(Path jar) {
    call("/gantry/v1/drivers/NetworkDriver/bridge/update", "{\"jar\": \"" + jar + "\"}");
  }

  private void change(String how) {
    String path = "/gantry/v1/containers/server/ports/" + how;
    call(path, "{\"ports\":[{\"port\":\"" + HIDDEN + "/tcp\"}]}");
  }

  @Test
  void publishedPortsStayOpenWhateverIsReplaced() {
    assertAsPublished();
    String ports = engine.docker("inspect", "-f", "{{json .NetworkSettings.Ports}}", "server").ok();
    assertEquals(
        "{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"\"},"
            + "{\"HostIp\":\"::\",\"HostPort\":\"\"}]}",
        ports.strip());
    Stream.of(Instance.sample(DRIVER), Instance.shipped(DRIVER))
        .forEach(
            jar -> {
              update(jar);
              assertAsPublished();
            });
    engine.engine().destroyForcibly();
    engine.awaitAnswer();
    assertAsPublished();
    change("publish");
    assertReached(HIDDEN);
    engine.engine().destroyForcibly();
    engine.awaitAnswer();
    assertReached(HIDDEN);
    change("unpublish");
    assertAsPublished();
    engine.stop();
    host.run("nft", "flush", "ruleset").ok();
    engine.startAgain();
    assertAsPublished();
    host.run("nft", "flush", "ruleset").ok();
    assertAsPublished();
    var before = addresses();
    engine.docker("stop", "-t", "0", "server").ok();
    String[] other = {
      "run", "-d", "--name", "other", "--network", "routed", "busybox", "httpd", "-f"
    };
    engine.docker(other).ok();
    before.forEach(address -> assertEquals(false, reaches(address, PUBLISHED), address));
    engine.docker("start", "server").ok();
    assertNotEquals(before, addresses());
    assertAsPublished();
    engine.docker("network", "disconnect", "routed", "server").ok();
    engine.docker("network", "connect", "routed", "server").ok();
    assertAsPublished();
  }
}

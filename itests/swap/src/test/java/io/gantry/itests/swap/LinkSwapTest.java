package io.gantry.itests.swap;

import static io.gantry.itests.harness.Eventually.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Namespace;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/**
 * Links on a default network that keeps its containers apart ({@code --icc=false}): whoever links
 * to a container reaches the port that it exposes and no other, nobody else reaches any, and it
 * stays so whatever comes, goes and is replaced.
 */
@Tag("root")
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LinkSwapTest {
  private static final int EXPOSED = 80;
  private static final int HIDDEN = 81;
  private static final String DRIVER = "io.gantry.network.bridge";

  private Namespace host;
  private Instance engine;

  @BeforeAll
  void start() {
    host = Namespace.make();
    engine = Instance.startIn(host, "--icc=false");
    engine.importBusybox();
    run("server", "--expose", "80");
    run("client", "--link", "server:db");
    run("stranger");
  }

  @AfterAll
  void end() {
    try {
      engine.close();
    } finally {
      host.close();
    }
  }

  /** One that serves its own address on both ports. */
  private void run(String name, String... flags) {
    String serve = "for p in 80 81; do nc -ll -p $p -e hostname -i & done; wait";
    var words = new ArrayList<>(List.of("run", "-d", "--name", name));
    words.addAll(List.of(flags));
    words.addAll(List.of("busybox", "sh", "-c", serve));
    engine.docker(words.toArray(String[]::new)).ok();
  }

  private String address(String name) {
    return engine
        .docker("inspect", "-f", "{{.NetworkSettings.Networks.bridge.IPAddress}}", name)
        .ok()
        .strip();
  }

  private boolean reaches(String from, String address, int port) {
    String ask = "echo | timeout 1 nc %s %d".formatted(address, port);
    return engine.docker("exec", from, "sh", "-c", ask).out().contains(".");
  }

  private void assertLinked() {
    eventually("db is reached", () -> reaches("client", "db", EXPOSED));
    String server = address("server");
    assertTrue(reaches("client", server, EXPOSED));
    assertFalse(reaches("client", server, HIDDEN));
    assertFalse(reaches("stranger", server, EXPOSED));
    assertFalse(reaches("server", address("client"), EXPOSED));
    assertFalse(reaches("client", address("stranger"), EXPOSED));
  }

  private void update(Path jar) {
    try (Http http = engine.http()) {
      var answer =
          http.call(
              "POST",
              "/gantry/v1/drivers/NetworkDriver/bridge/update",
              "{\"jar\": \"" + jar + "\"}");
      assertEquals(200, answer.status(), answer.body());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void linksStayWhateverIsReplaced() {
    assertLinked();
    Stream.of(Instance.sample(DRIVER), Instance.shipped(DRIVER))
        .forEach(
            jar -> {
              update(jar);
              assertLinked();
            });
    engine.engine().destroyForcibly();
    engine.awaitAnswer();
    assertLinked();
    engine.stop();
    host.run("nft", "flush", "ruleset").ok();
    engine.startAgain();
    assertLinked();
    host.run("nft", "flush", "ruleset").ok();
    assertLinked();
    String before = address("server");
    engine.docker("stop", "-t", "0", "server").ok();
    run("other");
    assertEquals(before, address("other"));
    assertFalse(reaches("client", before, EXPOSED));
    engine.docker("start", "server").ok();
    assertNotEquals(before, address("server"));
    assertLinked();
    engine.docker("restart", "-t", "0", "server").ok();
    assertLinked();
    engine.docker("rm", "--link", "/client/db").ok();
    assertFalse(reaches("client", address("server"), EXPOSED));
  }
}

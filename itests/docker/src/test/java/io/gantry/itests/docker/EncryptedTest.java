package io.gantry.itests.docker;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An engine on a Unix socket and two TCP addresses with TLS, and the stock command line. */
@Tag("root")
@Timeout(300)
class EncryptedTest {

  private static final String AUTHORITY =
      """
      set -eu
      cd "$0"
      request() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "$@"; }
      for ca in ca stranger; do
        request -x509 -days 2 -keyout $ca.key -out $ca.pem -subj /CN=$ca
      done
      mkdir server client
      for who in server client; do
        request -keyout $who/key.pem -out $who/request -subj /CN=$who
        printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\\n' >$who/extensions
        openssl x509 -req -in $who/request -CA ca.pem -CAkey ca.key -days 2 -extfile $who/extensions -out $who/cert.pem
        cp ca.pem $who/ca.pem
      done
      mkdir other
      cp stranger.key other/key.pem
      cp stranger.pem other/cert.pem
      cp ca.pem other/ca.pem
      """;

  @TempDir static Path folder;
  private static Instance engine;
  private static List<Integer> ports;

  @BeforeAll
  static void start() throws IOException {
    Command.run(Map.of(), Duration.ofSeconds(30), List.of("sh", "-c", AUTHORITY, "" + folder), NONE)
        .ok();
    ports = List.of(free(), free());
    engine =
        Instance.startIn(
            Map.of("DOCKER_CERT_PATH", folder.resolve("server").toString()),
            "--tlsverify",
            "-H",
            "tcp://127.0.0.1:" + ports.get(0),
            "-H",
            "tcp://127.0.0.1:" + ports.get(1));
    engine.importBusybox();
  }

  private static final byte[] NONE = new byte[0];

  private static int free() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      return socket.getLocalPort();
    }
  }

  @AfterAll
  static void stop() {
    engine.close();
  }

  private static Command docker(String identity, int port, String input, String... words) {
    List<String> command =
        Stream.concat(
                Stream.of("docker", "--tlsverify", "-H", "tcp://127.0.0.1:" + port),
                Stream.of(words))
            .toList();
    var surroundings = new HashMap<>(engine.environment());
    surroundings.put("DOCKER_HOST", "");
    surroundings.put("DOCKER_CERT_PATH", folder.resolve(identity).toString());
    return Command.run(surroundings, Duration.ofSeconds(60), command, input.getBytes(UTF_8));
  }

  @Test
  void containersRunWithInputThatEndsBeforeTheirOutput() {
    for (int port : ports) {
      String[] run = {
        "run", "--rm", "-i", "--network", "none", "busybox", "sh", "-c", "cat; sleep 0.2; echo end"
      };
      assertEquals("typed\nend", docker("client", port, "typed\n", run).ok());
      String id = docker("client", port, "", "run", "-d", "busybox", "sleep", "1000").ok();
      assertEquals(
          "more end",
          docker("client", port, "more ", "exec", "-i", id, "sh", "-c", "cat; sleep 0.2; echo end")
              .ok());
      assertEquals(id, engine.docker("ps", "-q", "--no-trunc").ok(), "the same by the Unix socket");
      docker("client", port, "", "rm", "-f", id).ok();
    }
    assertTrue(engine.log().contains("POST /containers/create by CN=client at /127.0.0.1:"));
  }

  @Test
  void aCertificateOfAnotherAuthorityIsRefused() {
    Command refused = docker("other", ports.get(0), "", "ps");
    assertNotEquals(0, refused.exit());
    assertTrue(refused.err().contains("remote error: tls"), refused::err);
  }
}

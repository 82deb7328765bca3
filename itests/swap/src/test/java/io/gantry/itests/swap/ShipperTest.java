package io.gantry.itests.swap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A container's log goes to a real rsyslog while the driver is swapped, the engine killed and the
 * server away: every line arrives, in order. Some may come twice, where a crash or the server's end
 * leaves open whether they had been taken.
 */
@Tag("root")
@Timeout(300)
class ShipperTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  @TempDir Path dir;
  private Instance engine;
  private Process server;
  private int port;

  @BeforeEach
  void start() throws Exception {
    try (var free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    Files.writeString(
        dir.resolve("rsyslog.conf"),
        """
        global(workDirectory="%1$s")
        module(load="imptcp")
        input(type="imptcp" address="127.0.0.1" port="%2$d")
        template(name="all" type="string" string="%%app-name%%%%msg%%\\n")
        action(type="omfile" file="%1$s/got" template="all" flushOnTXEnd="on" asyncWriting="off")
        """
            .formatted(dir, port));
    server = serve();
    engine = Instance.start();
    engine.importBusybox();
  }

  @AfterEach
  void stop() throws Exception {
    engine.close();
    server.destroy();
    server.waitFor();
  }

  private Process serve() throws IOException {
    return new ProcessBuilder(
            "/usr/sbin/rsyslogd",
            "-n",
            "-f",
            dir.resolve("rsyslog.conf").toString(),
            "-i",
            dir.resolve("pid").toString())
        .redirectErrorStream(true)
        .redirectOutput(dir.resolve("log").toFile())
        .start();
  }

  @Test
  void noLineIsLostByASwapACrashOrAnAbsence() throws Exception {
    engine
        .docker(
            "run",
            "-d",
            "--name",
            "talker",
            "--network",
            "none",
            "--log-driver",
            "syslog",
            "--log-opt",
            "syslog-address=tcp://127.0.0.1:" + port,
            "--log-opt",
            "tag={{.Name}}",
            "busybox",
            "sh",
            "-c",
            "i=0; while [ ! -e /enough ]; do i=$((i+1)); echo $i; usleep 3000; done")
        .ok();
    awaitFurtherLines();
    update(Instance.sample("io.gantry.log.syslog"));
    awaitFurtherLines();
    engine.engine().destroyForcibly();
    engine.awaitAnswer();
    awaitFurtherLines();
    int refusals = refusals();
    server.destroy();
    server.waitFor();
    Eventually.within(LIMIT, "a refusal", () -> refusals() > refusals);
    update(Instance.shipped("io.gantry.log.syslog"));
    long gone = System.nanoTime(); // longer than what may be lost is doubted
    Eventually.within(LIMIT, "2 s", () -> System.nanoTime() - gone > 2_000_000_000L);
    server = serve();
    awaitFurtherLines();
    engine.docker("exec", "talker", "touch", "/enough").ok();
    engine.docker("wait", "talker").ok();
    int lines = (int) engine.docker("logs", "talker").ok().lines().count();
    Eventually.within(LIMIT, "the last line", () -> got().contains("talker " + lines));
    assertEquals(
        IntStream.rangeClosed(1, lines).mapToObj(i -> "talker " + i).toList(),
        got().stream().distinct().toList());
    assertTrue(got().size() <= 3 * lines, got().size() + " lines of " + lines + ": too many twice");
    assertTrue(engine.docker("info").ok().contains("syslog"), "named by info");
  }

  private int refusals() {
    return engine.log().split("is not shipped for now", -1).length;
  }

  private void awaitFurtherLines() {
    int count = got().size() + 200;
    Eventually.within(LIMIT, count + " lines", () -> got().size() >= count);
  }

  private List<String> got() {
    try {
      return Files.exists(dir.resolve("got")) ? Files.readAllLines(dir.resolve("got")) : List.of();
    } catch (IOException e) {
      return List.of();
    }
  }

  private void update(Path jar) throws IOException {
    try (Http http = engine.http()) {
      var answer =
          http.call(
              "POST", "/gantry/v1/drivers/LogDriver/syslog/update", "{\"jar\":\"" + jar + "\"}");
      assertEquals(200, answer.status(), answer::body);
    }
  }
}

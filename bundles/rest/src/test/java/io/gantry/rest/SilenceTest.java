package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.rest.http.TcpAccess;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that stop in the middle: who holds something is cut off, others are waited for. */
@Timeout(60)
class SilenceTest {

  private static final Duration SILENCE = Duration.ofMillis(300);
  private static final int MUCH = 8 << 20;

  @TempDir Path directory;
  private Api api;

  @BeforeEach
  void start() throws Exception {
    api = new Api(directory, "", TcpAccess.PLAIN, null, SILENCE);
    api.post("/containers/create?name=web", "{\"Image\":\"busybox\",\"Cmd\":[\"sleep\"]}");
  }

  @AfterEach
  void stop() {
    api.close();
  }

  @Test
  void aSaveThatNobodyTakesGivesItsThreadBack() throws Exception {
    var ended = new CountDownLatch(1);
    api.images.saved =
        out -> {
          try {
            while (true) {
              out.write(new byte[1 << 16]);
            }
          } catch (IOException e) {
            ended.countDown();
            throw e;
          }
        };
    try (var channel = api.connect()) {
      Api.send(channel, "GET /images/a/get HTTP/1.1\r\nHost: d\r\n\r\n");
      assertTrue(ended.await(30, TimeUnit.SECONDS));
    }
  }

  @Test
  void anUploadThatDoesNotComeIsGivenUp() throws Exception {
    try (var channel = api.connect()) {
      Api.send(channel, "POST /images/load HTTP/1.1\r\nHost: d\r\nContent-Length: 100000\r\n\r\nx");
      String all = Api.readAll(channel);
      assertTrue(all.isEmpty() || all.startsWith("HTTP/1.1 500 "), all);
    }
  }

  @Test
  void anExportThatNobodyTakesLetsTheFilesGo() throws Exception {
    api.containers.tar = "x".repeat(MUCH);
    try (var channel = api.connect()) {
      Api.send(channel, "GET /containers/web/export HTTP/1.1\r\nHost: d\r\n\r\n");
      Api.readUntil(channel, "\r\n\r\n");
      var stream = api.containers.lastStream;
      assertNotNull(stream);
      assertTrue(stream.closed.await(30, TimeUnit.SECONDS));
    }
  }

  @Test
  void aSlowExportAndOneThatIsTakenSlowlyAreWaitedFor() throws Exception {
    api.containers.tar = "x".repeat(MUCH);
    try (var channel = api.connect()) {
      Api.send(channel, "GET /containers/web/export HTTP/1.0\r\nHost: d\r\n\r\n");
      var read = java.nio.ByteBuffer.allocate(1 << 20);
      long bytes = 0;
      for (int n; (n = channel.read(read.clear())) >= 0; bytes += n) {
        pause(SILENCE.dividedBy(4));
      }
      assertTrue(bytes > MUCH, "all of it: " + bytes);
    }
  }

  @Test
  void aPagerThatShowsLogsMayTakeItsTime() throws Exception {
    api.containers.played = "x".repeat(MUCH);
    try (var channel = api.connect()) {
      Api.send(channel, "GET /containers/web/logs?stdout=1 HTTP/1.0\r\nHost: d\r\n\r\n");
      pause(SILENCE.multipliedBy(5));
      String all = Api.readAll(channel);
      assertTrue(all.length() > MUCH, "all of it: " + all.length());
      assertEquals("xx", all.substring(all.length() - 2));
    }
  }

  /** Time has to pass: it is what the server counts. */
  private static void pause(Duration time) {
    java.util.concurrent.locks.LockSupport.parkNanos(time.toNanos());
  }
}

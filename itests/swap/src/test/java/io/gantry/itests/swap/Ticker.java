package io.gantry.itests.swap;

import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A container that counts for ever, and a client that follows its log and sees every number once.
 */
final class Ticker implements AutoCloseable {

  private final Instance engine;
  private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private final Thread follower;
  private volatile long seen;
  private volatile boolean over;

  Ticker(Instance engine) {
    this.engine = engine;
    engine
        .docker(
            "run",
            "-d",
            "--name",
            "ticker",
            "busybox",
            "sh",
            "-c",
            "i=0; while :; do i=$((i+1)); echo $i; usleep 5000; done")
        .ok();
    follower = new Thread(this::follow, "follower");
    follower.start();
  }

  /** Numbers seen so far, without a gap. */
  long seen() {
    return seen;
  }

  List<Throwable> failures() {
    return List.copyOf(failures);
  }

  String pid() {
    return engine.docker("inspect", "-f", "{{.State.Pid}}", "ticker").ok();
  }

  private void follow() {
    try (Http http = engine.http()) {
      http.open("GET", "/v1.41/containers/ticker/logs?stdout=1&follow=1");
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (byte[] chunk = http.chunk(); chunk.length > 0; chunk = http.chunk()) {
        bytes.write(chunk);
        byte[] rest = count(bytes.toByteArray());
        bytes.reset();
        bytes.write(rest);
      }
      if (!over) {
        failures.add(new AssertionError("the log ended while the container runs"));
      }
    } catch (IOException | RuntimeException | AssertionError e) {
      failures.add(e);
    }
  }

  /** Takes whole frames; returns what is left. */
  private byte[] count(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.remaining() >= 8
        && buffer.remaining() >= 8 + buffer.getInt(buffer.position() + 4)) {
      byte[] data = new byte[buffer.getInt(buffer.position() + 4)];
      buffer.position(buffer.position() + 8);
      buffer.get(data);
      long next = Long.parseLong(new String(data, StandardCharsets.US_ASCII).strip());
      if (next != seen + 1) {
        throw new AssertionError("after " + seen + " came " + next);
      }
      seen = next;
    }
    byte[] rest = new byte[buffer.remaining()];
    buffer.get(rest);
    return rest;
  }

  @Override
  public void close() throws InterruptedException {
    over = true;
    engine.docker("rm", "-f", "ticker").ok();
    follower.join();
  }
}

package io.gantry.itests.swap;

import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/**
 * Clients that run one container after the other (create, start, exec, wait, logs, remove) and
 * check every answer and every log line, or what is in their volumes. Nothing is ever tried twice.
 */
final class Load implements AutoCloseable {

  /** One life of a container, as seen by {@link System#nanoTime}. */
  record Life(long began, long ended) {

    boolean overlaps(long from, long to) {
      return began < to && ended > from;
    }
  }

  private static final int LINES = 20;
  private static final AtomicLong number = new AtomicLong();

  private final Instance engine;
  private final boolean volumes;
  private final Queue<Life> lives = new ConcurrentLinkedQueue<>();
  private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private final CountDownLatch warm;
  private final List<Thread> threads;
  private volatile boolean over;

  /**
   * @param volumes the containers have some, with what has to come out of them as it was put in
   */
  Load(Instance engine, int clients, boolean volumes) {
    this.engine = engine;
    this.volumes = volumes;
    this.warm = new CountDownLatch(clients);
    this.threads =
        IntStream.range(0, clients).mapToObj(i -> new Thread(this::work, "client-" + i)).toList();
    threads.forEach(Thread::start);
  }

  /** Waits until every client has run a container. */
  void awaitWarm() throws InterruptedException {
    warm.await();
  }

  List<Life> lives() {
    return List.copyOf(lives);
  }

  List<Throwable> failures() {
    return List.copyOf(failures);
  }

  private void work() {
    boolean first = true;
    try (Http http = engine.http()) {
      while (!over) {
        long began = System.nanoTime();
        String name = "load-" + number.incrementAndGet();
        if (volumes) {
          liveWithVolumes(http, name);
        } else {
          live(http, name);
        }
        lives.add(new Life(began, System.nanoTime()));
        if (first) {
          warm.countDown();
          first = false;
        }
      }
    } catch (IOException | RuntimeException | AssertionError e) {
      failures.add(e);
    } finally {
      if (first) {
        warm.countDown();
      }
    }
  }

  private static void live(Http http, String name) throws IOException {
    String body =
        """
        {"Image": "busybox", "Cmd": ["sh", "-c", "seq %d; read x </proc/uptime; exit 7"], "HostConfig": {"NetworkMode": "none"}}
        """
            .formatted(LINES);
    call(http, "POST", "/containers/create?name=" + name, body, 201);
    call(http, "POST", "/containers/" + name + "/start", "", 204);
    String exit = call(http, "POST", "/containers/" + name + "/wait", "", 200);
    if (!exit.contains("\"StatusCode\":7")) {
      throw new AssertionError(name + " ended with " + exit);
    }
    long lines =
        call(http, "GET", "/containers/" + name + "/logs?stdout=1", "", 200).lines().count();
    if (lines != LINES) {
      throw new AssertionError(name + " has " + lines + " log lines");
    }
    call(http, "DELETE", "/containers/" + name, "", 204);
  }

  /** One container writes, another one reads; one volume is named, one goes with its container. */
  private static void liveWithVolumes(Http http, String name) throws IOException {
    call(http, "POST", "/volumes/create", "{\"Name\": \"" + name + "\"}", 201);
    run(http, name + "-w", "echo " + name + " >/data/file; touch /own/file", name);
    run(http, name + "-r", "grep -qx " + name + " /data/file && test ! -e /own/file", name);
    call(http, "DELETE", "/volumes/" + name, "", 204);
  }

  private static void run(Http http, String container, String script, String volume)
      throws IOException {
    String body =
        """
        {"Image": "busybox", "Cmd": ["sh", "-c", "%s"], "Volumes": {"/own": {}}, "HostConfig": {"NetworkMode": "none", "Binds": ["%s:/data"]}}
        """
            .formatted(script, volume);
    call(http, "POST", "/containers/create?name=" + container, body, 201);
    call(http, "POST", "/containers/" + container + "/start", "", 204);
    String exit = call(http, "POST", "/containers/" + container + "/wait", "", 200);
    if (!exit.contains("\"StatusCode\":0")) {
      throw new AssertionError(container + " ended with " + exit);
    }
    call(http, "DELETE", "/containers/" + container + "?v=1", "", 204);
  }

  private static String call(Http http, String method, String path, String body, int status)
      throws IOException {
    Http.Answer answer = http.call(method, "/v1.41" + path, body);
    if (answer.status() != status) {
      throw new AssertionError(method + " " + path + ": " + answer.status() + " " + answer.body());
    }
    return answer.body();
  }

  @Override
  public void close() throws InterruptedException {
    over = true;
    for (Thread thread : threads) {
      thread.join();
    }
  }
}

import java.io.IOException;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Create, start, wait and remove through the API, also side by side; the start alone; one more process; the CLI. */
final class Lives {
  private static final int WARM_UP = 3;

  /** Lives of an engine before the next one's turn: alternating one by one measures caches that the others have emptied. */
  private static final int TURN = 20;

  /** Lives until a JVM has compiled what matters, a few seconds of an engine that runs for months. */
  private static final int COLD = 5000;

  private static final int CLIENTS = 4;

  private final List<Engine> engines;
  private final Sheet sheet;

  Lives(List<Engine> engines, Sheet sheet) {
    this.engines = engines;
    this.sheet = sheet;
  }

  /** The engines take turns, so that a ratio holds although the machine's speed drifts. */
  void measure(int rounds) throws Exception {
    for (Engine engine : engines) {
      for (int i = 0; i < COLD && !engine.isPeer(); i++) {
        life(engine, "none", i % 2 == 0, false);
      }
    }
    for (String network : List.of("none", "host")) {
      for (boolean kept : new boolean[] {false, true}) {
        inTurn(rounds, (engine, counts) -> life(engine, network, kept, counts));
      }
    }
  }

  /** With a network of its own that leads out, and a port of the host's choice besides. */
  void onBridge(int rounds) throws Exception {
    var ways = List.of("bridge", "bridge with a published port");
    for (Engine engine : engines) {
      for (int i = 0; i < COLD && !engine.isPeer(); i++) {
        life(engine, ways.get(i % 2), false, false);
      }
    }
    for (String network : ways) {
      inTurn(rounds, (engine, counts) -> life(engine, network, false, counts));
    }
  }

  private interface Step {
    void take(Engine engine, boolean counts) throws IOException;
  }

  private void inTurn(int rounds, Step step) throws IOException {
    for (Engine engine : engines) {
      for (int i = 0; i < WARM_UP; i++) {
        step.take(engine, false);
      }
    }
    for (int done = 0; done < rounds; done += TURN) {
      for (Engine engine : engines) {
        for (int i = done; i < Math.min(done + TURN, rounds); i++) {
          step.take(engine, true);
        }
      }
    }
  }

  private void life(Engine engine, String network, boolean kept, boolean counts) throws IOException {
    try (var client = new ApiClient(engine.socket());
        var waiter = new ApiClient(engine.socket())) {
      client.call("GET", "/_ping", "", 200);
      long begin = System.nanoTime();
      long start = life(client, waiter, network, kept);
      if (counts) {
        String of = "network " + network + (kept ? "" : ", --rm");
        sheet.addMillis("create+start+wait+remove, " + of, engine, System.nanoTime() - begin);
        sheet.addMillis("start request, " + of, engine, start);
      }
    }
  }

  /** Nanoseconds of the start request. */
  private static long life(ApiClient client, ApiClient waiter, String network, boolean kept) throws IOException {
    String ports = network.contains("port") ? "\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"\"}]}," : "";
    String exposed = ports.isEmpty() ? "" : "\"ExposedPorts\":{\"80/tcp\":{}},"; // else dockerd does not publish it
    String id =
        client.create(
            "{%s\"Image\":\"bench\",\"Cmd\":[\"/bin/true\"],\"HostConfig\":{%s\"NetworkMode\":\"%s\",\"AutoRemove\":%b}}"
                .formatted(exposed, ports, network.split(" ")[0], !kept));
    waiter.send("POST", "/containers/" + id + "/wait?condition=" + (kept ? "next-exit" : "removed"), "", "");
    waiter.head(200);
    long start = System.nanoTime();
    client.start(id);
    long started = System.nanoTime();
    waiter.body();
    if (kept) {
      client.call("DELETE", "/containers/" + id, "", 204);
    }
    return started - start;
  }

  /**
   * Clients side by side, each with one life after the other.
   *
   * @param own lives of each client and round on our engine
   * @param peers and on another
   */
  void parallel(int rounds, int own, int peers) throws Exception {
    for (int round = -1; round < rounds; round++) {
      for (Engine engine : engines) {
        int lives = engine.isPeer() ? peers : own;
        double seconds = sideBySide(engine, round < 0 && !engine.isPeer() ? COLD / CLIENTS : lives);
        if (round >= 0) {
          sheet.add(
              "lives with " + CLIENTS + " clients, network none, --rm", engine.name(), "/s", CLIENTS * lives / seconds);
        }
      }
    }
  }

  private static double sideBySide(Engine engine, int lives) throws Exception {
    var threads = Executors.newFixedThreadPool(CLIENTS);
    try {
      var client =
          (Callable<Void>)
              () -> {
                try (var calls = new ApiClient(engine.socket());
                    var waiter = new ApiClient(engine.socket())) {
                  for (int i = 0; i < lives; i++) {
                    life(calls, waiter, "none", false);
                  }
                }
                return null;
              };
      long begin = System.nanoTime();
      for (Future<Void> done : threads.invokeAll(Collections.nCopies(CLIENTS, client))) {
        done.get();
      }
      return (System.nanoTime() - begin) / 1e9;
    } finally {
      threads.shutdownNow();
    }
  }

  /** One more process in a running container: create, start, its output to the end, its exit code. */
  void execs(int rounds) throws Exception {
    Map<Engine, String> containers = new HashMap<>();
    for (Engine engine : engines) {
      try (var client = new ApiClient(engine.socket())) {
        String id =
            client.create(
                "{\"Image\":\"bench\",\"Cmd\":[\"/bin/sleep\",\"100000\"],\"HostConfig\":{\"NetworkMode\":\"none\"}}");
        client.start(id);
        containers.put(engine, id);
      }
    }
    for (Engine engine : engines) {
      for (int cold = 0; cold < COLD && !engine.isPeer(); cold++) {
        exec(engine, containers.get(engine));
      }
    }
    inTurn(
        rounds,
        (engine, counts) -> {
          long nanos = exec(engine, containers.get(engine));
          if (counts) {
            sheet.addMillis("exec by API", engine, nanos);
          }
        });
    for (Engine engine : engines) {
      try (var client = new ApiClient(engine.socket())) {
        client.remove(containers.get(engine));
      }
    }
  }

  private static long exec(Engine engine, String container) throws IOException {
    try (var client = new ApiClient(engine.socket())) {
      client.call("GET", "/_ping", "", 200);
      long begin = System.nanoTime();
      String exec =
          ApiClient.id(
              client.call(
                  "POST",
                  "/containers/" + container + "/exec",
                  "{\"AttachStdout\":true,\"Cmd\":[\"/bin/true\"]}",
                  201));
      try (var stream = new ApiClient(engine.socket())) {
        stream.send("POST", "/exec/" + exec + "/start", "{}", "Connection: Upgrade\r\nUpgrade: tcp\r\n");
        stream.head(101);
        stream.drain();
      }
      while (client.call("GET", "/exec/" + exec + "/json", "", 200).contains("\"Running\":true")) {
        Thread.onSpinWait();
      }
      return System.nanoTime() - begin;
    }
  }

  void commandLine(int rounds) throws Exception {
    for (int round = -2; round < rounds; round++) {
      for (Engine engine : engines) {
        var builder =
            new ProcessBuilder("docker", "run", "--rm", "--network", "none", "bench", "/bin/true").inheritIO();
        builder.environment().put("DOCKER_HOST", "unix://" + engine.socket());
        long begin = System.nanoTime();
        int status = builder.start().waitFor();
        if (status != 0) {
          throw new IOException("docker run on " + engine.name() + ": " + status);
        }
        if (round >= 0) {
          sheet.addMillis("docker run --rm, by CLI", engine, System.nanoTime() - begin);
        }
      }
    }
  }
}

import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Create, start, wait and remove through the API, also side by side; the start alone; one more process; the CLI. */
final class Lives {
  private static final int WARM_UP = 3;

  /** Lives until a JVM has compiled what matters. */
  private static final int COLD = 300;

  private static final int CLIENTS = 4;

  private final List<Engine> engines;
  private final Sheet sheet;

  Lives(List<Engine> engines, Sheet sheet) {
    this.engines = engines;
    this.sheet = sheet;
  }

  /** The engines take turns within a round, so that a ratio holds although the machine's speed drifts. */
  void measure(int rounds) throws Exception {
    for (Engine engine : engines) {
      for (int i = 0; i < COLD && !engine.isPeer(); i++) {
        life(engine, "none", i % 2 == 0, false);
      }
    }
    for (String network : List.of("none", "host")) {
      for (boolean kept : new boolean[] {false, true}) {
        for (int round = -WARM_UP; round < rounds; round++) {
          for (Engine engine : engines) {
            life(engine, network, kept, round >= 0);
          }
        }
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
    for (int round = -WARM_UP; round < rounds; round++) {
      for (String network : ways) {
        for (Engine engine : engines) {
          life(engine, network, false, round >= 0);
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
    String[] ids = new String[engines.size()];
    for (int i = 0; i < ids.length; i++) {
      try (var client = new ApiClient(engines.get(i).socket())) {
        ids[i] =
            client.create(
                "{\"Image\":\"bench\",\"Cmd\":[\"/bin/sleep\",\"100000\"],\"HostConfig\":{\"NetworkMode\":\"none\"}}");
        client.start(ids[i]);
      }
    }
    for (int i = 0; i < ids.length; i++) {
      for (int cold = 0; cold < COLD && !engines.get(i).isPeer(); cold++) {
        exec(engines.get(i), ids[i]);
      }
    }
    for (int round = -WARM_UP; round < rounds; round++) {
      for (int i = 0; i < ids.length; i++) {
        long nanos = exec(engines.get(i), ids[i]);
        if (round >= 0) {
          sheet.addMillis("exec by API", engines.get(i), nanos);
        }
      }
    }
    for (int i = 0; i < ids.length; i++) {
      try (var client = new ApiClient(engines.get(i).socket())) {
        client.remove(ids[i]);
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

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Health checks every second in many containers: what they take of a processor besides what they run. */
final class Checks {
  private static final String HEALTHCHECK =
      "\"Healthcheck\":{\"Test\":[\"CMD\",\"/bin/true\"],\"Interval\":1000000000,\"Timeout\":20000000000,\"Retries\":3},";
  private static final Duration WARM_UP = Duration.ofSeconds(10);

  /** A JVM that compiles meanwhile is measured for that. */
  private static final Duration OWN_WARM_UP = Duration.ofSeconds(60);
  private static final int OWN_RUNS = 2000;
  private static final Pattern START = Pattern.compile("\"Start\":\\s*\"([^\"]+)\"");

  private final List<Engine> engines;
  private final Sheet sheet;

  Checks(List<Engine> engines, Sheet sheet) {
    this.engines = engines;
    this.sheet = sheet;
  }

  /**
   * @param peers containers of a peer; what they take is scaled to {@code count}
   */
  void measure(int count, int peers, Duration time) throws Exception {
    String figure = "processor time of " + count + " health checks a second";
    for (Engine engine : engines) {
      double own = ownSeconds(engine);
      try (var crowd = Crowd.start(engine, engine.isPeer() ? peers : count, count, HEALTHCHECK)) {
        Thread.sleep((engine.isPeer() ? WARM_UP : OWN_WARM_UP).toMillis());
        double engineBefore = Groups.cpuSeconds(engine);
        double insideBefore = crowd.cpuSeconds();
        long begin = System.nanoTime();
        Thread.sleep(time.toMillis());
        double spent = Groups.cpuSeconds(engine) - engineBefore;
        double inside = crowd.cpuSeconds() - insideBefore;
        double checks = rate(crowd) * (System.nanoTime() - begin) / 1e9;
        sheet.add(figure + ", of the engine", crowd.name(), "%", 100 * count * spent / checks);
        sheet.add(
            figure + ", all but the checks themselves",
            crowd.name(),
            "%",
            100 * count * ((spent + inside) / checks - own));
        sheet.add("processor time of what a check runs", engine.name(), "us", own * 1e6);
      }
    }
  }

  /** Of what a check runs: forked, executed and waited for by a shell in a container. */
  private static double ownSeconds(Engine engine) throws IOException {
    try (var crowd = Crowd.start(engine, 1, 1, "");
        var client = new ApiClient(engine.socket())) {
      String script = "i=0; while [ $i -lt " + OWN_RUNS + " ]; do /bin/true; i=$((i+1)); done";
      String exec =
          ApiClient.id(
              client.call(
                  "POST",
                  "/containers/" + crowd.ids().get(0) + "/exec",
                  "{\"AttachStdout\":true,\"AttachStderr\":true,\"Cmd\":[\"/bin/sh\",\"-c\",\"" + script + "\"]}",
                  201));
      double before = crowd.cpuSeconds();
      try (var stream = new ApiClient(engine.socket())) {
        stream.send("POST", "/exec/" + exec + "/start", "{}", "Connection: Upgrade\r\nUpgrade: tcp\r\n");
        stream.head(101);
        if (stream.drain() > 0) {
          throw new IOException("the shell that runs what a check runs has failed");
        }
      }
      return (crowd.cpuSeconds() - before) / OWN_RUNS;
    }
  }

  /** Checks a second of all containers, as their logs of the last few tell; all have to be healthy. */
  private static double rate(Crowd crowd) throws IOException {
    double all = 0;
    try (var client = new ApiClient(crowd.engine().socket())) {
      for (String id : crowd.ids()) {
        String json = client.call("GET", "/containers/" + id + "/json", "", 200);
        var starts = new ArrayList<Instant>();
        for (var found = START.matcher(json); found.find(); ) {
          starts.add(OffsetDateTime.parse(found.group(1)).toInstant());
        }
        if (starts.size() < 2 || !json.contains("\"healthy\"")) {
          throw new IOException("a container is not checked: " + json);
        }
        starts.sort(null);
        var span = Duration.between(starts.get(0), starts.get(starts.size() - 1));
        all += (starts.size() - 1) / (span.toNanos() / 1e9);
      }
    }
    return all;
  }
}

import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * What goes through networks and ports: each engine is in a network namespace of its own, which one wire connects with the client's.
 * Servers and clients are the same static program, in containers by {@code docker exec}.
 */
final class Wires {
  private static final int PORT = 7000; // of servers
  private static final int PUBLISHED = 7001;
  private static final String NETWORK = "bench";
  private static final String RESOLVER = "127.0.0.11";
  private static final Pattern BOUND = Pattern.compile("\"\\d+/(?:tcp|udp)\"");
  private static final Pattern ADDRESS = Pattern.compile("\"IPAddress\":\\s*\"(\\d+\\.\\d+\\.\\d+\\.\\d+)\"");
  private static final Pattern GATEWAY = Pattern.compile("\"Gateway\":\\s*\"(\\d+\\.\\d+\\.\\d+\\.\\d+)\"");

  private final List<Engine> engines;
  private final Sheet sheet;
  private final String program;

  /**
   * @param program that containers have as {@code /bin/net}
   */
  Wires(List<Engine> engines, Sheet sheet, String program) {
    this.engines = engines;
    this.sheet = sheet;
    this.program = program;
  }

  /** Containers of an engine that the figures are taken between. */
  private record Pair(Engine engine, String client, String server, String address, String gateway, Process host) {}

  /** Throughput and latency along each way, and what the proxy takes for it. */
  void ways(int rounds, int seconds, int messages) throws Exception {
    var pairs = new ArrayList<Pair>();
    try {
      for (Engine engine : engines) {
        pairs.add(pair(engine));
      }
      for (int round = -1; round < rounds; round++) {
        for (Pair pair : pairs) {
          way(pair, "container to host", exec(pair.client()), pair.gateway(), PORT, seconds, messages, round >= 0);
          way(pair, "container to container", exec(pair.client()), pair.address(), PORT, seconds, messages, round >= 0);
          way(pair, "published port", outside(), pair.engine().address(), PUBLISHED, seconds, messages, round >= 0);
          proxy(pair, seconds, messages, round >= 0);
        }
      }
    } finally {
      for (Pair pair : pairs) {
        pair.host().destroyForcibly();
        try (var client = new ApiClient(pair.engine().socket())) {
          client.remove(pair.client());
          client.remove(pair.server());
        }
      }
    }
  }

  private Pair pair(Engine engine) throws Exception {
    try (var client = new ApiClient(engine.socket())) {
      String server = run(client, "/bin/net\",\"serve\",\"" + PORT, ports(PUBLISHED, PORT, 1), "bridge", "");
      String asks = run(client, "/bin/sleep\",\"100000", "", "bridge", "");
      String seen = client.call("GET", "/containers/" + server + "/json", "", 200);
      Process host =
          new ProcessBuilder(inside(engine.network(), program, "serve", Integer.toString(PORT)))
              .inheritIO()
              .start();
      return new Pair(engine, asks, server, found(ADDRESS, seen), found(GATEWAY, seen), host);
    }
  }

  private void way(
      Pair pair, String way, List<String> where, String address, int port, int seconds, int messages, boolean counts)
      throws Exception {
    String to = Integer.toString(port);
    double rate = number(pair.engine(), where, "stream", address, to, Integer.toString(seconds));
    double ping = number(pair.engine(), where, "ping", address, to, Integer.toString(messages));
    if (counts) {
      String name = pair.engine().name();
      sheet.add(way + ", one TCP stream", name, "MB/s", rate);
      sheet.add(way + ", message there and back", name, "us", ping);
      if (way.equals("published port")) {
        double anew = number(pair.engine(), where, "connect", address, to, Integer.toString(messages / 10));
        double packets = number(pair.engine(), where, "packets", address, to, Integer.toString(seconds));
        sheet.add(way + ", connection and message there and back", name, "us", anew);
        sheet.add(way + ", UDP there and back", name, "packets/s", packets);
      }
    }
  }

  /** From the engine's own host, on loopback: there the proxy serves, with each of them. */
  private void proxy(Pair pair, int seconds, int messages, boolean counts) throws Exception {
    String to = Integer.toString(PUBLISHED);
    var where = inside(pair.engine().network(), program);
    double before = Groups.cpuSeconds(pair.engine());
    double rate = number(pair.engine(), where, "stream", "127.0.0.1", to, Integer.toString(seconds));
    double cpu = Groups.cpuSeconds(pair.engine()) - before;
    double ping = number(pair.engine(), where, "ping", "127.0.0.1", to, Integer.toString(messages));
    if (counts) {
      String name = pair.engine().name();
      sheet.add("userland proxy, one TCP stream", name, "MB/s", rate);
      sheet.add("userland proxy, CPU of a GB", name, "s", cpu * 1000 / (rate * seconds));
      sheet.add("userland proxy, message there and back", name, "us", ping);
    }
  }

  /**
   * Memory of the engine and what it starts, for ports of one container.
   *
   * @param peers ports of a peer; what they take is scaled to {@code count}
   */
  void ports(int count, int peers) throws Exception {
    for (Engine engine : engines) {
      int own = engine.isPeer() ? peers : count;
      try (var client = new ApiClient(engine.socket())) {
        client.remove(run(client, "/bin/sleep\",\"100000", ports(20000, 20000, 1), "bridge", "")); // what the first one costs
        double before = Groups.memory(engine);
        String id = run(client, "/bin/sleep\",\"100000", ports(20000, 20000, own), "bridge", "");
        double megabytes = (Groups.memory(engine) - before) / 1e6 * count / own;
        client.remove(id);
        String name = engine.name() + (own == count ? "" : " (of " + own + ")");
        sheet.add("memory of " + count + " published ports", name, "MB", megabytes);
      }
    }
  }

  /** Look-ups in a network where there are few names, and many. */
  void names(int many, int seconds, int questions) throws Exception {
    for (int count : new int[] {10, many}) {
      for (Engine engine : engines) {
        try (var client = new ApiClient(engine.socket())) {
          client.call("POST", "/networks/create", "{\"Name\":\"" + NETWORK + "\"}", 201);
          var ids = new ArrayList<String>();
          int containers = Math.min(count, 10);
          for (int i = 0; i < containers; i++) {
            var aliases = new StringBuilder();
            for (int n = i; n < count; n += containers) {
              aliases.append(aliases.length() == 0 ? "" : ",").append("\"name-").append(n).append('"');
            }
            String endpoint =
                "\"NetworkingConfig\":{\"EndpointsConfig\":{\"%s\":{\"Aliases\":[%s]}}},".formatted(NETWORK, aliases);
            ids.add(run(client, "/bin/sleep\",\"100000", "", NETWORK, endpoint));
          }
          var asked = new ArrayList<String>();
          for (int i = 0; i < 20; i++) {
            asked.add("name-" + (i * 37 % count));
          }
          look(engine, ids.get(0), count, seconds, questions, asked);
          for (String id : ids) {
            client.remove(id);
          }
          client.call("DELETE", "/networks/" + NETWORK, "", 204);
        }
      }
    }
  }

  private void look(Engine engine, String id, int count, int seconds, int questions, List<String> asked) throws Exception {
    var one = new ArrayList<>(List.of("names", RESOLVER, Integer.toString(questions)));
    one.addAll(asked);
    var rate = new ArrayList<>(List.of("rate", RESOLVER, Integer.toString(seconds)));
    rate.addAll(asked);
    number(engine, exec(id), one.toArray(String[]::new)); // unwarmed
    sheet.add("look-up, " + count + " names", engine.name(), "us", number(engine, exec(id), one.toArray(String[]::new)));
    sheet.add(
        "look-ups side by side, " + count + " names", engine.name(), "names/s", number(engine, exec(id), rate.toArray(String[]::new)));
  }

  /**
   * Many on one bridge: starts among them and packets through one's port take as long as when there are few.
   *
   * @param peers containers of a peer; nothing is scaled, so its figures are for so many
   */
  void crowd(int count, int peers, int samples, int seconds) throws Exception {
    for (Engine engine : engines) {
      int own = engine.isPeer() ? peers : count;
      var ids = new ArrayList<String>();
      try (var client = new ApiClient(engine.socket())) {
        String server = run(client, "/bin/net\",\"serve\",\"" + PORT, ports(PUBLISHED, PORT, 1), "bridge", "");
        ids.add(server);
        for (int i = 0; i < 50 && !engine.isPeer(); i++) { // compiled before the first ones count
          client.remove(start(client, 30000 + i * 2, engine, ""));
        }
        packets(engine, "among few", seconds);
        for (int i = 0; i < own; i++) {
          String when = i < samples ? "among few" : i >= own - samples ? "among " + own : "";
          ids.add(start(client, 20000 + i * 2, engine, when));
        }
        packets(engine, "among " + own, seconds);
        for (String id : ids) {
          client.remove(id);
        }
      }
    }
  }

  private String start(ApiClient client, int port, Engine engine, String when) throws IOException {
    String id = create(client, "/bin/sleep\",\"100000", ports(port, 80, 2), "bridge", "");
    long begin = System.nanoTime();
    client.start(id);
    if (!when.isEmpty()) {
      sheet.addMillis("start on bridge with 2 ports, " + when, engine, System.nanoTime() - begin);
    }
    return id;
  }

  private void packets(Engine engine, String when, int seconds) throws Exception {
    String to = Integer.toString(PUBLISHED);
    double ping = number(engine, outside(), "ping", engine.address(), to, "2000");
    double rate = number(engine, outside(), "packets", engine.address(), to, Integer.toString(seconds));
    sheet.add("message through a port there and back, " + when, engine.name(), "us", ping);
    sheet.add("UDP through a port there and back, " + when, engine.name(), "packets/s", rate);
  }

  private static String run(ApiClient client, String command, String host, String network, String further)
      throws IOException {
    String id = create(client, command, host, network, further);
    client.start(id);
    return id;
  }

  private static String create(ApiClient client, String command, String host, String network, String further)
      throws IOException {
    String exposed = BOUND.matcher(host).results().map(port -> port.group() + ":{}").collect(joining(","));
    return client.create(
        "{%s\"Image\":\"bench\",\"Cmd\":[\"%s\"],\"ExposedPorts\":{%s},\"HostConfig\":{%s\"NetworkMode\":\"%s\"}}"
            .formatted(further, command, exposed, host, network));
  }

  /** Ports of the host, TCP and UDP, to as many of the container. */
  private static String ports(int host, int port, int count) {
    var all = new StringBuilder();
    for (int i = 0; i < count; i++) {
      for (String protocol : count == 1 ? List.of("tcp", "udp") : List.of("tcp")) {
        all.append(all.length() == 0 ? "" : ",")
            .append("\"%d/%s\":[{\"HostPort\":\"%d\"}]".formatted(port + i, protocol, host + i));
      }
    }
    return "\"PortBindings\":{" + all + "},";
  }

  private static String found(Pattern pattern, String json) throws IOException {
    var found = pattern.matcher(json);
    if (!found.find()) {
      throw new IOException("no " + pattern + " in " + json);
    }
    return found.group(1);
  }

  private static List<String> exec(String container) {
    return List.of("docker", "exec", container, "/bin/net");
  }

  private List<String> outside() {
    return inside(Engine.outside(), program);
  }

  private static List<String> inside(long network, String... words) {
    var all = new ArrayList<>(List.of("nsenter", "--net=/proc/" + network + "/ns/net"));
    all.addAll(List.of(words));
    return all;
  }

  private static double number(Engine engine, List<String> where, String... words) throws Exception {
    var command = new ArrayList<>(where);
    command.addAll(List.of(words));
    var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().put("DOCKER_HOST", "unix://" + engine.socket());
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes()).strip();
    if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
      throw new IOException(engine.name() + ": " + String.join(" ", command) + " failed: " + said);
    }
    return Double.parseDouble(said);
  }
}

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Many containers that sleep.
 *
 * @param told as how many they count: a peer runs fewer, and what they take is scaled
 * @param pids of their first processes
 */
record Crowd(Engine engine, int told, List<String> ids, List<Long> pids) implements AutoCloseable {
  private static final Pattern PID = Pattern.compile("\"Pid\":\\s*(\\d+)");

  /**
   * @param further members of the container's configuration, each with a comma at its end
   */
  static Crowd start(Engine engine, int count, int told, String further) throws IOException {
    var ids = new ArrayList<String>();
    var pids = new ArrayList<Long>();
    try (var client = new ApiClient(engine.socket())) {
      for (int i = 0; i < count; i++) {
        ids.add(
            client.create(
                "{%s\"Image\":\"bench\",\"Cmd\":[\"/bin/sleep\",\"100000\"],\"HostConfig\":{\"NetworkMode\":\"none\"}}"
                    .formatted(further)));
        client.start(ids.get(i));
      }
      for (String id : ids) {
        var found = PID.matcher(client.call("GET", "/containers/" + id + "/json", "", 200));
        if (!found.find()) {
          throw new IOException("no pid of " + id);
        }
        pids.add(Long.parseLong(found.group(1)));
      }
    }
    return new Crowd(engine, told, ids, pids);
  }

  /** The engine's, and of how many containers its figures are when they are scaled. */
  String name() {
    return engine.name() + (ids.size() == told ? "" : " (of " + ids.size() + ")");
  }

  double scaled(double value) {
    return value * told / ids.size();
  }

  /** Bytes that the control groups of the containers count. */
  long memory() throws IOException {
    long bytes = 0;
    for (long pid : pids) {
      bytes += Groups.memory(pid);
    }
    return bytes;
  }

  double cpuSeconds() throws IOException {
    double seconds = 0;
    for (long pid : pids) {
      seconds += Groups.cpuSeconds(pid);
    }
    return seconds;
  }

  long listNanos() throws IOException {
    try (var client = new ApiClient(engine.socket())) {
      client.call("GET", "/_ping", "", 200);
      long begin = System.nanoTime();
      String list = client.call("GET", "/containers/json", "", 200);
      long nanos = System.nanoTime() - begin;
      if (!list.contains(ids.get(0)) || !list.contains(ids.get(ids.size() - 1))) {
        throw new IOException(engine.name() + " does not list all that run");
      }
      return nanos;
    }
  }

  @Override
  public void close() throws IOException {
    try (var client = new ApiClient(engine.socket())) {
      for (String id : ids) {
        client.remove(id);
      }
    }
  }
}

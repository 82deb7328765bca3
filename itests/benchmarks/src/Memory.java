import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Memory of idle containers: of what watches each, and all told as the control groups count it. */
final class Memory {
  private static final Path GROUPS = Path.of("/sys/fs/cgroup");
  private static final Pattern PID = Pattern.compile("\"Pid\":\\s*(\\d+)");

  private final List<Engine> engines;
  private final Sheet sheet;

  Memory(List<Engine> engines, Sheet sheet) {
    this.engines = engines;
    this.sheet = sheet;
  }

  /**
   * @param peers containers of a peer; what they take is scaled to {@code count}
   */
  void idle(int count, int peers) throws IOException {
    for (Engine engine : engines) {
      idle(engine, engine.isPeer() ? peers : count, count);
    }
  }

  private void idle(Engine engine, int started, int told) throws IOException {
    long before = used(engine);
    var ids = new ArrayList<String>();
    try (var client = new ApiClient(engine.socket())) {
      for (int i = 0; i < started; i++) {
        ids.add(
            client.create(
                "{\"Image\":\"bench\",\"Cmd\":[\"/bin/sleep\",\"100000\"],\"HostConfig\":{\"NetworkMode\":\"none\"}}"));
        client.start(ids.get(i));
      }
      long inside = 0;
      for (String id : ids) {
        long pid = pid(client.call("GET", "/containers/" + id + "/json", "", 200));
        sheet.add("memory of a container's monitor, PSS", engine.name(), "kB", pss(parent(pid)));
        inside += usedBy(pid);
      }
      double megabytes = (used(engine) - before + inside) / 1e6 * told / started;
      String scaled = started == told ? "" : " (of " + started + ")";
      sheet.add("memory of " + told + " idle containers, all told", engine.name() + scaled, "MB", megabytes);
      for (String id : ids) {
        client.remove(id);
      }
    }
  }

  private static long pid(String json) throws IOException {
    var found = PID.matcher(json);
    if (!found.find()) {
      throw new IOException("no pid in " + json);
    }
    return Long.parseLong(found.group(1));
  }

  private static long parent(long pid) throws IOException {
    String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
    return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[1]);
  }

  private static double pss(long pid) throws IOException {
    return Files.readAllLines(Path.of("/proc", Long.toString(pid), "smaps_rollup")).stream()
        .filter(line -> line.startsWith("Pss:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }

  /** Of the engine and of all it started but for the containers: kernel memory too, page cache not. */
  private static long used(Engine engine) throws IOException {
    return usedIn(directory("memory").resolve(engine.group()));
  }

  private static long usedBy(long pid) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc", Long.toString(pid), "cgroup"))) {
      String[] parts = line.split(":", 3);
      if (parts[1].equals("memory") || (parts[1].isEmpty() && !Files.exists(GROUPS.resolve("memory")))) {
        return usedIn(directory("memory").resolve(parts[2].substring(1)));
      }
    }
    throw new IOException("no memory group of " + pid);
  }

  private static long usedIn(Path group) throws IOException {
    Path v1 = group.resolve("memory.usage_in_bytes");
    boolean split = Files.exists(v1);
    long all = Long.parseLong(Files.readString(split ? v1 : group.resolve("memory.current")).strip());
    String cache = split ? "total_cache " : "file ";
    for (String line : Files.readAllLines(group.resolve("memory.stat"))) {
      if (line.startsWith(cache)) {
        return all - Long.parseLong(line.substring(cache.length()));
      }
    }
    return all;
  }

  /** Of the engine and what it started, containers not. */
  static double cpuSeconds(Engine engine) throws IOException {
    Path v1 = directory("cpuacct").resolve(engine.group()).resolve("cpuacct.usage");
    if (Files.exists(v1)) {
      return Long.parseLong(Files.readString(v1).strip()) / 1e9;
    }
    String stat = Files.readString(GROUPS.resolve(engine.group()).resolve("cpu.stat"));
    return Long.parseLong(stat.lines().findFirst().orElseThrow().replaceAll("\\D", "")) / 1e6;
  }

  private static Path directory(String controller) {
    Path v1 = GROUPS.resolve(controller);
    return Files.isDirectory(v1) ? v1 : GROUPS;
  }
}

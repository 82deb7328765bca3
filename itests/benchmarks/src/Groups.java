import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What control groups count: of an engine with all it started but for the containers, and of a container. */
final class Groups {
  private static final Path ROOT = Path.of("/sys/fs/cgroup");

  private Groups() {}

  /** Bytes: kernel memory too, page cache not. */
  static long memory(Engine engine) throws IOException {
    long bytes = 0;
    for (Path group : of(engine, "memory")) {
      bytes += memoryIn(group);
    }
    return bytes;
  }

  /** Of the container that this is a process of. */
  static long memory(long pid) throws IOException {
    return memoryIn(groupOf(pid, "memory"));
  }

  static double cpuSeconds(Engine engine) throws IOException {
    double seconds = 0;
    for (Path group : of(engine, "cpuacct")) {
      seconds += cpuIn(group);
    }
    return seconds;
  }

  /** Of the container that this is a process of. */
  static double cpuSeconds(long pid) throws IOException {
    return cpuIn(groupOf(pid, "cpuacct"));
  }

  /** Those that there are: what an engine starts need not be in a group of its own in each hierarchy. */
  private static List<Path> of(Engine engine, String controller) {
    return engine.groups().stream()
        .map(directory(controller)::resolve)
        .filter(Files::isDirectory)
        .toList();
  }

  private static Path groupOf(long pid, String controller) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc", Long.toString(pid), "cgroup"))) {
      String[] parts = line.split(":", 3);
      boolean unified = parts[1].isEmpty() && !Files.exists(ROOT.resolve(controller));
      if (parts[1].equals(controller) || unified) {
        return directory(controller).resolve(parts[2].substring(1));
      }
    }
    throw new IOException("no " + controller + " group of " + pid);
  }

  private static long memoryIn(Path group) throws IOException {
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

  private static double cpuIn(Path group) throws IOException {
    Path v1 = group.resolve("cpuacct.usage");
    if (Files.exists(v1)) {
      return Long.parseLong(Files.readString(v1).strip()) / 1e9;
    }
    String stat = Files.readString(group.resolve("cpu.stat"));
    return Long.parseLong(stat.lines().findFirst().orElseThrow().replaceAll("\\D", "")) / 1e6;
  }

  private static Path directory(String controller) {
    Path v1 = ROOT.resolve(controller);
    return Files.isDirectory(v1) ? v1 : ROOT;
  }
}

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * One of the engines that are compared.
 *
 * @param pid of its main process
 * @param network process in whose network namespace it is
 * @param address it has there, for who is outside
 * @param groups control groups, below each hierarchy's root, of it and of what it starts but for containers
 */
record Engine(String name, Path socket, long pid, List<String> groups, long network, String address) {

  /** {@code NAME=SOCKET=PID=GROUP,GROUP…=NETWORK=ADDRESS}, the last two if it is in a network namespace of its own. */
  static Engine parse(String text) {
    String[] parts = text.split("=", -1);
    boolean apart = parts.length > 4;
    return new Engine(
        parts[0],
        Path.of(parts[1]),
        Long.parseLong(parts[2]),
        List.of(parts[3].split(",")),
        apart ? Long.parseLong(parts[4]) : ProcessHandle.current().pid(),
        apart ? parts[5] : "127.0.0.1");
  }

  static List<Engine> parseAll(List<String> texts) {
    var engines = new ArrayList<Engine>();
    texts.forEach(text -> engines.add(parse(text)));
    return engines;
  }

  /** A process in the network namespace of clients, which has a wire to each engine's. */
  static long outside() {
    return Long.parseLong(System.getenv("BENCH_OUTSIDE"));
  }

  /** What the others are compared with. */
  boolean isPeer() {
    return name.startsWith("dockerd");
  }
}

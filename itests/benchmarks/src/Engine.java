import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * One of the engines that are compared.
 *
 * @param pid of its main process
 * @param groups control groups, below each hierarchy's root, of it and of what it starts but for containers
 */
record Engine(String name, Path socket, long pid, List<String> groups) {

  /** {@code NAME=SOCKET=PID=GROUP,GROUP…}. */
  static Engine parse(String text) {
    String[] parts = text.split("=", -1);
    return new Engine(parts[0], Path.of(parts[1]), Long.parseLong(parts[2]), List.of(parts[3].split(",")));
  }

  static List<Engine> parseAll(List<String> texts) {
    var engines = new ArrayList<Engine>();
    texts.forEach(text -> engines.add(parse(text)));
    return engines;
  }

  /** What the others are compared with. */
  boolean isPeer() {
    return name.startsWith("dockerd");
  }
}

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * <pre>java Benchmarks SHEET FIGURE ARGUMENTS… -- NAME=SOCKET=PID=GROUP…</pre>
 *
 * Measures one figure of all engines and appends it to the sheet; {@code report} instead writes the page.
 */
public final class Benchmarks {

  public static void main(String[] args) throws Exception {
    int end = Arrays.asList(args).indexOf("--");
    var given = Arrays.asList(args).subList(0, end < 0 ? args.length : end);
    List<Engine> engines =
        end < 0 ? List.of() : Engine.parseAll(Arrays.asList(args).subList(end + 1, args.length));
    var sheet = new Sheet(Path.of(given.get(0)));
    var own = new ArrayList<>(engines);
    own.removeIf(Engine::isPeer);
    switch (given.get(1)) {
      case "fsync" -> Disk.syncs(Path.of(given.get(3)), number(given, 2), sheet);
      case "lives" -> new Lives(engines, sheet).measure(number(given, 2));
      case "bridge" -> new Lives(engines, sheet).onBridge(number(given, 2));
      case "wires" ->
          new Wires(engines, sheet, given.get(5)).ways(number(given, 2), number(given, 3), number(given, 4));
      case "ports" -> new Wires(engines, sheet, "").ports(number(given, 2), number(given, 3));
      case "names" -> new Wires(engines, sheet, "").names(number(given, 2), number(given, 3), number(given, 4));
      case "crowd" ->
          new Wires(engines, sheet, given.get(6))
              .crowd(number(given, 2), number(given, 3), number(given, 4), number(given, 5));
      case "parallel" -> new Lives(engines, sheet).parallel(number(given, 2), number(given, 3), number(given, 4));
      case "execs" -> new Lives(engines, sheet).execs(number(given, 2));
      case "cli" -> new Lives(engines, sheet).commandLine(number(given, 2));
      case "logs" -> new Throughput(engines, sheet).logs(number(given, 2));
      case "attach" -> new Throughput(engines, sheet).attach(number(given, 2));
      case "readback" -> new Throughput(engines, sheet).readBack(number(given, 2));
      case "copies" -> new Throughput(engines, sheet).copies(Path.of(given.get(3)), number(given, 2));
      case "work" -> new Throughput(engines, sheet).work(Path.of(given.get(3)), Path.of(given.get(4)), number(given, 2));
      case "images" -> new Throughput(engines, sheet).images(Path.of(given.get(3)), number(given, 2));
      case "registry" -> new Registries(engines, sheet).measure(Path.of(given.get(3)), number(given, 2));
      case "idle" -> new Memory(engines, sheet).idle(number(given, 2), number(given, 3));
      case "thousand" -> new Memory(engines, sheet).thousand(number(given, 2), number(given, 3));
      case "health" ->
          new Checks(engines, sheet).measure(number(given, 2), number(given, 3), Duration.ofSeconds(number(given, 4)));
      case "waiting" -> new Patience(own.get(0), sheet).waiting(number(given, 2));
      case "soak" -> new Patience(own.get(0), sheet).lives(number(given, 2));
      case "load" -> new Patience(own.get(0), sheet).load();
      case "report" -> Report.write(Path.of(given.get(0)), Path.of(given.get(2)));
      default -> throw new IllegalArgumentException("no such figure: " + given.get(1));
    }
    if (!given.get(1).equals("report")) {
      sheet.write();
    }
  }

  private static int number(List<String> given, int index) {
    return Integer.parseInt(given.get(index));
  }
}

import java.nio.file.Path;
import java.util.List;

/**
 * Images from a registry of Debian's and to it, by the CLI; time and CPU of the engine. Each engine has a registry to itself, on its
 * loopback, with large:1 in it; huge:1 is here to be pushed.
 */
final class Registries {
  private static final String HOST = "127.0.0.1:5000/";

  /** Rounds before those that count. */
  private static final int FIRST = 1;

  private final List<Engine> engines;
  private final Throughput throughput;

  Registries(List<Engine> engines, Sheet sheet) {
    this.engines = engines;
    this.throughput = new Throughput(engines, sheet);
  }

  /**
   * @param stores a folder for each engine's registry, by its number
   */
  void measure(Path stores, int rounds) throws Exception {
    for (int round = -FIRST; round < rounds; round++) {
      for (Engine engine : engines) {
        throughput.timed(round >= 0, engine, "docker pull, 500 MB in 10 layers", "docker", "pull", "-q", HOST + "large:1");
        Throughput.run(engine, "docker", "rmi", "-f", HOST + "large:1");
      }
    }
    for (int round = -FIRST; round < rounds; round++) {
      for (int i = 0; i < engines.size(); i++) {
        Engine engine = engines.get(i);
        Throughput.run(engine, "rm", "-rf", stores.resolve(i + "/docker").toString());
        throughput.timed(round >= 0, engine, "docker push, 1 GB in 20 layers", "docker", "push", "-q", HOST + "huge:1");
      }
    }
    for (Engine engine : engines) {
      Throughput.run(engine, "docker", "rmi", "-f", HOST + "huge:1");
    }
  }
}

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Bytes: kept logs and what is read of them, attached clients, images and files in and out; and work inside against the bare host. */
final class Throughput {
  private static final int MEGABYTES = 96;

  /** Rounds before those that count: what runs for the first time is compiled, or read from the disk. */
  private static final int FIRST_STREAMS = 3;

  private static final int FIRST_IMAGES = 1;
  private static final int FIRST_COPIES = 1;
  private static final List<String> WORK = List.of("cpu", "syscalls", "memory", "file");

  private final List<Engine> engines;
  private final Sheet sheet;

  Throughput(List<Engine> engines, Sheet sheet) {
    this.engines = engines;
    this.sheet = sheet;
  }

  void logs(int rounds) throws IOException {
    streams("json-file log, 100-byte lines", "json-file", false, rounds);
  }

  void attach(int rounds) throws IOException {
    streams("attach, no log", "none", true, rounds);
  }

  private void streams(String figure, String log, boolean attached, int rounds) throws IOException {
    for (int round = -FIRST_STREAMS; round < rounds; round++) {
      for (Engine engine : engines) {
        double rate = lines(engine, log, attached);
        if (round >= 0) {
          sheet.add(figure, engine.name(), "MB/s", rate);
        }
      }
    }
  }

  private static double lines(Engine engine, String log, boolean attached) throws IOException {
    String body =
        """
        {"Image":"bench","Cmd":["/bin/work","lines","%d"],"AttachStdout":%b,
         "HostConfig":{"NetworkMode":"none","LogConfig":{"Type":"%s"}}}"""
            .formatted(MEGABYTES, attached, log);
    try (var client = new ApiClient(engine.socket());
        var stream = new ApiClient(engine.socket())) {
      String id = client.create(body);
      if (attached) {
        stream.send(
            "POST",
            "/containers/" + id + "/attach?stream=1&stdout=1",
            "",
            "Connection: Upgrade\r\nUpgrade: tcp\r\n");
        stream.head(101);
      }
      long begin = System.nanoTime();
      client.start(id);
      if (attached && stream.drain() < MEGABYTES * 1_000_000L) {
        throw new IOException(engine.name() + " has lost output");
      }
      client.await(id);
      double seconds = (System.nanoTime() - begin) / 1e9;
      client.remove(id);
      return MEGABYTES / seconds;
    }
  }

  /** The log of a container that has ended, read as {@code docker logs} reads it. */
  void readBack(int rounds) throws IOException {
    var ids = new ArrayList<String>();
    for (Engine engine : engines) {
      try (var client = new ApiClient(engine.socket())) {
        ids.add(
            client.create(
                "{\"Image\":\"bench\",\"Cmd\":[\"/bin/work\",\"lines\",\"%d\"],\"HostConfig\":{\"NetworkMode\":\"none\",\"LogConfig\":{\"Type\":\"json-file\"}}}"
                    .formatted(MEGABYTES)));
        client.start(ids.get(ids.size() - 1));
        client.await(ids.get(ids.size() - 1));
      }
    }
    for (int round = -FIRST_COPIES; round < rounds; round++) {
      for (int i = 0; i < ids.size(); i++) {
        double seconds = readBack(engines.get(i), ids.get(i));
        if (round >= 0) {
          sheet.add("json-file log read back", engines.get(i).name(), "MB/s", MEGABYTES / seconds);
        }
      }
    }
    for (int i = 0; i < ids.size(); i++) {
      try (var client = new ApiClient(engines.get(i).socket())) {
        client.remove(ids.get(i));
      }
    }
  }

  private static double readBack(Engine engine, String id) throws IOException {
    try (var stream = new ApiClient(engine.socket())) {
      long begin = System.nanoTime();
      stream.send("GET", "/containers/" + id + "/logs?stdout=1", "", "Connection: close\r\n");
      stream.head(200);
      if (stream.drain() < MEGABYTES * 1_000_000L) {
        throw new IOException(engine.name() + " has lost lines of the log");
      }
      return (System.nanoTime() - begin) / 1e9;
    }
  }

  /** A large file into a container that runs and out again, by the CLI; time and CPU of the engine. */
  void copies(Path file, int rounds) throws Exception {
    for (int round = -FIRST_COPIES; round < rounds; round++) {
      for (Engine engine : engines) {
        try (var crowd = Crowd.start(engine, 1, 1, "")) {
          String inside = crowd.ids().get(0) + ":/copied";
          run(engine, "sync");
          timed(round >= 0, engine, "docker cp of 1 GB in", "docker", "cp", "-q", file.toString(), inside);
          run(engine, "sync");
          timed(round >= 0, engine, "docker cp of 1 GB out", "sh", "-c", "docker cp " + inside + " - >/dev/null");
        }
      }
    }
  }

  /** The archive in and the image out again, by the CLI; time and CPU of the engine. */
  void images(Path archive, int rounds) throws Exception {
    for (int round = -FIRST_IMAGES; round < rounds; round++) {
      for (Engine engine : engines) {
        boolean counts = round >= 0;
        timed(counts, engine, "docker load, 500 MB in 10 layers", "docker", "load", "-q", "-i", archive.toString());
        timed(counts, engine, "docker save of it", "sh", "-c", "docker save bench:large >/dev/null");
        run(engine, "docker", "rmi", "-f", "bench:large");
      }
    }
  }

  void timed(boolean counts, Engine engine, String figure, String... command) throws Exception {
    double before = Groups.cpuSeconds(engine);
    long begin = System.nanoTime();
    run(engine, command);
    double seconds = (System.nanoTime() - begin) / 1e9;
    double cpu = Groups.cpuSeconds(engine) - before;
    if (counts) {
      sheet.add(figure, engine.name(), "s", seconds);
      sheet.add(figure + ", CPU", engine.name(), "s", cpu);
    }
  }

  static void run(Engine engine, String... command) throws Exception {
    var builder = new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().put("DOCKER_HOST", "unix://" + engine.socket());
    int status = builder.start().waitFor();
    if (status != 0) {
      throw new IOException(String.join(" ", command) + " on " + engine.name() + ": " + status);
    }
  }

  /** The same static program on the host and in containers that run all the while, in turn. */
  void work(Path program, Path scratch, int rounds) throws Exception {
    var ids = new ArrayList<String>();
    for (Engine engine : engines) {
      try (var client = new ApiClient(engine.socket())) {
        ids.add(
            client.create(
                "{\"Image\":\"bench\",\"Cmd\":[\"/bin/sleep\",\"100000\"],\"HostConfig\":{\"NetworkMode\":\"none\"}}"));
        client.start(ids.get(ids.size() - 1));
      }
    }
    for (int round = 0; round < rounds; round++) {
      for (String what : WORK) {
        String figure = "processor time of the same work: " + what;
        sheet.add(figure, "bare host", "ms", nanos(List.of(program.toString(), what, scratch.toString()), null) / 1e6);
        for (int i = 0; i < engines.size(); i++) {
          var command = List.of("docker", "exec", ids.get(i), "/bin/work", what, "/tmp");
          sheet.add(figure, engines.get(i).name(), "ms", nanos(command, engines.get(i)) / 1e6);
        }
      }
    }
    for (int i = 0; i < engines.size(); i++) {
      try (var client = new ApiClient(engines.get(i).socket())) {
        client.remove(ids.get(i));
      }
    }
  }

  /** Processor time, as the program tells it. */
  private static long nanos(List<String> command, Engine engine) throws Exception {
    var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    if (engine != null) {
      builder.environment().put("DOCKER_HOST", "unix://" + engine.socket());
    }
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes()).strip();
    if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
      throw new IOException(String.join(" ", command) + " failed: " + said);
    }
    return Long.parseLong(said);
  }
}

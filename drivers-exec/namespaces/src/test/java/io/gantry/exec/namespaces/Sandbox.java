package io.gantry.exec.namespaces;

import io.gantry.monitor.CreateRequest;
import io.gantry.monitor.ExecExit;
import io.gantry.monitor.ExecRequest;
import io.gantry.monitor.ExitRecord;
import io.gantry.monitor.Helper;
import io.gantry.monitor.Monitor;
import io.gantry.monitor.MonitorLoop;
import io.gantry.monitor.MonitorStream;
import io.gantry.monitor.Spawner;
import io.gantry.monitor.Streams;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.exec.Launch;
import io.gantry.spi.exec.ProcessSpec;
import io.gantry.spi.exec.TaskSpec;
import io.gantry.spi.testkit.ExecDriverContract.Outcome;
import io.gantry.spi.testkit.ExecDriverContract.Running;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** Carries plans out through the real helper, with a zygote of its own. */
final class Sandbox implements AutoCloseable {

  private static final int SIGKILL = 9;

  private final Path root;
  private final MonitorLoop loop = MonitorLoop.start();
  private final Spawner spawner;
  private int containers;

  Sandbox() {
    this("");
  }

  /**
   * A sandbox whose zygote a shell starts.
   *
   * @param script {@code $0} is the helper, {@code $1} the directory to serve
   */
  static Sandbox withZygoteBy(String script) {
    return new Sandbox(script);
  }

  private Sandbox(String script) {
    try {
      root = Files.createTempDirectory(Path.of("/tmp"), "gyx");
      Path shipped =
          Path.of(
              System.getProperty(
                  "gantry.helper", "../../bundles/monitor/target/native/gantry-helper"));
      Helper helper = Helper.install(shipped, root);
      if (!script.isEmpty()) {
        var shell = new ProcessBuilder("sh", "-c", script, "" + helper.path(), "" + root);
        int status = shell.inheritIO().start().onExit().join().exitValue();
        if (status != 0) {
          throw new IOException("the shell ended with " + status);
        }
      }
      spawner = Spawner.ensure(helper, root, loop);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  Path root() {
    return root;
  }

  long zygotePid() {
    return spawner.hello().monitorPid();
  }

  Outcome run(TaskSpec spec, Launch launch) {
    try (var container = new Container(spec, launch)) {
      MonitorStream stream = container.monitor.attach(Streams.OUTPUT);
      container.monitor.program(launch.program());
      Output output = Output.of(stream);
      return output.outcome(container.exit.get(60, TimeUnit.SECONDS).status());
    } catch (GantryException e) {
      return new Outcome(-1, "", "", e.getMessage());
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  Container start(TaskSpec spec, Launch launch) {
    var container = new Container(spec, launch);
    container.monitor.program(launch.program());
    return container;
  }

  @Override
  public void close() {
    spawner.quit();
    loop.close();
    try (var files = Files.walk(root)) {
      files.sorted(java.util.Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  final class Container implements Running, Monitor.Listener {
    private final CompletableFuture<ExitRecord> exit = new CompletableFuture<>();
    private final Map<String, CompletableFuture<ExecExit>> execs = new ConcurrentHashMap<>();
    private final Monitor monitor;

    Container(TaskSpec spec, Launch launch) {
      String name = "%016x".formatted(++containers);
      Path dir = root.resolve(name);
      try {
        Files.createDirectory(
            dir,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
      monitor =
          spawner.create(
              new CreateRequest(
                  "deadbeef",
                  spec.id(),
                  dir.toString(),
                  spec.process().terminal(),
                  false,
                  false,
                  spec.init(),
                  launch.cloneFlags(),
                  Bytes.EMPTY,
                  launch.foreign(),
                  24,
                  80,
                  null,
                  List.of(),
                  "",
                  List.of(),
                  launch.early(),
                  false,
                  List.of(),
                  ""),
              this);
    }

    long initPid() {
      return monitor.init().pid();
    }

    long monitorPid() {
      return monitor.hello().monitorPid();
    }

    @Override
    public Outcome exec(ProcessSpec process, Launch launch) {
      String id = "%064x".formatted(execs.size() + 1);
      CompletableFuture<ExecExit> ended = new CompletableFuture<>();
      execs.put(id, ended);
      try (var stream =
          monitor.exec(
              new ExecRequest(id, Streams.OUTPUT, process.terminal(), 24, 80, launch.program()))) {
        Output output = Output.of(stream);
        return output.outcome(ended.get(60, TimeUnit.SECONDS).status());
      } catch (GantryException e) {
        return new Outcome(-1, "", "", e.getMessage());
      } catch (Exception e) {
        throw new AssertionError(e);
      }
    }

    /** Not committed: the container ends with its connection, here after its last word. */
    @Override
    public void close() {
      try {
        if (!exit.isDone()) {
          monitor.signal(SIGKILL);
          exit.get(60, TimeUnit.SECONDS);
        }
        monitor.quit();
      } catch (GantryException e) {
        monitor.close(); // its start had failed
      } catch (Exception e) {
        throw new AssertionError(e);
      }
    }

    @Override
    public void exited(ExitRecord record) {
      exit.complete(record);
    }

    @Override
    public void execExited(ExecExit ended) {
      CompletableFuture<ExecExit> exec = execs.get(ended.execId());
      if (exec != null) {
        exec.complete(ended);
      }
    }

    @Override
    public void lost(String reason) {
      exit.completeExceptionally(new AssertionError("lost: " + reason));
    }
  }

  /** What a stream carried, taken apart. */
  private record Output(String out, String err) {

    static Output of(MonitorStream stream) throws Exception {
      var all = new ByteArrayOutputStream();
      while (true) {
        ByteBuffer read = stream.read().toCompletableFuture().get(60, TimeUnit.SECONDS);
        if (!read.hasRemaining()) {
          break;
        }
        byte[] bytes = new byte[read.remaining()];
        read.get(bytes);
        all.write(bytes);
      }
      stream.close();
      if (stream.terminal()) {
        return new Output(all.toString(StandardCharsets.UTF_8), "");
      }
      var out = new ByteArrayOutputStream();
      var err = new ByteArrayOutputStream();
      ByteBuffer frames = ByteBuffer.wrap(all.toByteArray());
      while (frames.hasRemaining()) {
        int kind = frames.getInt() >>> 24;
        byte[] content = new byte[frames.getInt()];
        frames.get(content);
        (kind == 2 ? err : out).write(content);
      }
      return new Output(out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    Outcome outcome(int status) {
      return new Outcome(status, out, err, "");
    }
  }
}

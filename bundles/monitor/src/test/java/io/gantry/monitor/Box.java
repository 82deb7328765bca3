package io.gantry.monitor;

import static io.gantry.monitor.program.KernelFlags.CLONE_NEWNET;
import static io.gantry.monitor.program.KernelFlags.CLONE_NEWNS;
import static io.gantry.monitor.program.KernelFlags.CLONE_NEWPID;
import static io.gantry.monitor.program.KernelFlags.MS_PRIVATE;
import static io.gantry.monitor.program.KernelFlags.MS_REC;

import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.Bytes;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** An exec root with a zygote and a busybox tree, for tests with the real helper. */
final class Box implements AutoCloseable {

  static final long PATIENCE_SECONDS = 60;
  private static final Path BUSYBOX = Path.of("/bin/busybox");

  final Path root;
  final MonitorLoop loop = MonitorLoop.start();
  final Helper helper;
  final Spawner spawner;
  private final Path tree;
  private int containers;

  Box() {
    try {
      root = Files.createTempDirectory(Path.of("/tmp"), "gym");
      tree = Files.createDirectory(root.resolve("tree"));
      Path bin = Files.createDirectory(tree.resolve("bin"));
      Files.copy(BUSYBOX, bin.resolve("busybox"));
      bin.resolve("busybox").toFile().setExecutable(true, false);
      for (String applet : "sh cat echo seq sleep tty stty true kill".split(" ")) {
        Files.createSymbolicLink(bin.resolve(applet), Path.of("busybox"));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    helper =
        Helper.install(
            Path.of(System.getProperty("gantry.helper", "target/native/gantry-helper")), root);
    spawner = Spawner.ensure(helper, root, loop);
  }

  /** Makes a container that waits for its program. */
  Container create(boolean terminal, boolean stdin) {
    return new Container(terminal, stdin, true, 0);
  }

  /** As above, without a log. */
  Container createSilent() {
    return new Container(false, false, false, 0);
  }

  /** As above, with a network namespace of its own. */
  Container createNetworked() {
    return new Container(false, false, false, CLONE_NEWNET);
  }

  Container start(String script) {
    Container container = create(false, false);
    container.monitor.program(shell(script));
    return container;
  }

  Bytes shell(String script) {
    return program(false, "/bin/sh", "-c", script);
  }

  Bytes program(boolean terminal, String... args) {
    var program = new OpProgram();
    program.propagation(MS_REC | MS_PRIVATE).rootBind(tree.toString()).root();
    program.mount("proc", "/proc", 0, List.of()).dev("1m");
    program.devNode("null", 0020666, 1, 3, 0, 0).devDone();
    program.mount("devpts", "/dev/pts", 0, List.of("newinstance", "ptmxmode=0666"));
    return finish(program, terminal, args);
  }

  Bytes execProgram(boolean terminal, String... args) {
    return finish(new OpProgram(), terminal, args);
  }

  private static Bytes finish(OpProgram program, boolean terminal, String... args) {
    program.umask(0022).env(List.of("PATH=/bin")).userLookup("", List.of());
    if (terminal) {
      program.console();
    }
    return program.identity().cwd("/").exec(List.of(args)).build();
  }

  @Override
  public void close() {
    spawner.quit();
    loop.close();
    try (var files = Files.walk(root)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Reads to the end. */
  static byte[] readAll(MonitorStream stream) throws Exception {
    var all = new ByteArrayOutputStream();
    while (true) {
      ByteBuffer read = read(stream);
      if (!read.hasRemaining()) {
        return all.toByteArray();
      }
      byte[] bytes = new byte[read.remaining()];
      read.get(bytes);
      all.write(bytes);
    }
  }

  static ByteBuffer read(MonitorStream stream) throws Exception {
    return stream.read().toCompletableFuture().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  /** The content of frames of one stream. */
  static String frames(byte[] all, int stream) {
    var content = new ByteArrayOutputStream();
    ByteBuffer in = ByteBuffer.wrap(all);
    while (in.hasRemaining()) {
      int kind = in.getInt() >>> 24;
      byte[] bytes = new byte[in.getInt()];
      in.get(bytes);
      if (kind == stream) {
        content.writeBytes(bytes);
      }
    }
    return content.toString(java.nio.charset.StandardCharsets.UTF_8);
  }

  static void eventually(String what, java.util.function.BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("never: " + what);
      }
      java.util.concurrent.locks.LockSupport.parkNanos(2_000_000);
    }
  }

  static CreateRequest request(
      String id, Path dir, boolean terminal, boolean stdin, boolean logs, long namespaces) {
    return new CreateRequest(
        "deadbeef",
        id,
        dir.toString(),
        terminal,
        stdin,
        stdin,
        false,
        CLONE_NEWPID | CLONE_NEWNS | namespaces,
        Bytes.EMPTY,
        false,
        24,
        80,
        logs ? Spool.at(dir.resolve("log").toString()) : null,
        List.of(),
        "",
        List.of(),
        Bytes.EMPTY,
        false,
        List.of(),
        "");
  }

  /** A container and what was heard of it. */
  final class Container implements Monitor.Listener, AutoCloseable {
    final Path dir;
    final Monitor monitor;
    final CompletableFuture<ExitRecord> exit = new CompletableFuture<>();
    final CompletableFuture<String> lost = new CompletableFuture<>();
    final BlockingQueue<ExecExit> execExits = new LinkedBlockingQueue<>();

    private Container(boolean terminal, boolean stdin, boolean logs, long namespaces) {
      String id = "%064x".formatted(++containers);
      dir = root.resolve(id.substring(48));
      try {
        Files.createDirectory(
            dir,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      monitor = spawner.create(request(id, dir, terminal, stdin, logs, namespaces), this);
    }

    ExitRecord awaitExit() throws Exception {
      return exit.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    public void exited(ExitRecord record) {
      exit.complete(record);
    }

    @Override
    public void execExited(ExecExit ended) {
      execExits.add(ended);
    }

    @Override
    public void lost(String reason) {
      lost.complete(reason);
    }

    /** Not committed, it ends with the connection. */
    @Override
    public void close() {
      monitor.close();
    }
  }
}

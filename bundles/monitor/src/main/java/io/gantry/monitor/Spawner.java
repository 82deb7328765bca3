package io.gantry.monitor;

import static java.lang.System.Logger.Level.INFO;

import io.gantry.monitor.program.KernelFlags;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The zygote that monitors are forked from, one per exec root. It runs outside the engine and is
 * found again by its socket; an older one is let go, which its monitors do not notice.
 */
public final class Spawner {

  private static final System.Logger LOG = System.getLogger(Spawner.class.getName());

  private final Path socket;
  private final MonitorLoop loop;

  private Spawner(Path execRoot, MonitorLoop loop) {
    this.socket = execRoot.resolve("spawn.sock");
    this.loop = loop;
  }

  /**
   * Finds the zygote of this exec root, or starts it.
   *
   * @param execRoot 0700 and the caller's; its path leaves room for a socket's (107 bytes)
   * @throws GantryException UNAVAILABLE with what the helper said when it cannot be started
   */
  public static Spawner ensure(Helper helper, Path execRoot, MonitorLoop loop) {
    var spawner = new Spawner(execRoot, loop);
    Optional<Hello> running = spawner.find();
    if (running.isPresent() && running.get().helperSha256().equals(helper.sha256())) {
      return spawner;
    }
    if (running.isPresent()) {
      spawner.quit();
    }
    launch(helper, execRoot, loop);
    Hello hello = spawner.hello();
    LOG.log(INFO, "zygote {0} serves {1}", Long.toString(hello.monitorPid()), execRoot);
    return spawner;
  }

  /** The zygote's process. */
  public long pid() {
    return hello().monitorPid();
  }

  /** How the zygote introduces itself. */
  public Hello hello() {
    var visit = new Visit(socket, loop);
    try {
      visit.start(Message.of(MessageType.QUERY));
      return loop.await(visit.greeted, "zygote at " + socket);
    } finally {
      visit.disconnect();
    }
  }

  /**
   * Makes a container; back when its namespaces exist, and then it waits for its program or runs
   * it. Until it is committed it ends with the returned connection; after a failure nothing is left
   * of it.
   */
  public Monitor create(CreateRequest request, Monitor.Listener listener) {
    boolean network = (request.cloneFlags() & KernelFlags.CLONE_NEWNET) != 0;
    Monitor monitor = expect(Path.of(request.dir()), network, listener);
    try {
      monitor.create(request);
      monitor.created();
      return monitor;
    } catch (RuntimeException e) {
      monitor.close();
      throw e;
    }
  }

  /**
   * As {@link #create}, for whoever does not yet know all about the container: its monitor is
   * forked meanwhile, and waits for {@link Monitor#create}. Nothing is left of it, nor of the
   * container, once the returned connection is closed.
   *
   * @param dir its run directory, which need not be there yet
   * @param network whether it is going to have a network namespace of its own, which takes long to
   *     make
   */
  public Monitor expect(Path dir, boolean network, Monitor.Listener listener) {
    return Monitor.expect(socket, dir, network, loop, listener);
  }

  /** Starts a net helper that listens there; in the place of one that does. */
  void startNet(Path net) {
    Errand.run(
        socket,
        loop,
        Message.of(MessageType.START_NET).text(Tag.NET, net.toString()),
        "start of the net helper");
  }

  /** Ends the zygote; existing monitors go on. Does nothing when it is gone. */
  public void quit() {
    Visit visit;
    try {
      visit = new Visit(socket, loop);
    } catch (GantryException e) {
      if (e.kind() == Kind.NOT_FOUND) {
        return;
      }
      throw e;
    }
    try {
      loop.await(visit.quit(), "end of the zygote at " + socket);
    } finally {
      visit.disconnect();
    }
  }

  private Optional<Hello> find() {
    try {
      return Optional.of(hello());
    } catch (GantryException e) {
      if (e.kind() == Kind.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** The command returns once the zygote listens, or says on standard error why it cannot. */
  private static void launch(Helper helper, Path execRoot, MonitorLoop loop) {
    Path said = null;
    try {
      said = Files.createTempFile(execRoot, "spawn", ".err");
      var builder = new ProcessBuilder(helper.path().toString(), "spawn", execRoot.toString());
      builder.environment().clear();
      builder.directory(Path.of("/").toFile());
      builder.redirectInput(Path.of("/dev/null").toFile());
      builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
      builder.redirectError(said.toFile());
      Process process = builder.start();
      if (!process.waitFor(loop.patience().toNanos(), TimeUnit.NANOSECONDS)) {
        process.destroyForcibly();
        throw failed("no answer within " + loop.patience().toSeconds() + " s");
      }
      if (process.exitValue() != 0) {
        String text = Files.readString(said, StandardCharsets.UTF_8).strip();
        throw failed(text.isEmpty() ? "exit code " + process.exitValue() : text);
      }
    } catch (IOException e) {
      throw new GantryException(
          Kind.UNAVAILABLE, "the helper cannot be started: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(Kind.CANCELLED, "start of the helper: interrupted", e);
    } finally {
      deleteQuietly(said);
    }
  }

  private static GantryException failed(String reason) {
    return new GantryException(Kind.UNAVAILABLE, "the helper cannot be started: " + reason);
  }

  private static void deleteQuietly(@Nullable Path file) {
    try {
      if (file != null) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      // an empty file in our own directory: harmless
    }
  }

  /** One connection for one question. */
  private static final class Visit extends Control {

    Visit(Path socket, MonitorLoop loop) {
      super(socket, loop, loop.patience());
    }

    CompletableFuture<Void> quit() {
      var answer = request(Message.of(MessageType.QUIT));
      listen();
      return answer;
    }

    @Override
    void event(Message message) {
      // the zygote tells nothing that was not asked for
    }

    @Override
    void failed(HelperError error) {
      greeted.completeExceptionally(error.asGantryException());
    }

    @Override
    void lost(IOException reason) {
      // whoever waits is told by the caller of this
    }
  }
}

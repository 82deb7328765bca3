package io.gantry.monitor;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.monitor.program.KernelFlags;
import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The engine's end of a container's monitor: a control connection.
 *
 * <p>Made by {@link Spawner}, the container lives and dies with this connection until {@link
 * #commit}; after that the monitor carries on alone and {@link #adopt} finds it again. Calls wait
 * for the answer, are safe from any thread but the loop's own, and fail with UNAVAILABLE when the
 * monitor is gone or silent. What the helper says went wrong is the {@link HelperError} in a
 * failure.
 */
public final class Monitor implements AutoCloseable {

  /**
   * Told what happens, on the loop's thread: must not block, and may be told before the call that
   * made the monitor has returned. The last word is one of exited and lost, or nothing when the
   * connection was closed from this side or a container failed before its commit.
   */
  public interface Listener {

    /** The container's program runs. */
    default void started(Init init, Instant time) {}

    /** The container has ended; its exit record is on disk. */
    void exited(ExitRecord exit);

    /**
     * The kernel has killed processes of the container for want of memory.
     *
     * @param kills so far
     */
    default void outOfMemory(long kills, Instant time) {}

    /**
     * A health check of the monitor's takes longer than most: most are told of when they end.
     *
     * @param execId of the process
     */
    default void checking(String execId, long pid, Instant begin) {}

    /** A health check of the monitor's is over. */
    default void checked(String execId, Checks checks) {}

    /** An exec'ed process has ended. */
    void execExited(ExecExit exit);

    /** The monitor is gone and has left no exit record. */
    void lost(String reason);
  }

  /**
   * The container's first process.
   *
   * @param pid on the host
   * @param start clock ticks since boot
   */
  public record Init(long pid, long start) {}

  private static final System.Logger LOG = System.getLogger(Monitor.class.getName());
  private static final int KILL = 9;

  /** The op set with which monitors learnt of networks. */
  private static final int NETWORKS = 3;

  /** The one with which they learnt to check the health of their containers. */
  private static final int CHECKS = 4;

  private final Path dir;
  private final Listener listener;
  private final Link link;
  private final CompletableFuture<Init> created = new CompletableFuture<>();
  private final CompletableFuture<Init> started = new CompletableFuture<>();
  private volatile boolean committed;
  private volatile boolean over;
  private volatile @Nullable Init init;
  private volatile @Nullable CompletableFuture<Void> quitting;

  private Monitor(Path socket, Path dir, MonitorLoop loop, Listener listener, Duration patience) {
    this.dir = dir;
    this.listener = listener;
    this.link = new Link(socket, loop, patience);
  }

  /**
   * Connects to the monitor that serves a run directory. The listener hears what happens from now
   * on; what has happened before is in {@link #hello}.
   *
   * @throws GantryException NOT_FOUND when there is no monitor: it has ended (see {@link
   *     ExitRecord#read}) or was killed
   */
  public static Monitor adopt(Path dir, MonitorLoop loop, Listener listener) {
    return adopt(dir, loop, listener, loop.patience());
  }

  /**
   * The same for who does not want to wait longer.
   *
   * @param patience for each of being let in and being greeted
   */
  public static Monitor adopt(Path dir, MonitorLoop loop, Listener listener, Duration patience) {
    var monitor = new Monitor(dir.resolve("ctl.sock"), dir, loop, listener, patience);
    try {
      monitor.link.start(Message.of(MessageType.CONTROL));
      Hello hello = loop.await(monitor.link.greeted, "greeting of " + dir, patience);
      monitor.committed = hello.committed();
      if (hello.initPid() != 0) {
        monitor.init = new Init(hello.initPid(), hello.initStart());
      }
      if (hello.phase() == Hello.Phase.RUNNING) {
        monitor.started.complete(monitor.init());
      }
      return monitor;
    } catch (RuntimeException e) {
      monitor.close();
      throw e;
    }
  }

  /** Has the zygote fork who will be the monitor; {@link #create} tells it of what. */
  static Monitor expect(
      Path socket, Path dir, boolean network, MonitorLoop loop, Listener listener) {
    var monitor = new Monitor(socket, dir, loop, listener, loop.patience());
    long flags = network ? KernelFlags.CLONE_NEWNET : 0;
    // What fails here shows when the answer to CREATE is read.
    var unused = monitor.link.send(Message.of(MessageType.EXPECT).number(Tag.CLONE, flags));
    return monitor;
  }

  /**
   * Begins to make the container that was expected; {@link #created} waits for it.
   *
   * @param request with the run directory that was named then
   */
  public void create(CreateRequest request) {
    link.start(request.message());
  }

  /**
   * Waits until the container's namespaces exist. After a failure the container is gone.
   *
   * @throws GantryException with the {@link HelperError} or {@link MonitorLost}
   */
  public Init created() {
    return link.loop.await(created, "create in " + dir);
  }

  /** How the monitor introduced itself when this connection was made. */
  public Hello hello() {
    return link.loop.await(link.greeted, "greeting of " + dir);
  }

  /** The container's first process; after a start it is the program's. */
  public Init init() {
    Init known = init;
    if (known == null) {
      throw new GantryException(Kind.CONFLICT, "the container in " + dir + " has no process yet");
    }
    return known;
  }

  /**
   * Gives a waiting init its program and waits until it has been carried out. After a failure the
   * container is gone.
   */
  public Init program(Bytes program) {
    give(program);
    return started();
  }

  /** As {@link #program}, for whoever has something else to do before {@link #started}. */
  public void give(Bytes program) {
    var unused = link.send(Message.of(MessageType.PROGRAM).bytes(Tag.PROGRAM, program.toArray()));
  }

  /**
   * Waits until the container's program runs. After a failure the container is gone.
   *
   * @throws GantryException with the {@link HelperError} or {@link MonitorLost}
   */
  public Init started() {
    return link.loop.await(started, "start in " + dir);
  }

  /**
   * From now on the container lives without this connection. Back when the kernel has the message:
   * the monitor reads it whatever becomes of this engine, so nobody need wait for the answer.
   */
  public void commit() {
    committed = true;
    link.loop.await(link.post(Message.of(MessageType.COMMIT)), "commit in " + dir);
  }

  /** Sends a signal to the container's first process; CONFLICT when it has ended. */
  public void signal(int signal) {
    request("signal", Message.of(MessageType.SIGNAL).number(Tag.SIGNAL, signal));
  }

  /**
   * The same for who does not want to wait longer for the answer; what is sent is done though it
   * comes later.
   */
  public void signal(int signal, Duration patience) {
    var sent = link.request(Message.of(MessageType.SIGNAL).number(Tag.SIGNAL, signal));
    link.loop.await(sent, "signal in " + dir, patience);
  }

  /** Sends a signal to an exec'ed process; CONFLICT when it has ended. */
  public void signal(int signal, String execId) {
    request(
        "signal",
        Message.of(MessageType.SIGNAL).number(Tag.SIGNAL, signal).text(Tag.EXEC_ID, execId));
  }

  /**
   * Kills an exec'ed process and all of its process group; CONFLICT when it has ended. A monitor of
   * a former version kills the process alone.
   */
  public void kill(String execId) {
    request(
        "kill",
        Message.of(MessageType.SIGNAL)
            .number(Tag.SIGNAL, KILL)
            .text(Tag.EXEC_ID, execId)
            .number(Tag.GROUP, 1));
  }

  /** Tells the container's terminal its size; CONFLICT when it has none. */
  public void resize(int rows, int columns) {
    request("resize", size(rows, columns));
  }

  /** Tells an exec'ed process' terminal its size; CONFLICT when it has none. */
  public void resize(int rows, int columns, String execId) {
    request("resize", size(rows, columns).text(Tag.EXEC_ID, execId));
  }

  /** Goes on keeping output there: after a rename, or with other limits. */
  public void output(Spool spool) {
    Message.Builder message = Message.of(MessageType.OUTPUT);
    spool.put(message);
    request("output", message);
  }

  /**
   * A rotated file of the log has been compressed: the monitor, which alone moves the log's files,
   * puts that in its place. Where a process of its own writes the log, that may be a moment later.
   *
   * @param inode of the rotated file
   * @throws GantryException INTERNAL when it has been rotated away meanwhile; UNSUPPORTED when the
   *     monitor is too old for that
   */
  public void compressed(Path file, long inode) {
    request(
        "compressed log",
        Message.of(MessageType.COMPRESSED)
            .text(Tag.LOG_PATH, file.toString())
            .number(Tag.LOG_INODE, inode));
  }

  /**
   * The container's standard streams. Opened before the start, it sees everything from the first
   * byte. CONFLICT when the container has ended.
   */
  public MonitorStream attach(Streams streams) {
    return MonitorStream.open(
        socket(),
        link.loop,
        Message.of(MessageType.ATTACH).number(Tag.STREAMS, streams.bits()),
        hello().terminal(),
        "attach");
  }

  /**
   * Starts one more process in the container. Its end is told to the listener.
   *
   * @throws GantryException with the {@link HelperError} when it cannot be started; UNSUPPORTED
   *     when the monitor is too old for what its program asks for, which is then not sent
   */
  public MonitorStream exec(ExecRequest request) {
    return MonitorStream.open(
        socket(), link.loop, message(request), request.terminal(), "exec " + request.execId());
  }

  /**
   * The same for one without a terminal that says little, and for who does not wait until it has
   * started: completes on the loop's thread, with the failure that {@link #exec} would throw;
   * cancelling it lets go of the stream.
   */
  public CompletableFuture<MonitorStream> execLater(ExecRequest request) {
    return MonitorStream.openLater(socket(), link.loop, message(request));
  }

  /** Whether {@link #check} can be asked of it. */
  public boolean canCheck() {
    return hello().opSet() >= CHECKS;
  }

  /**
   * Has it check the container's health from now on, whether or not there is an engine, and tell
   * the listener; when it does so already, in this way. Completes on the loop's thread.
   */
  public CompletableFuture<Void> check(CheckRequest request) {
    require(CHECKS);
    requireOps(request.program());
    return link.request(request.message());
  }

  private Message.Builder message(ExecRequest request) {
    requireOps(request.program());
    Message.Builder message =
        Message.of(MessageType.EXEC)
            .text(Tag.EXEC_ID, request.execId())
            .number(Tag.STREAMS, request.streams().bits())
            .number(Tag.FLAGS, request.terminal() ? CreateRequest.FLAG_TTY : 0)
            .bytes(Tag.PROGRAM, request.program().toArray());
    if (request.terminal()) {
      message.number(Tag.ROWS, request.rows()).number(Tag.COLUMNS, request.columns());
    }
    return message;
  }

  /**
   * Changes the network of the running container: carries out ops NETLINK, NETFILTER, LOOPBACK_UP
   * and SYSCTL (of {@code net/}) in its network namespace, in order. What was done before an op
   * that fails stays done.
   *
   * @throws GantryException with the {@link HelperError}, which names the op; CONFLICT when the
   *     container has ended; INVALID when its network is the host's; UNSUPPORTED when the monitor
   *     is too old, or the container belongs to a foreign runtime
   */
  public void inside(Bytes program) {
    require(Math.max(NETWORKS, OpProgram.opSet(program)));
    Message.Builder message = Message.of(MessageType.INSIDE).bytes(Tag.PROGRAM, program.toArray());
    Errand.run(socket(), link.loop, message, "change of the network in " + dir);
  }

  /**
   * Reserves ports of the host, all or none. The same asked for again is no error.
   *
   * @throws GantryException CONFLICT with errno EADDRINUSE in the {@link HelperError} when one is
   *     taken, or the container has ended
   */
  public void listen(List<HostListener> listeners) {
    require(NETWORKS);
    request("listen", HostListener.message(MessageType.LISTEN, listeners));
  }

  /** Gives ports back; they are free when this returns. Those it has not got are no error. */
  public void unlisten(List<HostListener> listeners) {
    require(NETWORKS);
    request("end of listening", HostListener.message(MessageType.UNLISTEN, listeners));
  }

  /**
   * Hands its sockets to this helper from now on; to one that has them already nothing is handed.
   *
   * @param net socket of a {@code net} helper
   */
  public void serveBy(Path net) {
    link.loop.await(serveByLater(net), "sockets in " + dir);
  }

  /** As {@link #serveBy}, for who does not wait: completes on the loop's thread. */
  public CompletableFuture<Void> serveByLater(Path net) {
    return link.greeted.thenCompose(
        hello -> {
          require(hello, NETWORKS);
          return link.request(Message.of(MessageType.SERVE).text(Tag.NET, net.toString()));
        });
  }

  /** A monitor outlives upgrades of the engine: it may know less than this one does. */
  private void requireOps(Bytes program) {
    require(OpProgram.opSet(program));
  }

  private void require(int needed) {
    require(hello(), needed);
  }

  private static void require(Hello hello, int needed) {
    int known = hello.opSet();
    if (needed > known) {
      throw new GantryException(
          Kind.UNSUPPORTED,
          "the container's monitor is of an older version, which cannot do this (op set "
              + needed
              + " is needed, it has "
              + known
              + "): start the container anew");
    }
  }

  /** Asks the monitor of an ended container to go; {@link #quit} waits for its answer. */
  public void askToQuit() {
    if (quitting == null) {
      quitting = link.request(Message.of(MessageType.QUIT));
    }
  }

  /**
   * Lets the monitor of an ended container go, back when it has let its sockets go; CONFLICT when
   * the container runs.
   */
  public void quit() {
    askToQuit();
    try {
      link.loop.await(Objects.requireNonNull(quitting), "quit in " + dir);
    } catch (GantryException e) {
      if (e.kind() != Kind.UNAVAILABLE || link.isConnected()) {
        quitting = null;
        throw e; // a monitor that is gone has done as it was told
      }
    }
    close();
  }

  /**
   * Ends a container that is not committed, as {@link #close} does; back when its monitor is gone,
   * and everything that it kept for the container, or when that has taken longer. The listener
   * hears nothing more.
   */
  public void destroy(Duration patience) {
    over = true;
    if (!committed && !patience.isZero() && link.hangUp()) {
      try {
        link.loop.await(link.gone, "end of the monitor in " + dir, patience);
      } catch (GantryException e) {
        LOG.log(WARNING, "it may still have what it made: {0}", e.getMessage());
      }
    }
    close();
  }

  /**
   * Lets go of the connection; the listener hears nothing more. Before {@link #commit} that is the
   * end of the container. May be repeated.
   */
  @Override
  public void close() {
    over = true;
    link.disconnect();
    if (isAwaited()) {
      link.startFailed(
          new GantryException(Kind.CANCELLED, "the connection to the monitor was closed"));
    }
  }

  private boolean isAwaited() {
    return !created.isDone() || !started.isDone();
  }

  private Path socket() {
    return dir.resolve("ctl.sock");
  }

  private static Message.Builder size(int rows, int columns) {
    return Message.of(MessageType.RESIZE).number(Tag.ROWS, rows).number(Tag.COLUMNS, columns);
  }

  private void request(String what, Message.Builder message) {
    link.loop.await(link.request(message), what + " in " + dir);
  }

  /** What arrives; on the loop's thread. */
  private final class Link extends Control {

    Link(Path socket, MonitorLoop loop, Duration patience) {
      super(socket, loop, patience);
    }

    @Override
    void event(Message message) throws IOException {
      switch (message.type()) {
        case MessageType.CREATED -> created.complete(learn(message));
        case MessageType.STARTED -> {
          Init running = learn(message);
          created.complete(running); // without a wait CREATED is not sent
          started.complete(running);
          listener.started(running, ExitRecord.at(message.number(Tag.TIME_NS)));
        }
        case MessageType.EXIT -> {
          ExitRecord exit = ExitRecord.of(message);
          over = true;
          listener.exited(exit);
        }
        case MessageType.OOM ->
            listener.outOfMemory(
                message.number(Tag.OOM_KILLS), ExitRecord.at(message.number(Tag.TIME_NS)));
        case MessageType.CHECKING ->
            listener.checking(
                message.text(Tag.EXEC_ID),
                message.number(Tag.INIT_PID),
                ExitRecord.at(message.number(Tag.BEGIN_NS)));
        case MessageType.CHECKED -> listener.checked(message.text(Tag.EXEC_ID), Checks.of(message));
        case MessageType.EXEC_EXIT -> listener.execExited(ExecExit.of(message));
        default -> {
          // a newer monitor may tell more than this engine knows
        }
      }
    }

    @Override
    void failed(HelperError error) {
      over = !committed; // a committed one leaves an exit record, found when it closes
      startFailed(error.asGantryException());
    }

    @Override
    void lost(IOException reason) {
      if (isAwaited()) {
        startFailed(MonitorLost.of(dir, reason));
      }
      if (over) {
        return;
      }
      over = true;
      Optional<ExitRecord> left;
      try {
        left = ExitRecord.read(dir);
      } catch (GantryException e) {
        left = Optional.empty(); // unreadable: as good as none
      }
      if (left.isPresent()) {
        listener.exited(left.get());
      } else {
        listener.lost(String.valueOf(reason.getMessage()));
      }
    }

    void startFailed(GantryException reason) {
      created.completeExceptionally(reason);
      started.completeExceptionally(reason);
    }

    private Init learn(Message message) throws IOException {
      var known = new Init(message.number(Tag.INIT_PID), message.number(Tag.INIT_START));
      init = known;
      return known;
    }
  }
}

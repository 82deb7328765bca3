package io.gantry.monitor;

import static java.lang.System.Logger.Level.INFO;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The engine's end of the {@code net} helper: a process without rights that serves proxied
 * connections and name look-ups on duplicates of the sockets that monitors keep, one per exec root.
 * It outlives the engine, and ends by itself when there is neither an engine nor a container left.
 *
 * <p>After {@link #ensure} has started one ({@link #isFresh}), it knows nothing: every container's
 * monitor is told of it ({@link Monitor#serveBy}) and every table given ({@link #resync}); then
 * {@link #succeed} lets the one of a former build go, which keeps its connections to their end.
 * Calls wait for the answer, as a {@link Monitor}'s do.
 */
public final class NetHelper implements AutoCloseable {

  private static final int END_MILLIS = 1000;
  private static final System.Logger LOG = System.getLogger(NetHelper.class.getName());

  private final Path socket;
  private final Link link;
  private final boolean fresh;
  private final @Nullable NetHelper former;

  private NetHelper(
      Path socket,
      MonitorLoop loop,
      boolean fresh,
      @Nullable NetHelper former,
      Consumer<String> lost) {
    this.socket = socket;
    this.fresh = fresh;
    this.former = former;
    this.link = new Link(socket, loop, lost);
  }

  /**
   * Finds the helper of this exec root, or has the zygote start it.
   *
   * @param lost told why when it is gone, on the loop's thread: then another is to be ensured, from
   *     another thread. Not told after {@link #close}
   * @throws GantryException with the {@link HelperError} when it cannot be started
   */
  public static NetHelper ensure(
      Spawner spawner, String sha256, Path execRoot, MonitorLoop loop, Consumer<String> lost) {
    Path socket = execRoot.resolve("net.sock");
    Optional<NetHelper> running = find(socket, loop, lost);
    if (running.isPresent() && running.get().hello().helperSha256().equals(sha256)) {
      return running.get();
    }
    running.ifPresent(helper -> helper.link.lost = reason -> {});
    try {
      spawner.startNet(socket);
      var helper = new NetHelper(socket, loop, true, running.orElse(null), lost);
      helper.greet();
      LOG.log(INFO, "net helper {0} serves {1}", Long.toString(helper.pid()), execRoot);
      return helper;
    } catch (RuntimeException e) {
      running.ifPresent(NetHelper::close);
      throw e;
    }
  }

  private static Optional<NetHelper> find(Path socket, MonitorLoop loop, Consumer<String> lost) {
    NetHelper helper;
    try {
      helper = new NetHelper(socket, loop, false, null, lost);
    } catch (GantryException e) {
      if (e.kind() == Kind.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
    try {
      helper.greet();
      return Optional.of(helper);
    } catch (GantryException e) {
      helper.close(); // it is about to end, or hangs: another takes its place
      return Optional.empty();
    }
  }

  private void greet() {
    try {
      link.start(Message.of(MessageType.CONTROL));
      hello();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Where monitors hand their sockets to. */
  public Path socket() {
    return socket;
  }

  /** Whether it was started by the call that made this, and so knows nothing. */
  public boolean isFresh() {
    return fresh;
  }

  /** How it introduced itself. */
  public Hello hello() {
    return link.loop.await(link.greeted, "greeting of " + socket);
  }

  public long pid() {
    return hello().monitorPid();
  }

  /**
   * Replaces what it knows of a container, at once and as a whole. When the container ends, that is
   * forgotten.
   */
  public void table(NetTable table) {
    await(tableLater(table), "table of " + table.container());
  }

  /** It shall know nothing more of a container; its sockets stay. */
  public void forget(String container) {
    await(forgetLater(container), "table of " + container);
  }

  /**
   * These and no others: each container's table is replaced as by {@link #table}, those of others
   * go in the end.
   */
  public void resync(Collection<NetTable> tables) {
    await(resyncLater(tables), "tables");
  }

  // The same for who waits later, or not at all: on its way, after all that was asked before, when
  // the call returns

  public CompletableFuture<Void> tableLater(NetTable table) {
    return link.request(table.message());
  }

  public CompletableFuture<Void> forgetLater(String container) {
    return link.request(Message.of(MessageType.TABLE).text(Tag.CONTAINER, container));
  }

  public CompletableFuture<Void> resyncLater(Collection<NetTable> tables) {
    List<CompletableFuture<Void>> answers = new ArrayList<>();
    answers.add(link.request(Message.of(MessageType.RESYNC).number(Tag.FLAGS, 1)));
    tables.forEach(table -> answers.add(link.request(table.message())));
    answers.add(link.request(Message.of(MessageType.RESYNC).number(Tag.FLAGS, 0)));
    return CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new));
  }

  /**
   * Waits for one of these.
   *
   * @throws GantryException UNAVAILABLE when the helper is gone or silent
   */
  public void await(CompletableFuture<Void> answer, String what) {
    link.loop.await(answer, what);
  }

  /** Whether it is there, as far as is known. */
  public boolean isConnected() {
    return link.isConnected();
  }

  /**
   * Everything has been handed over: the one of a former build serves nothing new and ends with its
   * last connection. Nothing where there is none.
   */
  public void succeed() {
    if (former == null) {
      return;
    }
    try {
      former.link.loop.await(
          former.link.request(Message.of(MessageType.DRAIN)), "end of the former net helper");
    } catch (GantryException e) {
      if (e.kind() != Kind.UNAVAILABLE) {
        throw e; // one that is gone has done as it was told
      }
    } finally {
      former.close();
    }
  }

  /** What it counts: connections, associations, questions and the like, by name. */
  public Map<String, Long> counters() {
    var visit = new Link(socket, link.loop, reason -> {});
    try {
      visit.start(Message.of(MessageType.QUERY));
      visit.loop.await(visit.greeted, "state of " + socket);
      return Map.copyOf(visit.counters);
    } finally {
      visit.disconnect();
    }
  }

  /** Ends it, and returns when it is over; the sockets stay with the monitors. */
  public void quit() {
    quit(link.loop.patience());
  }

  /** The same for who does not want to wait longer. */
  public void quit(Duration patience) {
    var process = ProcessHandle.of(pid());
    try {
      link.loop.await(link.request(Message.of(MessageType.QUIT)), "end of " + socket, patience);
    } catch (GantryException e) {
      if (e.kind() != Kind.UNAVAILABLE) {
        throw e;
      }
    }
    close();
    process.ifPresent(NetHelper::awaitEnd);
  }

  private static void awaitEnd(ProcessHandle process) {
    try {
      process.onExit().get(END_MILLIS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.log(INFO, "the net helper {0} takes its time to end", Long.toString(process.pid()));
    }
  }

  /** Lets go of the connection; the helper goes on as long as it is needed. */
  @Override
  public void close() {
    link.lost = reason -> {};
    link.disconnect();
    if (former != null) {
      former.close();
    }
  }

  private static final class Link extends Control {

    private volatile Consumer<String> lost;
    private final Map<String, Long> counters = new TreeMap<>();

    Link(Path socket, MonitorLoop loop, Consumer<String> lost) {
      super(socket, loop, loop.patience());
      this.lost = lost;
    }

    @Override
    void greeted(Message hello) throws IOException {
      for (String counter : hello.texts(Tag.COUNTER)) {
        String[] words = counter.split(" ", 2);
        try {
          counters.put(words[0], Long.parseLong(words[words.length - 1]));
        } catch (NumberFormatException e) {
          throw new IOException("malformed counter: " + counter, e);
        }
      }
    }

    @Override
    void event(Message message) {
      // it tells nothing that was not asked for
    }

    @Override
    void failed(HelperError error) {
      // answers come to their requests
    }

    @Override
    void lost(IOException reason) {
      lost.accept(String.valueOf(reason.getMessage()));
    }
  }
}

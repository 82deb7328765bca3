package io.gantry.monitor;

import static java.lang.System.Logger.Level.ERROR;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The one thread that serves every connection to every monitor, so that waiting for a container
 * costs no thread. Listeners and stages are called on it and must not block; calls that wait for an
 * answer may not be made on it.
 */
public final class MonitorLoop implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(MonitorLoop.class.getName());

  private final Selector selector;
  private final Thread thread;
  private final Duration patience;

  /**
   * @param threads makes the one thread
   * @param patience how long a monitor may take to answer
   */
  public MonitorLoop(ThreadFactory threads, Duration patience) {
    this.patience = patience;
    try {
      selector = Selector.open();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    thread = threads.newThread(this::run);
    thread.start();
  }

  /** A loop on a daemon thread of its own, which waits 30 s for an answer. */
  public static MonitorLoop start() {
    return new MonitorLoop(
        work -> {
          var thread = new Thread(work, "monitor-loop");
          thread.setDaemon(true);
          return thread;
        },
        Duration.ofSeconds(30));
  }

  /**
   * Lets go of all connections and ends the thread. Containers that are committed go on, others are
   * destroyed by their monitors. No listener is told.
   */
  @Override
  public void close() {
    try {
      List<SelectionKey> keys = selector.isOpen() ? List.copyOf(selector.keys()) : List.of();
      keys.forEach(key -> ((Connection) key.attachment()).close());
      selector.close();
      if (Thread.currentThread() != thread) {
        thread.join(TimeUnit.SECONDS.toMillis(5));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  SelectionKey register(SocketChannel channel, Connection connection) throws IOException {
    try {
      return channel.register(selector, 0, connection);
    } catch (ClosedSelectorException e) {
      throw new IOException("the monitor loop is closed", e);
    }
  }

  /** Makes a change of interest count at once. */
  void wake() {
    if (Thread.currentThread() != thread) {
      selector.wakeup();
    }
  }

  /** Waits for an answer and turns every way of not getting it into a {@link GantryException}. */
  <T> T await(CompletableFuture<T> answer, String what) {
    return await(answer, what, patience);
  }

  <T> T await(CompletableFuture<T> answer, String what, Duration longest) {
    if (Thread.currentThread() == thread) {
      throw new IllegalStateException("waits on the monitor loop for " + what);
    }
    try {
      return answer.get(longest.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(Kind.CANCELLED, what + ": interrupted", e);
    } catch (TimeoutException e) {
      throw new GantryException(
          Kind.UNAVAILABLE, what + ": no answer within " + longest.toSeconds() + " s", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof GantryException failure) {
        throw new GantryException(
            failure.kind(),
            failure.getMessage(),
            failure.getCause() == null ? failure : failure.getCause());
      }
      throw new GantryException(Kind.INTERNAL, what + ": " + e.getCause(), e.getCause());
    }
  }

  Duration patience() {
    return patience;
  }

  private void run() {
    try {
      while (selector.isOpen()) {
        selector.select(this::serve);
      }
    } catch (ClosedSelectorException e) {
      // close() was faster than the check: the loop is over either way
    } catch (IOException e) {
      LOG.log(ERROR, "the monitor loop ends, no container can be watched any more", e);
    }
  }

  private void serve(SelectionKey key) {
    var connection = (Connection) key.attachment();
    try {
      connection.ready();
    } catch (RuntimeException | Error e) { // a listener's bug must not stop the other containers
      failed(connection, e);
    }
  }

  void failed(Connection connection, Throwable bug) {
    LOG.log(ERROR, "a listener of " + connection + " failed", bug);
  }
}

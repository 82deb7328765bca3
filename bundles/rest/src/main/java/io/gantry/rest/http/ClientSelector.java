package io.gantry.rest.http;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import java.io.IOException;
import java.lang.System.Logger;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.SelectorManager;
import org.jspecify.annotations.Nullable;

/**
 * The one thread that waits for the clients of a listening channel. It accepts them itself: to hand
 * each to another thread would cost more than most requests do.
 */
final class ClientSelector extends ManagedSelector {

  /** What to do with one that has come. */
  @FunctionalInterface
  interface Reception {
    void receive(SocketChannel client) throws IOException;
  }

  private static final Logger log = System.getLogger(ClientSelector.class.getName());

  /** So many are accepted before others have their turn. */
  private static final int AT_ONCE = 16;

  /** After a failure: mostly there are no files left to open. */
  private static final long PAUSE_MILLIS = 1000;

  private static final long TRY_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final SelectorManager manager;
  private volatile @Nullable Thread thread;

  ClientSelector(SelectorManager manager, int id) {
    super(manager, id);
    this.manager = manager;
  }

  /** Whether the current thread is the one that selects, which may wait for nobody. */
  boolean isCurrent() {
    return Thread.currentThread() == thread;
  }

  /** Whether it has begun and goes on. */
  boolean isSelecting() {
    return thread != null && isRunning();
  }

  @Override
  protected int nioSelect(Selector selector, boolean now) throws IOException {
    if (!isCurrent()) {
      thread = Thread.currentThread();
    }
    return super.nioSelect(selector, now);
  }

  /**
   * Jetty would move all to another selector and close what it cannot move: what others own, too.
   */
  @Override
  protected void handleSelectFailure(Selector selector, Throwable failure) {
    log.log(ERROR, "clients cannot be waited for: trying again", failure);
    LockSupport.parkNanos(TRY_AGAIN_NANOS);
  }

  /** Runs a task, which may not wait, on the selecting thread. */
  void run(Runnable task) {
    submit(selector -> task.run());
  }

  /**
   * Accepts clients from now on; what is returned ends that, and has to before this stops: Jetty
   * would close the channel.
   */
  Runnable accept(ServerSocketChannel listening, Reception reception) {
    var arrivals = new Arrivals(listening, reception);
    submit(arrivals::register);
    return () -> run(arrivals::end);
  }

  private final class Arrivals implements Selectable {
    private final ServerSocketChannel listening;
    private final Reception reception;
    private @Nullable SelectionKey key; // of the selecting thread

    Arrivals(ServerSocketChannel listening, Reception reception) {
      this.listening = listening;
      this.reception = reception;
    }

    void register(Selector selector) {
      try {
        key = listening.register(selector, SelectionKey.OP_ACCEPT, this);
      } catch (ClosedChannelException e) {
        log.log(WARNING, "clients cannot come any more: the listening socket is closed");
      }
    }

    @Override
    public @Nullable Runnable onSelected() {
      try {
        for (int i = 0; i < AT_ONCE && isRunning(); i++) {
          SocketChannel client = listening.accept();
          if (client == null) {
            break;
          }
          receive(client);
        }
      } catch (IOException e) {
        log.log(WARNING, "a client could not be accepted: {0}", e.getMessage());
        pause();
      }
      return null;
    }

    private void receive(SocketChannel client) throws IOException {
      try {
        reception.receive(client);
      } catch (IOException | RuntimeException e) {
        client.close(); // nobody else knows of it yet
        log.log(WARNING, "a client could not be received: {0}", e.toString());
      }
    }

    /** Who waits would be told of at once, again and again. */
    private void pause() {
      want(0);
      manager
          .getScheduler()
          .schedule(
              () -> run(() -> want(SelectionKey.OP_ACCEPT)), PAUSE_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void want(int operations) {
      var registered = key;
      try {
        if (registered != null) {
          registered.interestOps(operations);
        }
      } catch (CancelledKeyException e) {
        // it stops
      }
    }

    @Override
    public void updateKey() {
      // what it wants does not change with what it gets
    }

    @Override
    public void replaceKey(SelectionKey newKey) {
      key = newKey;
    }

    void end() {
      var registered = key;
      if (registered != null) {
        registered.cancel();
      }
    }
  }
}

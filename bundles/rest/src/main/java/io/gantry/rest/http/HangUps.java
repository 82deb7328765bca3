package io.gantry.rest.http;

import static java.lang.System.Logger.Level.WARNING;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.util.thread.Scheduler;

/**
 * Notices clients that went away after they had ended their half of a connection. Such a client and
 * one that only has no more input look the same to a reader; what tells them apart is POLLHUP. Java
 * hands that out in one way: an established channel registered for OP_CONNECT becomes ready on a
 * hang-up or an error only (it would wake a selector that waits, so this one is asked now and then
 * and never waits).
 *
 * <p>TCP knows no hang-up while our own half is open; what it has is the end of the other half.
 * Behind TLS the end of input is a message of its own, and the end of the connection comes later:
 * when the client goes. A client that sends both at once (Java's do) is told by keep-alive only, as
 * one without TLS is.
 */
final class HangUps implements AutoCloseable {

  private static final Logger log = System.getLogger(HangUps.class.getName());
  private static final long PERIOD_MILLIS = 2_000;

  private record Watch(Runnable gone, long since) {
    boolean isYoung() {
      return System.nanoTime() - since < TimeUnit.MILLISECONDS.toNanos(PERIOD_MILLIS * 3 / 2);
    }
  }

  private final Scheduler scheduler;
  private final ReentrantLock lock = new ReentrantLock();
  private final Selector selector; // guarded by lock
  private boolean scheduled; // guarded by lock
  private boolean closed; // guarded by lock

  HangUps(Scheduler scheduler) {
    this.scheduler = scheduler;
    try {
      selector = Selector.open();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Calls {@code gone} once when the other side has closed; forgets channels that are closed.
   *
   * @param endIsUnread whether the end of the connection has not been read yet, so that it is what
   *     comes next
   */
  void watch(SocketChannel channel, boolean endIsUnread, Runnable gone) {
    lock.lock();
    try {
      if (!closed && channel.isOpen()) {
        int sign = endIsUnread ? SelectionKey.OP_READ : SelectionKey.OP_CONNECT;
        channel.register(selector, sign, new Watch(gone, System.nanoTime()));
        schedule();
      }
    } catch (IOException | CancelledKeyException e) {
      // it was closed meanwhile: who closed it cleans up
    } finally {
      lock.unlock();
    }
  }

  private void schedule() {
    if (!scheduled) {
      scheduled = true;
      scheduler.schedule(this::look, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  private void look() {
    var gone = new java.util.ArrayList<Runnable>();
    lock.lock();
    try {
      scheduled = false;
      if (closed) {
        return;
      }
      selector.selectNow(
          key -> {
            var watch = (Watch) key.attachment();
            try {
              if (key.isReadable() && watch.isYoung()) {
                key.interestOps(SelectionKey.OP_CONNECT);
                return;
              }
            } catch (CancelledKeyException e) {
              return; // closed since the selector looked: who closed it cleans up
            }
            gone.add(watch.gone());
            key.cancel();
          });
      if (!selector.keys().isEmpty()) {
        schedule();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      lock.unlock();
    }
    gone.forEach(HangUps::tell);
  }

  private static void tell(Runnable gone) {
    try {
      gone.run();
    } catch (RuntimeException e) { // the others have to hear, too
      log.log(WARNING, "a client's leaving was not taken in", e);
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      selector.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      lock.unlock();
    }
  }
}

package io.gantry.registry.client.wire;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.client.AsyncRequestContent;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/**
 * The way of a body to the registry, a few pieces at a time. It ends with the registry's answer,
 * which may come before all has been taken.
 */
final class Outgoing extends OutputStream {

  private static final int PIECE = 1 << 16;
  private static final int MOST_PENDING = 4;

  /** The registry has answered and takes no more. */
  static final class Answered extends IOException {
    private static final long serialVersionUID = 1;
  }

  /** The way is broken. */
  static final class Broken extends IOException {
    private static final long serialVersionUID = 1;
    private final transient Throwable reason;

    Broken(Throwable reason) {
      super(reason);
      this.reason = reason;
    }

    Throwable reason() {
      return reason;
    }
  }

  private final AsyncRequestContent content;
  private final Traffic.Counts counts;
  private final Duration longest;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition moved = lock.newCondition();
  private int pending; // guarded by lock
  private boolean isAnswered; // guarded by lock
  private @Nullable Throwable failure; // guarded by lock
  private byte[] piece = new byte[PIECE];
  private int filled;
  private boolean isClosed;

  /**
   * @param length of the body, or -1
   * @param longest time that may pass until the registry takes something
   */
  Outgoing(long length, Traffic.Counts counts, Duration longest) {
    this.counts = counts;
    this.longest = longest;
    this.content =
        new AsyncRequestContent() {
          @Override
          public long getLength() {
            return length;
          }
        };
  }

  Request.Content content() {
    return content;
  }

  /** Has writing end: there is an answer. */
  void answered() {
    lock.lock();
    try {
      isAnswered = true;
      moved.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    for (int from = offset, left = length; left > 0; ) {
      int n = Math.min(left, PIECE - filled);
      System.arraycopy(bytes, from, piece, filled, n);
      filled += n;
      from += n;
      left -= n;
      if (filled == PIECE) {
        pass();
      }
    }
  }

  /** Hands what has been collected over; it is Jetty's from then on. */
  private void pass() throws IOException {
    awaitTurn();
    int length = filled;
    ByteBuffer full = ByteBuffer.wrap(piece, 0, length);
    piece = new byte[PIECE];
    filled = 0;
    content.write(
        full,
        new Callback() {
          @Override
          public void succeeded() {
            counts.sent(length);
            ended(null);
          }

          @Override
          public void failed(Throwable cause) {
            ended(cause);
          }
        });
  }

  private void awaitTurn() throws IOException {
    lock.lock();
    try {
      long left = longest.toNanos();
      while (pending == MOST_PENDING && failure == null && !isAnswered) {
        if (left <= 0) {
          throw new Broken(new TimeoutException("the registry takes nothing"));
        }
        left = moved.awaitNanos(left);
      }
      if (isAnswered) {
        throw new Answered();
      }
      if (failure != null) {
        throw new Broken(failure);
      }
      pending++;
    } catch (InterruptedException e) {
      throw new Broken(e);
    } finally {
      lock.unlock();
    }
  }

  private void ended(@Nullable Throwable cause) {
    lock.lock();
    try {
      pending--;
      if (cause != null && failure == null) {
        failure = cause;
      }
      moved.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** The body is complete. */
  @Override
  public void close() throws IOException {
    if (isClosed) {
      return;
    }
    isClosed = true;
    if (filled > 0) {
      pass();
    }
    content.close();
  }
}

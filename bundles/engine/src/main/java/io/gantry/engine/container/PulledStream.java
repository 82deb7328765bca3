package io.gantry.engine.container;

import io.gantry.api.ByteStream;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Bytes that are made when the client has taken those before: a client that is slow holds no
 * thread, and one that leaves ends the making.
 */
final class PulledStream implements ByteStream {
  private static final int SIZE = 128 * 1024;
  private static final ByteBuffer END = ByteBuffer.allocate(0);

  private final InputStream in;
  private final Executor workers;
  private final Runnable closed;
  private final byte[] buffer = new byte[SIZE];
  private final ReentrantLock lock = new ReentrantLock();
  private boolean busy; // guarded by lock; a read is under way, which closes what is to be closed
  private boolean ended; // guarded by lock
  private boolean released; // guarded by lock
  private @Nullable GantryException revoked; // guarded by lock

  /**
   * @param in read and closed by one thread at a time
   * @param closed called once, after {@code in} has been closed
   */
  PulledStream(InputStream in, Executor workers, Runnable closed) {
    this.in = in;
    this.workers = workers;
    this.closed = closed;
  }

  @Override
  public boolean terminal() {
    return true;
  }

  @Override
  public CompletionStage<ByteBuffer> read() {
    var bytes = new CompletableFuture<ByteBuffer>();
    lock.lock();
    try {
      if (revoked != null) {
        return CompletableFuture.failedFuture(revoked); // what was read must not look complete
      }
      if (ended) {
        return CompletableFuture.completedFuture(END);
      }
      busy = true;
    } finally {
      lock.unlock();
    }
    try {
      workers.execute(() -> fill(bytes));
    } catch (RejectedExecutionException e) {
      release(true);
      bytes.completeExceptionally(e);
    }
    return bytes;
  }

  private void fill(CompletableFuture<ByteBuffer> bytes) {
    try {
      int n = in.readNBytes(buffer, 0, SIZE);
      release(n == 0);
      bytes.complete(ByteBuffer.wrap(buffer, 0, n));
    } catch (IOException | RuntimeException e) {
      release(true);
      bytes.completeExceptionally(e);
    }
  }

  /** Ends it before its end: the next read fails with {@code why}. */
  void revoke(GantryException why) {
    lock.lock();
    try {
      if (!ended) {
        revoked = why;
      }
    } finally {
      lock.unlock();
    }
    close();
  }

  @Override
  public void close() {
    lock.lock();
    try {
      ended = true;
      if (busy || released) {
        return;
      }
      released = true;
    } finally {
      lock.unlock();
    }
    letGo();
  }

  /** After a read: closes what was to be closed meanwhile. */
  private void release(boolean atEnd) {
    lock.lock();
    try {
      busy = false;
      ended |= atEnd;
      if (!ended || released) {
        return;
      }
      released = true;
    } finally {
      lock.unlock();
    }
    letGo();
  }

  private void letGo() {
    try {
      in.close();
    } catch (IOException e) {
      throw new GantryException(GantryException.Kind.INTERNAL, "close: " + e.getMessage(), e);
    } finally {
      closed.run();
    }
  }
}

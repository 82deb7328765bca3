package io.gantry.engine.log;

import io.gantry.api.ByteStream;
import io.gantry.api.LogQuery;
import io.gantry.spi.GantryException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A container's log as Docker's clients read it. What is there is read on the caller's thread; a
 * follower that has caught up waits in {@link LogFollower}, without a thread of its own.
 */
public final class LogStream implements ByteStream {
  private static final int ENOUGH = 64 * 1024;

  private final Spool spool;
  private final LogQuery query;
  private final boolean terminal;
  private final BooleanSupplier writing;
  private final LogFollower follower;
  private final LogEntry entry = new LogEntry(); // guarded by lock
  private final Details details = new Details(); // guarded by lock
  private final ReentrantLock lock = new ReentrantLock();
  private boolean ended; // guarded by lock
  private @Nullable CompletableFuture<ByteBuffer> waiting; // guarded by lock

  private LogStream(
      Path file,
      LogQuery query,
      boolean terminal,
      BooleanSupplier writing,
      LogFollower follower,
      LogDamages damages) {
    this.spool = new Spool(new SpoolNames(file), query.follow(), damages);
    this.query = query;
    this.terminal = terminal;
    this.writing = writing;
    this.follower = follower;
  }

  /**
   * @param file the newest one
   * @param writing whether more may come
   */
  public static LogStream open(
      Path file,
      LogQuery query,
      boolean terminal,
      BooleanSupplier writing,
      LogFollower follower,
      LogDamages damages) {
    var stream = new LogStream(file, query, terminal, writing, follower, damages);
    if (query.tail() >= 0) {
      try {
        stream.spool.tail(query.tail());
      } catch (IOException e) {
        stream.close();
        throw unreadable(e);
      }
    }
    return stream;
  }

  @Override
  public boolean terminal() {
    return terminal;
  }

  @Override
  public CompletionStage<ByteBuffer> read() {
    lock.lock();
    try {
      if (waiting != null) {
        throw new IllegalStateException("a read is outstanding");
      }
      var now = take();
      if (now != null) {
        return CompletableFuture.completedFuture(now);
      }
      var later = new CompletableFuture<ByteBuffer>();
      waiting = later;
      follower.add(this);
      return later;
    } catch (IOException e) {
      return CompletableFuture.failedFuture(unreadable(e));
    } finally {
      lock.unlock();
    }
  }

  /** Looks again; true when this stream need not be looked at any more. */
  boolean look() {
    CompletableFuture<ByteBuffer> reader;
    ByteBuffer bytes = null;
    IOException failed = null;
    lock.lock();
    try {
      reader = waiting;
      if (reader == null) {
        return true;
      }
      try {
        bytes = take();
      } catch (IOException e) {
        failed = e;
      }
      if (bytes == null && failed == null) {
        return false;
      }
      waiting = null;
    } finally {
      lock.unlock();
    }
    if (bytes != null) {
      var found = bytes;
      follower.tell(() -> reader.complete(found));
    } else if (failed != null) {
      var failure = unreadable(failed);
      follower.tell(() -> reader.completeExceptionally(failure));
    }
    return true;
  }

  @Override
  public CompletionStage<Void> write(ByteBuffer input) {
    return CompletableFuture.completedFuture(null); // a log has no input: as if nobody read it
  }

  @Override
  public CompletionStage<Void> closeInput() {
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public void close() {
    CompletableFuture<ByteBuffer> reader = null;
    lock.lock();
    try {
      ended = true;
      reader = waiting;
      waiting = null;
      spool.close();
    } catch (IOException e) {
      // a file that was only read
    } finally {
      lock.unlock();
    }
    if (reader != null) {
      reader.complete(ByteBuffer.allocate(0));
    }
  }

  /** The next bytes, the empty end, or null when they are still to come. */
  private @Nullable ByteBuffer take() throws IOException {
    if (ended) {
      return ByteBuffer.allocate(0);
    }
    boolean more = query.follow() && writing.getAsBoolean(); // before the look: what came is seen
    var out = new ByteArrayOutputStream();
    while (out.size() < ENOUGH) {
      var line = spool.next();
      if (line.isEmpty()) {
        break;
      }
      var bytes = line.get();
      if (entry.decode(bytes.array(), bytes.position(), bytes.remaining()) && !put(out)) {
        ended = true;
        break;
      }
    }
    if (out.size() > 0) {
      return ByteBuffer.wrap(out.toByteArray());
    }
    if (ended || !more) {
      ended = true;
      spool.close();
      return ByteBuffer.allocate(0);
    }
    return null;
  }

  /** False when the entry and all after it are too late. */
  private boolean put(ByteArrayOutputStream out) {
    if (query.until() != null && entry.at().isAfter(query.until())) {
      return false;
    }
    if (!isWanted() || (query.since() != null && entry.at().isBefore(query.since()))) {
      return true;
    }
    byte[] prefix = prefix().getBytes(StandardCharsets.UTF_8);
    if (!terminal) {
      byte[] head = new byte[8];
      head[0] = (byte) entry.origin().ordinal();
      ByteBuffer.wrap(head).putInt(4, prefix.length + entry.length());
      out.writeBytes(head);
    }
    out.writeBytes(prefix);
    out.write(entry.text(), 0, entry.length());
    return true;
  }

  /** What the container was given is in the file for who looks there, as it was in Docker's. */
  private boolean isWanted() {
    return switch (entry.origin()) {
      case STDIN -> false;
      case STDOUT -> query.stdout();
      case STDERR -> query.stderr();
    };
  }

  private String prefix() {
    String stamp = query.timestamps() ? entry.stamp() + " " : "";
    return query.details() ? stamp + details.of(entry) + " " : stamp;
  }

  private static GantryException unreadable(IOException e) {
    return new GantryException(
        GantryException.Kind.INTERNAL, "the log cannot be read: " + e.getMessage(), e);
  }
}

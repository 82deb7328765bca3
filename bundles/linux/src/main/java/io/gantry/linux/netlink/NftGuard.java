package io.gantry.linux.netlink;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.linux.netlink.NftBatch.Family;
import io.gantry.spi.GantryException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Sees to it that a table stays as its owner has set it: what others take away or change is set
 * again at once, from when it is first used until this is closed.
 */
public final class NftGuard implements AutoCloseable {
  private static final System.Logger log = System.getLogger(NftGuard.class.getName());

  /** Who knows what the table has to look like. Called on threads of the guard's. */
  public interface Owner {

    /** Whether changes by this socket ({@link NftSocket#port}) are the owner's. */
    boolean isOwn(int port);

    /**
     * Sets the table again if others have changed it.
     *
     * @return whether they had
     * @throws GantryException when it cannot be looked at or set
     */
    boolean restore();
  }

  private final Executor worker;
  private final String table;
  private final Owner owner;
  private final AtomicInteger repairs = new AtomicInteger();
  private final ReentrantLock lock = new ReentrantLock();
  private boolean begun; // guarded by lock
  private boolean closed; // guarded by lock
  private @Nullable NftWatch watch; // guarded by lock

  /**
   * @param worker begins to watch, which takes a socket and a thread
   * @param table of the family inet
   */
  public NftGuard(Executor worker, String table, Owner owner) {
    this.worker = worker;
    this.table = table;
    this.owner = owner;
  }

  /** The table is used from now on; back at once. May be repeated. */
  public void begin() {
    lock.lock();
    try {
      if (!begun && !closed) {
        begun = true;
        worker.execute(this::watch);
      }
    } catch (RejectedExecutionException e) {
      // the owner goes: the next one sees to it
    } finally {
      lock.unlock();
    }
  }

  private void watch() {
    try {
      keep(NftWatch.start(Family.INET, table, owner::isOwn, this::check));
      check(); // nobody has heard of what was done until now
    } catch (GantryException e) {
      log.log(
          WARNING,
          "what others change in the table {0} is not set again: {1}",
          table,
          e.getMessage());
    }
  }

  private void keep(NftWatch started) {
    lock.lock();
    try {
      watch = started;
      if (closed) {
        started.close();
      }
    } finally {
      lock.unlock();
    }
  }

  private void check() {
    try {
      if (owner.restore()) {
        repairs.incrementAndGet();
        log.log(WARNING, "somebody had changed the rules of the table {0}: set again", table);
      }
    } catch (GantryException e) {
      log.log(WARNING, "the table {0} cannot be looked at: {1}", table, e.getMessage());
    }
  }

  /** How many times the table was set again. */
  public int repairs() {
    return repairs.get();
  }

  /** The table stays as it is. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      if (watch != null) {
        watch.close();
      }
    } finally {
      lock.unlock();
    }
  }
}

package io.gantry.engine.container;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.monitor.Monitor;
import io.gantry.monitor.NetHelper;
import io.gantry.monitor.NetTable;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The {@code net} helper and whoever comes after it: started when the first container needs it,
 * replaced when it is gone, while clients wait at the sockets that monitors keep.
 *
 * <p>A new one knows nothing. It gets all tables in one go, before anything else, so that what is
 * said of a container later counts; and all monitors are asked at once to hand it their sockets,
 * those of starts under way, too. A monitor that does not answer keeps nobody waiting: it does as
 * it was asked when it goes on, or is asked again when it is {@link #greeted}.
 *
 * <p>The lock is held over no wait: what is sent under it is on its way in that order.
 */
final class Succession {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");
  private static final long AGAIN_MILLIS = 200; // doubled after each failure,
  private static final long AT_MOST_MILLIS = 10_000; // up to this

  /** For sockets to be handed over, before the former helper of another build is let go. */
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private static final Duration END = Duration.ofSeconds(2);

  /** As long as its start may take. */
  private static final Duration UNTIL_MADE = Duration.ofSeconds(60);

  /** A helper that has just gone may have to be started more than once under a storm of kills. */
  private static final int TRIES = 3;

  private final Workshop shop;
  private final ContainerTable containers;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, NetTable> tables = new ConcurrentHashMap<>(); // changed with the lock
  private final Map<String, Monitor> starting = new ConcurrentHashMap<>();
  private @Nullable NetHelper helper; // guarded by lock
  private @Nullable CompletableFuture<NetHelper> coming; // guarded by lock
  private boolean known; // guarded by lock; all containers that run have been found
  private boolean closed; // guarded by lock

  Succession(Workshop shop, ContainerTable containers) {
    this.shop = shop;
    this.containers = containers;
  }

  /** Where monitors hand their sockets to; somebody serves there. */
  String socket() {
    return there().socket().toString();
  }

  /** From now on until {@link #begun} its monitor is asked like those of containers that run. */
  void begins(String container, Monitor monitor) {
    starting.put(container, monitor);
  }

  /** As {@link #begins}: it has handed its sockets to who serves when this returns. */
  void joins(String container, Monitor monitor) {
    begins(container, monitor);
    for (int left = TRIES; ; left--) {
      var now = there();
      try {
        monitor.serveBy(now.socket());
        return;
      } catch (GantryException e) {
        if (now.isConnected() || left <= 1) {
          throw e;
        }
        lost(now, String.valueOf(e.getMessage()));
      }
    }
  }

  /** It runs, or has not come to that. */
  void begun(String container) {
    starting.remove(container);
  }

  /** A monitor that was silent when others were asked to hand their sockets over. */
  void greeted(String container, Monitor monitor) {
    if (!tables.containsKey(container)) {
      return; // it has none, or all is handed over once everybody is known
    }
    lock.lock();
    try {
      if (helper != null) {
        var unused = ask(container, monitor, helper);
      } // else whoever comes asks it
    } finally {
      lock.unlock();
    }
  }

  // Tables

  @Nullable NetTable table(String container) {
    return tables.get(container);
  }

  /** It is served by this when this returns, whoever serves. */
  void give(NetTable table) {
    for (int left = TRIES; ; left--) {
      NetHelper now;
      CompletableFuture<Void> answer = null;
      lock.lock();
      try {
        tables.put(table.container(), table);
        now = helper;
        answer = now == null ? null : now.tableLater(table);
      } finally {
        lock.unlock();
      }
      if (now == null || answer == null) {
        there();
        continue;
      }
      try {
        now.await(answer, "table of " + table.container());
        return;
      } catch (GantryException e) {
        if (now.isConnected() || left <= 1) {
          throw e;
        }
        lost(now, String.valueOf(e.getMessage()));
      }
    }
  }

  void forget(String container) {
    NetHelper now;
    CompletableFuture<Void> answer;
    lock.lock();
    try {
      now = helper;
      if (tables.remove(container) == null || now == null) {
        return;
      }
      answer = now.forgetLater(container);
    } finally {
      lock.unlock();
    }
    try {
      now.await(answer, "table of " + container);
    } catch (GantryException e) { // one that is gone has forgotten everything
      log.log(INFO, "the net helper: {0}", e.getMessage());
    }
  }

  /** The same without a wait: before anything else that is said from now on. */
  void forgetSoon(String container) {
    lock.lock();
    try {
      if (tables.remove(container) != null && helper != null) {
        var unused = helper.forgetLater(container);
      }
    } finally {
      lock.unlock();
    }
  }

  /** After recovery: what runs is served, by whoever is there. */
  void recover(List<NetTable> found) {
    NetHelper now;
    lock.lock();
    try {
      found.forEach(table -> tables.put(table.container(), table));
      known = true;
      now = helper;
      if (now != null) {
        var told = now.resyncLater(tables.values());
        if (now.isFresh()) { // made for a start, before all of this was known
          soon(() -> handOver(now, told));
        }
      }
    } finally {
      lock.unlock();
    }
    if (now == null && !tables.isEmpty()) {
      revive();
    }
  }

  /** The helper goes on as long as somebody is served. */
  void letGo() {
    NetHelper last;
    lock.lock();
    try {
      closed = true;
      last = helper;
      helper = null;
    } finally {
      lock.unlock();
    }
    if (last != null && tables.isEmpty()) {
      end(last);
    } else if (last != null) {
      last.close();
    }
  }

  /** It would end by itself some seconds later, with nobody left to take its control group away. */
  private static void end(NetHelper last) {
    try {
      last.quit(END);
    } catch (GantryException e) {
      log.log(WARNING, "the net helper does not end: {0}", e.getMessage());
    } finally {
      last.close();
    }
  }

  // Helpers

  private NetHelper there() {
    CompletableFuture<NetHelper> awaited;
    boolean mine;
    lock.lock();
    try {
      if (helper != null) {
        return helper;
      }
      mine = coming == null;
      awaited = mine ? new CompletableFuture<>() : Objects.requireNonNull(coming);
      coming = awaited;
    } finally {
      lock.unlock();
    }
    if (mine) {
      make(awaited);
    }
    return await(awaited);
  }

  private void make(CompletableFuture<NetHelper> awaited) {
    var gone = new CompletableFuture<String>();
    try {
      var made = shop.zygote().net(gone::complete);
      install(made);
      awaited.complete(made);
      gone.thenAccept(reason -> soon(() -> lost(made, reason)));
    } catch (RuntimeException e) { // whoever waits hears of it
      lock.lock();
      try {
        coming = null;
      } finally {
        lock.unlock();
      }
      awaited.completeExceptionally(e);
    }
  }

  private void install(NetHelper made) {
    lock.lock();
    try {
      if (closed) {
        made.close();
        throw new GantryException(Kind.UNAVAILABLE, "the engine stops");
      }
      coming = null;
      helper = made;
      var told =
          made.isFresh() || known
              ? made.resyncLater(tables.values())
              : CompletableFuture.<Void>completedFuture(null);
      if (made.isFresh() && known) {
        soon(() -> handOver(made, told));
      }
    } finally {
      lock.unlock();
    }
  }

  private static NetHelper await(CompletableFuture<NetHelper> awaited) {
    try {
      return awaited.get(UNTIL_MADE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new GantryException(Kind.UNAVAILABLE, "the net helper is not there yet", e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof GantryException why
          ? new GantryException(why.kind(), String.valueOf(why.getMessage()), why)
          : new GantryException(Kind.INTERNAL, "no net helper: " + e.getCause(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(Kind.CANCELLED, "cancelled", e);
    }
  }

  private void handOver(NetHelper fresh, CompletableFuture<Void> told) {
    var asked = new ArrayList<CompletableFuture<Void>>();
    asked.add(told.exceptionally(failure -> null)); // one that is gone is replaced
    starting.forEach((id, monitor) -> asked.add(ask(id, monitor, fresh)));
    for (var container : containers.all()) {
      var running = container.running();
      var monitor = running == null ? null : running.monitorIfAny();
      if (monitor != null && tables.containsKey(container.id)) {
        asked.add(ask(container.id, monitor, fresh));
      }
    }
    try {
      CompletableFuture.allOf(asked.toArray(CompletableFuture<?>[]::new))
          .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      log.log(WARNING, "monitors that do not answer hand their sockets over when they do");
    } catch (ExecutionException e) {
      throw new IllegalStateException("what fails is said by itself", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    fresh.succeed();
  }

  /** Completes when it has done so, or cannot. */
  private static CompletableFuture<Void> ask(String container, Monitor monitor, NetHelper by) {
    return monitor
        .serveByLater(by.socket())
        .exceptionally(
            failure -> { // it has just ended, or is asked again by whoever comes next
              log.log(INFO, "container {0} is not served: {1}", container, failure.getMessage());
              return null;
            });
  }

  private void lost(NetHelper gone, String reason) {
    lock.lock();
    try {
      if (closed || helper != gone) {
        return;
      }
      helper = null;
    } finally {
      lock.unlock();
    }
    if (!tables.isEmpty()) {
      log.log(WARNING, "the net helper is gone ({0}): another one takes over", reason);
      soon(this::revive);
    }
  }

  private void revive() {
    revive(AGAIN_MILLIS);
  }

  /**
   * Until there is one.
   *
   * @param again after so many milliseconds, if it fails
   */
  private void revive(long again) {
    try {
      there();
      if (again > AGAIN_MILLIS) {
        log.log(INFO, "there is a net helper again");
      }
    } catch (GantryException e) {
      log.log(
          again == AGAIN_MILLIS ? WARNING : DEBUG,
          "no net helper, it is tried again until there is one: {0}",
          e.getMessage());
      later(again);
    }
  }

  private void later(long millis) {
    long then = Math.min(2 * millis, AT_MOST_MILLIS);
    try {
      shop.timer().schedule(() -> soon(() -> revive(then)), millis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // the engine stops: the next one sees to it
    }
  }

  private void soon(Runnable work) {
    try {
      shop.workers().execute(work);
    } catch (RejectedExecutionException e) {
      // the engine stops: the next one sees to it
    }
  }
}

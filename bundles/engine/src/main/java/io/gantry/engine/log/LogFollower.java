package io.gantry.engine.log;

import static java.lang.System.Logger.Level.WARNING;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Looks after all followed logs that have been read to their end, a few times a second and only
 * while there are any. (inotify would need a descriptor per container and says nothing of who has
 * read what; a look costs one fstat.)
 */
public final class LogFollower {
  private static final System.Logger log = System.getLogger(LogFollower.class.getName());
  private static final Duration PERIOD = Duration.ofMillis(40);

  private final ScheduledExecutorService timer;
  private final Executor workers;
  private final Set<LogStream> caughtUp = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean looking = new AtomicBoolean();

  /**
   * @param timer must not be blocked
   * @param workers look, one at a time: that waits for disks, and for logs that are being rotated;
   *     each reader is told on one of its own
   */
  public LogFollower(ScheduledExecutorService timer, Executor workers) {
    this.timer = timer;
    this.workers = workers;
  }

  void add(LogStream stream) {
    caughtUp.add(stream);
    if (looking.compareAndSet(false, true)) {
      lookLater();
    }
  }

  /**
   * Has a reader told what there is for him. Not by who looks: he may read on for as long as there
   * is more, and the others wait.
   */
  void tell(Runnable reader) {
    try {
      workers.execute(reader);
    } catch (RejectedExecutionException e) {
      reader.run(); // the engine stops, and nobody waits
    }
  }

  private void lookLater() {
    try {
      timer.schedule(this::lookNow, PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      looking.set(false); // the engine stops
    }
  }

  private void lookNow() {
    try {
      workers.execute(this::look);
    } catch (RejectedExecutionException e) {
      looking.set(false); // the engine stops
    }
  }

  private void look() {
    for (var stream : List.copyOf(caughtUp)) { // those added meanwhile have their turn next time
      caughtUp.remove(stream); // first: whoever is told reads on, and may come back at once
      if (!looked(stream)) {
        caughtUp.add(stream);
      }
    }
    if (!caughtUp.isEmpty()) {
      lookLater();
      return;
    }
    looking.set(false);
    if (!caughtUp.isEmpty() && looking.compareAndSet(false, true)) {
      lookLater();
    }
  }

  /** One that cannot be read any more is left; the others go on. */
  private static boolean looked(LogStream stream) {
    try {
      return stream.look();
    } catch (RuntimeException e) { // whatever is wrong with this one, nobody else may stand still
      log.log(WARNING, "a followed log is given up", e);
      stream.close();
      return true;
    }
  }
}

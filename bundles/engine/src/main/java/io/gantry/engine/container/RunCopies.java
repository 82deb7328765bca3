package io.gantry.engine.container;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.spi.GantryException;
import io.gantry.store.Durability;
import io.gantry.store.RecordStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Copies of runs in the data root, where a reboot finds them. Nobody waits for them: they are
 * written a moment later, the last of each container only, so that a short life leaves nothing to
 * write and to remove. Until then the run itself, in the exec root, survives all but a reboot.
 */
final class RunCopies {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final RecordStore<RunRecord> store;
  private final Executor later;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, RunRecord> waiting = new HashMap<>(); // guarded by lock
  private boolean due; // guarded by lock

  /** Held over each write, so that what is removed stays so. */
  private final ReentrantLock writing = new ReentrantLock();

  /**
   * @param later runs what it is given after a while, on a thread that may block
   */
  RunCopies(RecordStore<RunRecord> store, Executor later) {
    this.store = store;
    this.later = later;
  }

  /** What a power cut left of a file that was not synced is of no use: it is named and removed. */
  Map<String, RunRecord> load() {
    var loaded = store.load();
    for (var problem : loaded.problems()) {
      log.log(WARNING, problem.reason());
      if (!problem.newer() && Files.isRegularFile(problem.file(), LinkOption.NOFOLLOW_LINKS)) {
        clear(problem.file());
      }
    }
    return loaded.records();
  }

  private static void clear(Path damaged) {
    try {
      Files.deleteIfExists(damaged);
    } catch (IOException e) {
      log.log(WARNING, "cannot remove {0}: {1}", damaged, e.toString());
    }
  }

  void put(String id, RunRecord run) {
    boolean first;
    lock.lock();
    try {
      waiting.put(id, run);
      first = !due;
      due = true;
    } finally {
      lock.unlock();
    }
    if (first) {
      try {
        later.execute(this::flush);
      } catch (RejectedExecutionException e) { // the engine stops
        flush();
      }
    }
  }

  void remove(String id) {
    writing.lock(); // first: a write that fails puts it back
    try {
      lock.lock();
      try {
        waiting.remove(id);
      } finally {
        lock.unlock();
      }
      store.remove(id, Durability.LAZY);
    } finally {
      writing.unlock();
    }
  }

  /** Writes what has not been written. */
  void flush() {
    Map<String, RunRecord> batch;
    lock.lock();
    try {
      batch = Map.copyOf(waiting);
      due = false;
    } finally {
      lock.unlock();
    }
    var failures = new ArrayList<String>();
    batch.forEach((id, run) -> write(id, run, failures));
    if (!failures.isEmpty()) {
      log.log(WARNING, "{0} runs are not copied yet: {1}", failures.size(), failures.get(0));
    }
  }

  /** What cannot be written, on a full disk, is tried again with the next change. */
  private void write(String id, RunRecord run, List<String> failures) {
    writing.lock();
    try {
      if (isWanted(id, run)) {
        store.put(id, run, Durability.LAZY);
      }
    } catch (GantryException e) { // it must not keep a container from ending
      failures.add(e.getMessage());
      putBack(id, run);
    } finally {
      writing.unlock();
    }
  }

  /** Unless there is a later one. */
  private void putBack(String id, RunRecord run) {
    lock.lock();
    try {
      waiting.putIfAbsent(id, run);
    } finally {
      lock.unlock();
    }
  }

  /** False when it was removed, or when a later one is on its way. */
  private boolean isWanted(String id, RunRecord run) {
    lock.lock();
    try {
      return waiting.remove(id, run);
    } finally {
      lock.unlock();
    }
  }
}

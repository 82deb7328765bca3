package io.gantry.engine.container;

import io.gantry.api.Containers.Exit;
import io.gantry.api.Containers.WaitCondition;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;

/** Those who wait for a container, without a thread each. */
final class Waiters {
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<WaitCondition, List<CompletableFuture<Exit>>> waiting =
      new EnumMap<>(WaitCondition.class); // guarded by lock
  private boolean running; // guarded by lock
  private boolean gone; // guarded by lock
  private Exit last; // guarded by lock

  /**
   * @param last how its last run ended
   */
  Waiters(Exit last) {
    this.last = last;
  }

  /** Whoever cancels its future is forgotten at once: a container may run for years. */
  CompletionStage<Exit> await(WaitCondition condition) {
    var waiter = new CompletableFuture<Exit>();
    lock.lock();
    try {
      if (gone || (condition == WaitCondition.NOT_RUNNING && !running)) {
        return CompletableFuture.completedFuture(last);
      }
      waiting.computeIfAbsent(condition, c -> new ArrayList<>()).add(waiter);
    } finally {
      lock.unlock();
    }
    waiter.whenComplete(
        (exit, failure) -> {
          if (waiter.isCancelled()) {
            forget(condition, waiter);
          }
        });
    return waiter;
  }

  /** How many wait, for whatever it is. */
  int count() {
    lock.lock();
    try {
      return waiting.values().stream().mapToInt(List::size).sum();
    } finally {
      lock.unlock();
    }
  }

  void started() {
    lock.lock();
    try {
      running = true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * A run has ended.
   *
   * @param restarting the policy starts it again: those who waited for it not to run are told, as
   *     by dockerd; to those who come until then it runs
   */
  void ended(Exit exit, boolean restarting) {
    ended(exit, exit, restarting);
  }

  /**
   * A start has failed. Why, hears who started it: told it a second time by its wait, {@code docker
   * run} would say it twice.
   */
  void failed(Exit exit, boolean restarting) {
    ended(exit, withoutError(exit), restarting);
  }

  private static Exit withoutError(Exit exit) {
    return new Exit(exit.status(), "");
  }

  private void ended(Exit exit, Exit told, boolean restarting) {
    var done = new ArrayList<CompletableFuture<Exit>>();
    lock.lock();
    try {
      last = exit;
      running = restarting;
      take(WaitCondition.NEXT_EXIT, done);
      take(WaitCondition.NOT_RUNNING, done);
    } finally {
      lock.unlock();
    }
    done.forEach(waiter -> waiter.complete(told));
  }

  /** The removal went well, whatever it was that was removed: there is no error to tell. */
  void removed() {
    var done = new ArrayList<CompletableFuture<Exit>>();
    Exit exit;
    lock.lock();
    try {
      gone = true;
      running = false;
      exit = withoutError(last);
      last = exit;
      for (var condition : WaitCondition.values()) {
        take(condition, done);
      }
    } finally {
      lock.unlock();
    }
    done.forEach(waiter -> waiter.complete(exit));
  }

  private void forget(WaitCondition condition, CompletableFuture<Exit> waiter) {
    lock.lock();
    try {
      var waiters = waiting.get(condition);
      if (waiters != null) {
        waiters.remove(waiter);
      }
    } finally {
      lock.unlock();
    }
  }

  private void take(WaitCondition condition, List<CompletableFuture<Exit>> done) {
    var waiters = waiting.remove(condition);
    if (waiters != null) {
      done.addAll(waiters);
    }
  }
}

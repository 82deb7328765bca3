package io.gantry.engine.driver;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The registry's threads: all daemons, all stopped with it. */
final class RegistryThreads {

  private final ExecutorService operations = one("operations");
  private final ScheduledExecutorService deploy =
      Executors.newSingleThreadScheduledExecutor(named("deploy"));
  private final ScheduledExecutorService clerk =
      Executors.newSingleThreadScheduledExecutor(named("news"));
  private final ExecutorService strangers = Executors.newCachedThreadPool(named("call"));
  private final List<ExecutorService> swaps = new ArrayList<>();

  /** Updates, installs and roll-backs, one after the other. */
  ExecutorService operations() {
    return operations;
  }

  /** Looks at the deploy folder. */
  ScheduledExecutorService deploy() {
    return deploy;
  }

  /** Tells listeners. */
  ScheduledExecutorService clerk() {
    return clerk;
  }

  /** Runs code of driver bundles that may hang: such a thread is left behind. */
  ExecutorService strangers() {
    return strangers;
  }

  /** A new thread that takes drivers over, one after the other. */
  Executor swaps(String kind) {
    ExecutorService thread = one("swap-" + kind);
    swaps.add(thread);
    return thread;
  }

  /** Interrupts what runs and gives it a moment to end while its classes can still be loaded. */
  void stopOperations() {
    deploy.shutdownNow();
    operations.shutdownNow();
    try {
      if (!operations.awaitTermination(2, TimeUnit.SECONDS)) {
        operations.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  void stop() {
    swaps.forEach(ExecutorService::shutdownNow);
    clerk.shutdownNow();
    strangers.shutdownNow();
  }

  /** One thread at most, that goes when there is nothing to do. */
  private static ThreadPoolExecutor one(String what) {
    var pool =
        new ThreadPoolExecutor(
            1, 1, 30, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), named(what));
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  private static ThreadFactory named(String what) {
    var count = new AtomicInteger();
    return task -> {
      var thread = new Thread(task, "gantry-" + what + "-" + count.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }
}

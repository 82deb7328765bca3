package io.gantry.itests.framework;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** Eight threads that call for as long as it is open. */
final class Load implements AutoCloseable {

  private final Supplier<String> call;
  private final List<Thread> threads = new ArrayList<>();
  private final Map<String, Long> answers = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private volatile boolean open = true;

  Load(Supplier<String> call) {
    this.call = call;
    for (int i = 0; i < 8; i++) {
      Thread thread = new Thread(this::run, "load-" + i);
      thread.start();
      threads.add(thread);
    }
  }

  private void run() {
    while (open) {
      try {
        String answer = call.get();
        synchronized (this) {
          answers.merge(answer, 1L, Long::sum);
          notifyAll();
        }
      } catch (RuntimeException | LinkageError e) {
        failures.add(e);
        LockSupport.parkNanos(1_000_000);
      }
    }
  }

  /** Waits until this version has answered once more. */
  synchronized void awaitAnswer(String version) throws InterruptedException {
    long before = answers.getOrDefault(version, 0L);
    long end = System.nanoTime() + 10_000_000_000L;
    while (answers.getOrDefault(version, 0L) == before) {
      long left = (end - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        throw new AssertionError(version + " does not answer; " + firstFailure());
      }
      wait(left);
    }
  }

  int failed() {
    return failures.size();
  }

  String firstFailure() {
    return String.valueOf(failures.peek());
  }

  @Override
  public void close() throws InterruptedException {
    open = false;
    for (Thread thread : threads) {
      thread.join(10_000);
    }
  }
}

package io.gantry.engine.container;

import io.gantry.api.ExecSpec;
import io.gantry.api.ExecView;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** One exec instance: made, started once, ended. */
final class ExecProcess {
  private static final int LOST = 137;
  private static final long EPOCH = System.nanoTime();

  /** Of a text, beside its characters. */
  private static final int TEXT_BYTES = 56;

  private final String id;
  private final String container;
  private final ExecSpec spec;
  private final int size;
  private final ReentrantLock lock = new ReentrantLock();
  private boolean started; // guarded by lock
  private boolean running; // guarded by lock
  private long pid; // guarded by lock
  private @Nullable Integer exitCode; // guarded by lock
  private long endedAt; // guarded by lock
  private final CompletableFuture<Void> over = new CompletableFuture<>();

  ExecProcess(String id, String container, ExecSpec spec) {
    this.id = id;
    this.container = container;
    this.spec = spec;
    this.size = size(spec.args()) + size(spec.env());
  }

  private static int size(List<String> texts) {
    return texts.stream().mapToInt(text -> text.length() + TEXT_BYTES).sum();
  }

  /** What its arguments and environment take in memory, about. */
  int size() {
    return size;
  }

  String id() {
    return id;
  }

  ExecSpec spec() {
    return spec;
  }

  /** False when it has been started before. */
  boolean start() {
    lock.lock();
    try {
      boolean first = !started;
      started = true;
      running |= first;
      return first;
    } finally {
      lock.unlock();
    }
  }

  void runs(long now) {
    lock.lock();
    try {
      pid = running ? now : 0;
    } finally {
      lock.unlock();
    }
  }

  /** False when that is known already. */
  boolean ended(int status) {
    lock.lock();
    try {
      if (exitCode != null) {
        return false;
      }
      started = true;
      running = false;
      pid = 0;
      exitCode = status;
      endedAt = System.nanoTime() - EPOCH;
    } finally {
      lock.unlock();
    }
    over.complete(null);
    return true;
  }

  /** The container has ended, and nobody can say any more how this process did. */
  void lost() {
    if (isRunning()) {
      ended(LOST);
    }
  }

  /** Completes when the exit code is known. */
  CompletionStage<Void> over() {
    return over;
  }

  boolean isRunning() {
    lock.lock();
    try {
      return running;
    } finally {
      lock.unlock();
    }
  }

  /** Tells which of two ended first; says nothing of one that has not. */
  long endedAt() {
    lock.lock();
    try {
      return endedAt;
    } finally {
      lock.unlock();
    }
  }

  /** Whether inspect of the container names it: it runs or has not started. */
  boolean isListed() {
    lock.lock();
    try {
      return exitCode == null;
    } finally {
      lock.unlock();
    }
  }

  ExecView view() {
    lock.lock();
    try {
      return new ExecView(id, container, spec, running, exitCode, pid);
    } finally {
      lock.unlock();
    }
  }
}

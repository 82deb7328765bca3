package io.gantry.engine.container;

import io.gantry.monitor.Monitor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** Clients that attached before the start: connected before the program's first byte. */
final class PendingStreams {
  private final ReentrantLock lock = new ReentrantLock();
  private final List<LateStream> waiting = new ArrayList<>(); // guarded by lock

  void add(LateStream stream) {
    lock.lock();
    try {
      waiting.removeIf(LateStream::isClosed);
      waiting.add(stream);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Those that its monitor, which is gone by then, does not let in wait on.
   *
   * @return whether it let some in
   */
  boolean connect(Monitor monitor) {
    boolean some = false;
    for (var stream : take()) {
      if (stream.connect(monitor)) {
        some = true;
      } else {
        add(stream);
      }
    }
    return some;
  }

  /** It will not start, or they could not be connected: they end. */
  void end() {
    take().forEach(LateStream::end);
  }

  private List<LateStream> take() {
    lock.lock();
    try {
      var all = List.copyOf(waiting);
      waiting.clear();
      return all;
    } finally {
      lock.unlock();
    }
  }
}

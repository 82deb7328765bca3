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

  void connect(Monitor monitor) {
    take().forEach(stream -> stream.connect(monitor));
  }

  /** It will not start: they end. */
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

package io.gantry.storage.overlay;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What the texts of the last records say: each is looked at several times in a container's life,
 * that of its image's layer in every one.
 */
final class KnownRecords {
  private static final int REMEMBERED = 64;

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Optional<SnapshotRecord>> known = // guarded by lock
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Optional<SnapshotRecord>> eldest) {
          return size() > REMEMBERED;
        }
      };

  /** Empty when damaged. */
  Optional<SnapshotRecord> decode(String text) {
    lock.lock();
    try {
      return known.computeIfAbsent(text, SnapshotRecord::decode);
    } finally {
      lock.unlock();
    }
  }
}

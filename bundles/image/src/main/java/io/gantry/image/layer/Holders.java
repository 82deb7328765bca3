package io.gantry.image.layer;

import io.gantry.store.Digest;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who needs which layer. Between the last release of a chain and the end of its removal, and while
 * it is being put in place, it is busy, and others wait for it.
 */
final class Holders {

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition idle = lock.newCondition();
  private final Map<Digest, Integer> counts = new HashMap<>(); // guarded by lock
  private final Set<Digest> busy = new HashSet<>(); // guarded by lock

  /** One more, once nobody removes the layer; {@code check} throws when there is none by then. */
  void hold(Digest chain, Runnable check) {
    lock.lock();
    try {
      while (busy.contains(chain) && !counts.containsKey(chain)) {
        idle.awaitUninterruptibly();
      }
      check.run();
      counts.merge(chain, 1, Integer::sum);
    } finally {
      lock.unlock();
    }
  }

  void count(Digest chain, int change) {
    lock.lock();
    try {
      counts.merge(chain, change, Integer::sum);
    } finally {
      lock.unlock();
    }
  }

  /**
   * One less; true for the last one, who has claimed the chain then. Who keeps it busy may take
   * hold of it, so that is known afterwards.
   */
  boolean isLast(Digest chain) {
    lock.lock();
    try {
      if (counts.merge(chain, -1, Integer::sum) > 0) {
        return false;
      }
      counts.remove(chain);
      while (busy.contains(chain)) {
        idle.awaitUninterruptibly();
      }
      return !counts.containsKey(chain) && busy.add(chain);
    } finally {
      lock.unlock();
    }
  }

  /** Holds a chain that nobody holds and that is not busy; false when that is not so. */
  boolean holdUnheld(Digest chain) {
    lock.lock();
    try {
      if (counts.containsKey(chain) || busy.contains(chain)) {
        return false;
      }
      counts.put(chain, 1);
      return true;
    } finally {
      lock.unlock();
    }
  }

  void claim(Digest chain) {
    lock.lock();
    try {
      while (busy.contains(chain)) {
        idle.awaitUninterruptibly();
      }
      busy.add(chain);
    } finally {
      lock.unlock();
    }
  }

  void unclaim(Digest chain) {
    lock.lock();
    try {
      busy.remove(chain);
      idle.signalAll();
    } finally {
      lock.unlock();
    }
  }
}

package io.gantry.engine.volume;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** All names of volumes that are known, or that somebody is busy with. */
final class VolumeTable {
  /** Of the threads that clients' requests have. */
  static final int MOST_FILL_WAITS = 16;

  private final ConcurrentSkipListMap<String, VolumeState> states = new ConcurrentSkipListMap<>();
  private final Semaphore fillWaits = new Semaphore(MOST_FILL_WAITS);

  /** Those that are there, by name. */
  List<VolumeState> all() {
    return states.values().stream().filter(VolumeState::isThere).toList();
  }

  /** Also those that are being removed. */
  List<VolumeState> states() {
    return List.copyOf(states.values());
  }

  @Nullable VolumeState find(String name) {
    return states.get(name);
  }

  /** For who fills the table while nobody else uses it. */
  VolumeState make(String name) {
    return states.computeIfAbsent(name, unknown -> new VolumeState(unknown, fillWaits));
  }

  /** Does something about a name with its lock; one that stands for nothing then is forgotten. */
  <R> R with(String name, Function<VolumeState, R> step) {
    while (true) {
      var state = make(name);
      state.hold();
      try {
        if (!state.forgotten) {
          return step.apply(state);
        }
      } finally {
        forgetIfEmpty(state);
        state.lock.unlock();
      }
    }
  }

  /** As {@link #with}, but only if the lock can be had soon; whether that was so. */
  boolean soonWith(String name, Duration patience, Consumer<VolumeState> step) {
    while (true) {
      var state = make(name);
      if (!state.isHeldWithin(patience)) {
        return false;
      }
      try {
        if (!state.forgotten) {
          step.accept(state);
          return true;
        }
      } finally {
        forgetIfEmpty(state);
        state.lock.unlock();
      }
    }
  }

  /** The lock is held. */
  void forgetIfEmpty(VolumeState state) {
    if (state.record() == null
        && state.users.isEmpty()
        && state.holders.isEmpty()
        && !state.forgotten) {
      state.forgotten = true;
      states.remove(state.name, state);
    }
  }
}

package io.gantry.engine.volume;

import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** All names of volumes that are known, or that somebody is busy with. */
final class VolumeTable {
  private final ConcurrentSkipListMap<String, VolumeState> states = new ConcurrentSkipListMap<>();

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
    return states.computeIfAbsent(name, VolumeState::new);
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

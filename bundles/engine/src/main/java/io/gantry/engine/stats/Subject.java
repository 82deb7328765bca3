package io.gantry.engine.stats;

import io.gantry.linux.Cgroup;
import org.jspecify.annotations.Nullable;

/** A container as far as its use is concerned. All answers come from memory. */
public interface Subject {
  String id();

  String name();

  boolean isGone();

  /** Null while it does not run. */
  @Nullable Run run();

  /**
   * One run.
   *
   * @param token of this run and no other
   * @param pid of its first process
   * @param networked false: it is in no network, and no interfaces are counted
   */
  record Run(Object token, Cgroup group, long pid, boolean networked) {}
}

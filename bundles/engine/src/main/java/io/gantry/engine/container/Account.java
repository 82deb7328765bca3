package io.gantry.engine.container;

import io.gantry.engine.stats.Subject;
import org.jspecify.annotations.Nullable;

/** A container as one whose use is counted. */
record Account(Container container) implements Subject {

  @Override
  public String id() {
    return container.id;
  }

  @Override
  public String name() {
    return container.record().name();
  }

  @Override
  public boolean isGone() {
    return container.isRemoved();
  }

  @Override
  public @Nullable Run run() {
    var running = container.running();
    long pid = container.run().pid();
    return running == null || pid == 0 ? null : new Run(running, running.cgroup, pid);
  }
}

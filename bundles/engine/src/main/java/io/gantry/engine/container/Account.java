package io.gantry.engine.container;

import io.gantry.engine.network.Placed;
import io.gantry.engine.spec.Modes;
import io.gantry.engine.stats.Subject;
import java.util.List;
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
    var run = container.run();
    if (running == null || run.pid() == 0) {
      return null;
    }
    return new Run(running, running.cgroup, run.pid(), !isAlone(run.places()));
  }

  /** Who is in the network {@code none} is in no other, and stays there. */
  private static boolean isAlone(List<Placed> places) {
    return places.size() == 1 && places.get(0).name().equals(Modes.NONE);
  }
}

package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CANCELLED;
import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.engine.spec.TaskPlan;
import io.gantry.linux.Rootfs;
import io.gantry.linux.Stat;
import io.gantry.linux.TreeCursor;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import io.gantry.spi.Undo;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Opens the root of a container: that of its process, or a mount of our own. */
final class Roots {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration UNTIL_END_IS_KNOWN = Duration.ofSeconds(10);
  private static final Object NOT_RUNNING = new Object();
  private static final int ATTEMPTS = 5;

  private final Workshop shop;
  private final Starting starting;
  private final Plans plans;
  private final Mounting mounting;
  private final Executor workers;

  Roots(Workshop shop, Starting starting, Plans plans, Mounting mounting) {
    this.shop = shop;
    this.starting = starting;
    this.plans = plans;
    this.mounting = mounting;
    this.workers = shop.workers();
  }

  FileGate.Open open(Container container) {
    for (int attempt = 1; ; attempt++) {
      var running = container.running();
      try {
        return container.files.enter(
            () -> key(container), () -> root(container), workers, PATIENCE);
      } catch (ProcessEnded e) {
        if (attempt == ATTEMPTS) {
          throw new GantryException(
              CONFLICT,
              "container " + container.id + " starts and ends all the time: try again",
              e);
        }
        if (running != null) {
          settle(running);
        }
      }
    }
  }

  private static Object key(Container container) {
    container.requireThere();
    var running = container.running();
    return running == null ? NOT_RUNNING : running;
  }

  private Rootfs root(Container container) {
    var running = container.running();
    if (running == null) {
      return ofMounts(container);
    }
    var run = container.run();
    try {
      var files = Rootfs.ofProcess(run.pid(), run.initStart());
      var users = Users.of(container);
      return users == null ? files : files.seenBy(users, List.of());
    } catch (GantryException e) {
      throw e.kind() == NOT_FOUND ? new ProcessEnded(e) : e;
    }
  }

  /** Volumes are held for as long as that takes: what is mounted then stays as it is. */
  private Rootfs ofMounts(Container container) {
    var record = container.record();
    String holder = record.id() + "-files";
    starting.makeSources(record);
    try (var release = new Undo();
        var reach = new Reach(release)) {
      mounting.reach(record, holder, null, reach);
      TaskPlan plan = plans.ofFiles(container, reach.mounts());
      var users = Users.wanted(record.spec(), shop.remapping());
      var files =
          Rootfs.ofMounts(
              plan.rootfs(), plan.stacked(), record.spec().host().files().readonlyRootfs());
      return users == null ? files : files.seenBy(users, plan.ownPaths());
    }
  }

  /** Its process has ended, and soon everybody will know. */
  private static void settle(Running running) {
    try {
      running.settled.get(UNTIL_END_IS_KNOWN.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException | ExecutionException e) {
      // the next attempt finds what there is
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "cancelled", e);
    }
  }

  /**
   * Which mount points a copy goes into: what the container was asked to have, and what is mounted
   * in that; kernel file systems and what its processes mount stay out.
   */
  TreeCursor.Crossing crossing(Container container, Rootfs rootfs) {
    Set<Long> own = new HashSet<>();
    for (Mount mount : plans.mounted(container)) {
      rootfs.mountOf(io.gantry.linux.Names.ofText(mount.target())).ifPresent(own::add);
    }
    long top = rootfs.mountOf("/").orElse(0L);
    own.remove(top);
    return (Stat from, Stat mountPoint) -> own.contains(mountPoint.mount()) || from.mount() != top;
  }

  private static final class ProcessEnded extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ProcessEnded(GantryException cause) {
      super(cause);
    }
  }
}

package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.ContainerView;
import io.gantry.api.Containers.Pruned;
import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Removes the containers that do not run. */
final class Pruning {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final ContainerTable table;
  private final Views views;
  private final Sizing sizing;
  private final Removal removal;
  private final Teller teller;

  Pruning(ContainerTable table, Views views, Sizing sizing, Removal removal, Teller teller) {
    this.table = table;
    this.views = views;
    this.sizing = sizing;
    this.removal = removal;
    this.teller = teller;
  }

  Pruned prune(Predicate<ContainerView> which) {
    var ids = new ArrayList<String>();
    var left = new ArrayList<GantryException>();
    long bytes = 0;
    for (var container : table.newestFirst()) {
      if (container.running() != null
          || container.isRestarting()
          || !which.test(views.of(container))) {
        continue;
      }
      try {
        long size = size(container);
        removal.remove(container, false, false);
        ids.add(container.id);
        bytes += size;
      } catch (GantryException e) {
        log.log(WARNING, "not pruned: " + e.getMessage());
        if (e.kind() != NOT_FOUND && e.kind() != CONFLICT) {
          left.add(e);
        } // else it was started or removed by somebody meanwhile
      }
    }
    teller.tellPruned(bytes);
    if (!left.isEmpty()) {
      throw left(ids.size(), left);
    }
    return new Pruned(ids, bytes);
  }

  /** One whose root is lost, or whose image, takes nothing, and goes all the same. */
  private long size(Container container) {
    try {
      return sizing.of(container.record()).writableBytes();
    } catch (GantryException e) {
      log.log(DEBUG, "size of {0}: {1}", container.id, e.getMessage());
      return 0;
    }
  }

  private static GantryException left(int removed, List<GantryException> left) {
    var first = left.get(0);
    return new GantryException(
        first.kind(),
        removed + " containers were removed and " + left.size() + " not: " + first.getMessage(),
        first);
  }
}

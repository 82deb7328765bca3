package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.api.ContainerFiles.Commit;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class CommittingTest extends WithEngine {

  @Override
  Engines open() {
    return new Engines(home, new LayeredTrees(home.trees(), home.busybox()));
  }

  static Commit commit(boolean pause, String comment) {
    return new Commit("", "", comment, "", pause, null, List.of());
  }

  @Test
  void aForcedRemovalEndsOneThatIsUnderWay() throws Exception {
    String id = engine.containers.create(Specs.running("sleep", "1000")).id();
    engine.containers.start(id);
    var under =
        CompletableFuture.supplyAsync(
            () -> engine.containers.commit(id, commit(true, Engines.ENDLESS)));
    Await.until("it reads what differs", () -> engine.commits.get() == 1);
    engine.containers.remove(id, true, true);
    var failure = assertThrows(ExecutionException.class, () -> under.get(60, TimeUnit.SECONDS));
    assertEquals(Kind.CANCELLED, ((GantryException) failure.getCause()).kind());
    assertEquals(List.of(), engine.containers.list());
  }
}

package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.api.ContainerFiles.Commit;
import io.gantry.api.Events.Event;
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
  void itIsToldOfTheImageToo() {
    String id = engine.containers.create(Specs.running("true")).id();
    engine.events.clear();
    String image =
        engine.containers.commit(id, new Commit("made", "1", "", "", false, null, List.of()));
    engine.actions(); // once all has been told
    assertEquals(
        List.of("image create " + image, "image tag made", "container commit made"),
        engine.events.stream()
            .map(event -> event.type() + " " + event.action() + " " + nameOf(event))
            .toList());
  }

  private static String nameOf(Event event) {
    return event.attributes().getOrDefault("imageRef", event.attributes().getOrDefault("name", ""));
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

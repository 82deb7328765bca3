package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.storage.Usage;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Containers whose storage driver has lost what they wrote. */
class LostRootTest extends WithEngine {

  @Override
  Engines open() {
    return new Engines(
        home,
        new LayeredTrees(home.trees(), home.busybox()) {
          @Override
          public Usage usage(String id) {
            if (Files.notExists(home.trees().resolve(id))) {
              throw new GantryException(Kind.NOT_FOUND, "no such snapshot: " + id);
            }
            return super.usage(id);
          }
        });
  }

  @Test
  void theyArePrunedAsOthersAre() {
    String lost = engine.containers.create(Specs.running("true")).id();
    String other = engine.containers.create(Specs.running("true")).id();
    OwnFiles.removeTree(home.trees().resolve(Creation.snapshotOf(lost)));
    assertEquals(List.of(other, lost), engine.containers.prune(container -> true).ids());
    assertEquals(List.of(), engine.containers.list());
  }
}

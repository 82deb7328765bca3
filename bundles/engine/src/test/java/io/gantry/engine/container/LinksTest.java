package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Names that containers have for others. */
class LinksTest extends WithEngine {
  private String made(String name, String... links) {
    var spec =
        Specs.spec(
            s -> {
              s.name = name;
              s.cmd = List.of("sleep", "1000");
              s.networkMode = "default";
              s.links = List.of(links);
            });
    return engine.containers.create(spec).id();
  }

  @Test
  void aLinkIsANameThatSurvivesRenamesAndTheEngine() {
    String child = made("child");
    made("parent", "child:db", "child");
    assertEquals(
        List.of("/child:/parent/db", "/child:/parent/child"),
        engine.containers.inspect("parent").links());
    assertEquals(child, engine.containers.inspect("parent/db").id());
    engine.containers.rename("child", "kid");
    engine.containers.rename("/parent", "mother");
    engine.close();
    engine = new Engines(home);
    assertEquals(
        List.of("/kid:/mother/db", "/kid:/mother/child"),
        engine.containers.inspect("mother").links());
    assertEquals(List.of("mother/child", "mother/db"), engine.containers.inspect("kid").aliases());
    assertEquals(child, engine.containers.inspect("/mother/db").id());
    assertThrows(GantryException.class, () -> engine.containers.inspect("mother/other"));
  }

  @Test
  void aLinkIsTakenAwayAloneOrWithTheContainer() {
    made("child");
    made("parent", "child:one", "/child:/former/two");
    engine.containers.unlink("/parent/one");
    assertEquals(List.of("/child:/parent/two"), engine.containers.inspect("parent").links());
    assertThrows(GantryException.class, () -> engine.containers.unlink("parent/one"));
    engine.containers.remove("child", false, false);
    assertEquals(List.of(), engine.containers.inspect("parent").links());
  }

  @Test
  void whoComesAgainElsewhereIsFoundThere() {
    engine.close();
    engine = new Engines(home, new LoopDriver().leased());
    made("child");
    engine.containers.start("child");
    String parent = made("parent", "child:db");
    engine.containers.start("parent");
    String before = address("child");
    assertTrue(hosts(parent).contains(before + "\tdb "), hosts(parent));
    engine.containers.stop("child", "KILL", null);
    made("other");
    engine.containers.start("other"); // which has its address now
    engine.containers.start("child");
    assertNotEquals(before, address("child"));
    Await.until("it is found", () -> hosts(parent).contains(address("child") + "\tdb "));
    assertFalse(hosts(parent).contains(before + "\tdb "), hosts(parent));
  }

  private String address(String ref) {
    return engine.containers.inspect(ref).networks().get("bridge").address();
  }

  private String hosts(String id) {
    try {
      return Files.readString(home.place().files(id).resolve("hosts"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void whomItLinksToHasToRun() {
    made("child");
    made("parent", "child:db");
    var refused = assertThrows(GantryException.class, () -> engine.containers.start("parent"));
    assertEquals(
        "Cannot link to a non running container: /child AS /parent/db", refused.getMessage());
    engine.containers.start("child");
    engine.containers.start("parent");
  }
}

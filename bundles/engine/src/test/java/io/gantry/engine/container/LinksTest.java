package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Network.Link;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
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

  /** From now on the default network keeps its containers apart; the child runs and serves. */
  private LoopDriver apart() {
    engine.close();
    var driver = new LoopDriver();
    engine = Engines.apart(home, driver.leased());
    serving("child");
    engine.containers.start("child");
    return driver;
  }

  /** As an image exposes 80/tcp and 53/udp. */
  private void serving(String name) {
    engine.containers.create(
        Specs.spec(
            s -> {
              s.name = name;
              s.cmd = List.of("sleep", "1000");
              s.networkMode = "default";
              s.exposed = List.of("80/tcp", "53-54/udp");
            }));
  }

  private Set<Link> links(String parent, String child) {
    String client = address(parent);
    String server = address(child);
    return Set.of(
        new Link(client, server, "tcp", 80),
        new Link(client, server, "udp", 53),
        new Link(client, server, "udp", 54));
  }

  @Test
  void aNetworkThatKeepsThemApartIsToldWhomLinksLeadTo() {
    var driver = apart();
    made("parent", "child:db", "child:other");
    var inside = new ArrayList<Set<Link>>();
    driver.meanwhile = () -> inside.add(Set.copyOf(driver.links));
    engine.containers.start("parent");
    assertEquals(links("parent", "child"), Set.copyOf(driver.links));
    assertEquals(List.of(Set.of()), inside); // its address was nobody's before
    driver.detaching = () -> inside.add(Set.copyOf(driver.links));
    engine.containers.stop("child", "KILL", null);
    Await.until("its address is let go", () -> inside.size() == 2);
    assertEquals(Set.of(), inside.get(1));
    engine.containers.start("child");
    assertEquals(links("parent", "child"), Set.copyOf(driver.links));
    assertEquals(links("parent", "child"), expected());
    engine.containers.unlink("parent/db");
    assertEquals(links("parent", "child"), Set.copyOf(driver.links));
    engine.containers.unlink("parent/other");
    assertEquals(List.of(), driver.links);
  }

  /** What a driver would be told that takes over. */
  private Set<Link> expected() {
    return engine.containers.belongings().networks("loop").stream()
        .flatMap(network -> network.links().stream())
        .collect(Collectors.toSet());
  }

  @Test
  void theNextEngineKnowsWhomLinksLeadTo() {
    var driver = apart();
    made("parent", "child:db");
    engine.containers.start("parent");
    engine.close();
    engine = Engines.apart(home, driver.leased());
    assertEquals(links("parent", "child"), expected());
    engine.containers.stop("parent", "KILL", null);
    Await.until("it is told", () -> driver.links.isEmpty());
    assertEquals(Set.of(), expected());
  }

  @Test
  void aStartWhoseLinksCannotBeMadeLeavesNone() {
    var driver = apart();
    made("parent", "child:db");
    driver.linkFailure = new GantryException(GantryException.Kind.INTERNAL, "no more rules");
    var e = assertThrows(GantryException.class, () -> engine.containers.start("parent"));
    assertTrue(e.getMessage().contains("no more rules"), e.getMessage());
    assertEquals(Set.of(), expected());
    engine.containers.start("parent");
    assertEquals(links("parent", "child"), Set.copyOf(driver.links));
  }

  @Test
  void whoLeavesTheDefaultNetworkLeavesItsLinks() {
    var driver = apart();
    made("parent", "child:db");
    engine.containers.start("parent");
    var links = links("parent", "child");
    engine.containers.networks().disconnect("bridge", "child", false);
    assertEquals(List.of(), driver.links);
    engine.containers.networks().connect("bridge", "child", NetworkRequest.of("bridge"));
    assertEquals(links, Set.copyOf(driver.links));
  }

  @Test
  void anAddressThatALinkMayStillLeadToIsNobodyElses() {
    var driver = apart();
    made("parent", "child:db");
    engine.containers.start("parent");
    String former = address("child");
    driver.linkFailure = new GantryException(GantryException.Kind.INTERNAL, "no rules now");
    engine.containers.stop("child", "KILL", null);
    Await.until("the driver was to be told", () -> driver.linkFailure == null);
    made("next");
    engine.containers.start("next");
    assertNotEquals(former, address("next"));
    engine.containers.start("child"); // with it the driver is told again
    assertEquals(links("parent", "child"), Set.copyOf(driver.links));
    made("last");
    engine.containers.start("last");
    assertEquals(former, address("last"));
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
  void whomItLinksToHasToBeInTheDefaultNetwork() {
    engine.close();
    engine = new Engines(home, new LoopDriver().leased());
    String child = made("child");
    engine.containers.start("child");
    made("parent", "child:db");
    engine.containers.networks().disconnect("bridge", "child", false);
    var refused = assertThrows(GantryException.class, () -> engine.containers.start("parent"));
    assertEquals(
        "container " + child + " not attached to default bridge network", refused.getMessage());
    engine.containers.networks().connect("bridge", "child", NetworkRequest.of("bridge"));
    engine.containers.start("parent");
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

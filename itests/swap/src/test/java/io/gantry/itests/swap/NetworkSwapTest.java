package io.gantry.itests.swap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Town;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Drivers of networks and ports are updated, and the mappers switched, while requests run through
 * published ports and names are looked up: none fails, connections that were there go on, and what
 * is translated was never served by the proxy instead. {@code -Dgantry.swaps.network=50} is the
 * long form: updates of each driver, and switches two for five of them.
 */
@Tag("root")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class NetworkSwapTest {
  private static final int UPDATES = Integer.getInteger("gantry.swaps.network", 5);
  private static final String NAT = "io.gantry.portmap.nat";

  private static Town town;

  @BeforeAll
  static void start() {
    town = Town.open(Instance.home());
  }

  @AfterAll
  static void stop() {
    town.close();
  }

  @ParameterizedTest
  @CsvSource({
    "NetworkDriver,bridge,io.gantry.network.bridge",
    "PortMapper,nat,io.gantry.portmap.nat",
    "PortMapper,proxy,io.gantry.portmap.proxy"
  })
  @Order(1)
  void noRequestAndNoLookUpFailsWhileADriverIsUpdated(String kind, String name, String bundle) {
    Path sample = Instance.sample(bundle);
    Path shipped = Instance.shipped(bundle);
    for (int i = 0; i < UPDATES; i++) {
      town.update(kind, name, i % 2 == 0 ? sample : shipped);
      town.awaitMore();
      assertEquals(List.of(), town.failures(), "after update " + i);
    }
    if (UPDATES % 2 == 1) {
      town.update(kind, name, shipped);
    }
    assertEquals(List.of(), town.failures());
  }

  @Test
  @Order(1)
  void norWhileTheMappersAreSwitched() {
    int switches = Math.max(2, UPDATES * 2 / 5);
    for (int i = 0; i < switches; i++) {
      boolean proxy = i % 2 == 0;
      town.mapBy(proxy ? "proxy" : "nat");
      town.visit("visitor-" + i, 8100, !proxy);
      assertEquals(List.of(), town.failures(), "after switch " + i);
    }
    town.mapBy("nat");
  }

  /** The harness proves itself. */
  @Test
  @Order(2)
  void aMapperThatTakesItsRulesAlongIsReported(@TempDir Path folder) throws Exception {
    Path jar =
        BadDriver.of(NAT)
            .version("0.1.0.7")
            .changed(
                "drivers-network/portmap-nat",
                NAT + ".PortTable",
                "      rules.clear();\n      if (socket != null) {",
                "      set(java.util.Map.of());\n      rules.clear();\n      if (socket != null) {")
            .to(folder.resolve("forgetful.jar"));
    assertEquals(List.of(), town.failures());
    for (int i = 0; i < 10 && town.failures().isEmpty(); i++) {
      town.update("PortMapper", "nat", jar);
      town.awaitMore();
      town.update("PortMapper", "nat", Instance.shipped(NAT));
      town.awaitMore();
    }
    assertTrue(
        town.failures().stream().anyMatch(failure -> failure.contains("failure nat-")),
        "not reported: " + town.failures());
  }
}

package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.gantry.engine.network.Placed;
import io.gantry.linux.CgroupTree;
import io.gantry.monitor.Monitor;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AccountTest {
  private final Container container = Specs.container(Specs.running("true"));
  private final Account account = new Account(container);

  /** Nothing is counted where there is none but the loopback interface. */
  @ParameterizedTest
  @CsvSource({"none, false", "web, true", "none web, true", "bridge, true", "'', true"})
  void interfacesAreCountedUnlessItIsInTheNetworkNoneAlone(String networks, boolean counted) {
    runs(networks);
    assertEquals(counted, Objects.requireNonNull(account.run()).networked());
  }

  @Test
  void whatDoesNotRunHasNoUse() {
    assertNull(account.run());
    runs("none");
    container.running(null);
    assertNull(account.run());
  }

  private void runs(String networks) {
    var places = Stream.of(networks.split(" ")).filter(n -> !n.isEmpty()).map(AccountTest::in);
    container.running(
        new Running(
            CgroupTree.detect().group("gantry-test", "c"), InstantSource.system(), exec -> {}));
    container.run(
        RunRecord.NEVER.started(
            new Monitor.Init(7, 1), Instant.EPOCH, places.toList(), List.of(), ""));
  }

  private static Placed in(String name) {
    return new Placed(
        "1".repeat(64),
        name,
        "loop",
        "e",
        1,
        "eth0",
        "",
        "",
        "",
        "",
        List.of(),
        "",
        0,
        Map.of(),
        null);
  }
}

package io.gantry.engine.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.engine.network.PortKeeper.Wish;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PortKeeperTest {
  private static final String RANGE = "18000-18001";
  private static final Target BOX = new Target("10.9.0.2", "", false, false);

  private int next;
  private PortKeeper keeper = new PortKeeper((protocol, address, port) -> true);

  private List<Published> take(String address, String port) {
    return keeper.take(() -> "box." + next++, BOX, "", List.of(new Wish("80/tcp", address, port)));
  }

  private static List<Integer> ports(List<Published> published) {
    return published.stream().map(Published::hostPort).distinct().toList();
  }

  @Test
  void portsOfAllAddressesMeetThoseOfOne() {
    take("127.0.0.1", "18000");
    var e = assertThrows(GantryException.class, () -> take("0.0.0.0", "18000"));
    assertEquals("Bind for 0.0.0.0:18000 failed: port is already allocated", e.getMessage());
    assertThrows(GantryException.class, () -> take("127.0.0.1", "18000"));
    take("127.0.0.2", "18000");
    take("::", "18000");
    assertEquals(List.of(18001), ports(take("0.0.0.0", RANGE)));
    assertThrows(GantryException.class, () -> take("", RANGE));
  }

  @Test
  void anAddressOfIpv4IsItselfInIpv6sWordsToo() {
    var got = take("::ffff:127.0.0.1", "18000");
    assertEquals(List.of("127.0.0.1"), got.stream().map(Published::hostAddress).toList());
    assertThrows(GantryException.class, () -> take("127.0.0.1", "18000"));
    var wish = new Wish("80/tcp", "::ffff:7f00:1", "18000");
    assertTrue(wish.allows(got.get(0), ""));
    assertTrue(wish.excludes(new Wish("81/tcp", "127.0.0.1", "18000")));
  }

  /** Whoever asks the kernel in the meantime keeps nobody's monitor from listening. */
  @Test
  void aPortIsLookedAtWhenItIsTaken() {
    var asked = new ArrayList<Integer>();
    keeper =
        new PortKeeper(
            (protocol, address, port) -> {
              asked.add(port);
              var e = assertThrows(GantryException.class, () -> take(address, "" + port));
              assertTrue(e.getMessage().endsWith("already allocated"), e.getMessage());
              return port != 18000;
            });
    take("127.0.0.1", "18002");
    assertEquals(List.of(), asked);
    assertEquals(List.of(18001), ports(take("127.0.0.1", RANGE)));
    assertEquals(List.of(18000, 18001), asked);
    take("127.0.0.1", "18000");
  }

  @Test
  void allItsAddressesHaveToBeFree() throws IOException {
    keeper = new PortKeeper();
    try (var other = new ServerSocket()) {
      other.bind(new InetSocketAddress(InetAddress.getByName("::1"), 0));
      int port = other.getLocalPort();
      var got = take("", port + "-" + (port + 5));
      assertEquals(2, got.size());
      assertTrue(ports(got).get(0) > port, "it has " + ports(got));
    }
  }

  @Test
  void whatIsAboutToBeFreeIsWaitedForWhereNothingElseIs() throws Exception {
    var one = take("", "18000");
    keeper.leave(one);
    assertEquals(List.of(18001), ports(take("", RANGE)));
    var waiting = CompletableFuture.supplyAsync(() -> ports(take("", RANGE)));
    keeper.release(one);
    assertEquals(List.of(18000), waiting.get(10, TimeUnit.SECONDS));
  }
}

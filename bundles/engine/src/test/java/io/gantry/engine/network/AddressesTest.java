package io.gantry.engine.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.engine.network.NetworkSettings.AddressBlock;
import io.gantry.spi.GantryException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AddressesTest {

  @ParameterizedTest
  @CsvSource({
    "172.17.0.2, 172.17.0.2",
    "0.0.0.0, 0.0.0.0",
    "255.255.255.255, 255.255.255.255",
    "::, ::",
    "::1, ::1",
    "FD00:0:0:1::0, fd00:0:0:1::",
    "2001:db8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
    "1:0:0:2:0:0:0:3, 1:0:0:2::3",
    "::ffff:192.0.2.1, ::ffff:c000:201",
    "1:2:3:4:5:6:7:8, 1:2:3:4:5:6:7:8",
    "1:0:3:4:5:6:7:8, 1:0:3:4:5:6:7:8",
  })
  void textsOfAddressesComeBackInTheirShortestForm(String text, String shortest) {
    assertEquals(shortest, String.valueOf(Ip.parse(text)));
    assertEquals(Ip.parse(text), Ip.parse(shortest));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "1",
        "1.2.3",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4.5",
        "1.2.3.4 ",
        "a.b.c.d",
        ":",
        ":::",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "12345::",
        "::g",
        "fe80::1%eth0",
        "::1.2.3",
        "localhost",
        "1:2:3:4:5:6:7::8"
      })
  void whatIsNoAddressIsNone(String text) {
    assertNull(Ip.parse(text));
  }

  @Test
  void blocksContainAndOverlap() {
    var ten = Cidr.of("10.0.0.0/8");
    assertTrue(ten.contains(Cidr.of("10.1.0.0/16")));
    assertFalse(Cidr.of("10.1.0.0/16").contains(ten));
    assertTrue(Cidr.of("10.1.0.0/16").overlaps(ten));
    assertFalse(Cidr.of("11.0.0.0/8").overlaps(ten));
    assertFalse(Cidr.of("::/0").overlaps(Cidr.of("0.0.0.0/0")));
    assertEquals("10.255.255.255", ten.last().toString());
    assertEquals("10.0.0.0/8", Cidr.of("10.1.2.3/8").masked().toString());
    assertEquals("10.3.0.0/16", String.valueOf(ten.part(16, 3)));
    assertNull(ten.part(16, 256));
    assertNull(Cidr.parse("10.0.0.0/33"));
    assertNull(Cidr.parse("10.0.0.0"));
    assertNull(Cidr.parse("10.0.0.0/08"));
  }

  @Test
  void thePoolGivesTheLowestThatIsFree() {
    var pool = new AddressPool(Cidr.of("10.0.0.0/29"), Cidr.of("10.0.0.0/29"));
    assertTrue(pool.take(ip("10.0.0.1")));
    assertEquals(ip("10.0.0.2"), pool.take());
    assertTrue(pool.take(ip("10.0.0.4")));
    assertFalse(pool.take(ip("10.0.0.4")));
    assertEquals(ip("10.0.0.3"), pool.take());
    assertEquals(ip("10.0.0.5"), pool.take());
    pool.release(ip("10.0.0.2"));
    assertEquals(ip("10.0.0.2"), pool.take());
    assertEquals(ip("10.0.0.6"), pool.take());
    assertNull(pool.take()); // the last one is everybody's
    pool.release(ip("10.0.0.6"));
    assertEquals(ip("10.0.0.6"), pool.take());
  }

  @Test
  void aRangeLimitsWhatIsChosenAndNotWhatIsAskedFor() {
    var pool = new AddressPool(Cidr.of("10.0.0.0/24"), Cidr.of("10.0.0.128/31"));
    assertEquals(ip("10.0.0.128"), pool.take());
    assertEquals(ip("10.0.0.129"), pool.take());
    assertNull(pool.take());
    assertTrue(pool.take(ip("10.0.0.9")));
  }

  @Test
  void theLastAddressesOfAllAreNoTrouble() {
    var pool = new AddressPool(Cidr.of("255.255.255.252/30"), Cidr.of("255.255.255.252/30"));
    assertEquals(ip("255.255.255.253"), pool.take());
    assertEquals(ip("255.255.255.254"), pool.take());
    assertNull(pool.take());
    assertNull(pool.take());
  }

  private static Ip ip(String text) {
    var ip = Ip.parse(text);
    assertNotNull(ip);
    return ip;
  }

  // Routes

  @Test
  void routesOfTheHostAreReadAlsoWithoutAMask(@TempDir Path proc) throws Exception {
    Files.createDirectories(proc.resolve("net"));
    Files.writeString(
        proc.resolve("net/route"),
        """
        Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
        eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
        eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
        tun0\t00000000\t0100000A\t0003\t0\t0\t0\t00000080\t0\t0\t0
        tun0\t0000140A\t0100000A\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0
        eth1\t070012AC\t00000000\t0005\t0\t0\t0\t00000000\t0\t0\t0
        eth2\t000013AC\t00000000\t0000\t0\t0\t0\t0000FFFF\t0\t0\t0
        """);
    Files.writeString(
        proc.resolve("net/ipv6_route"),
        """
        fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
        fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
        00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
        """);
    assertEquals(
        List.of(
            new HostRoutes.Route(Cidr.of("172.17.0.0/16"), true),
            new HostRoutes.Route(Cidr.of("10.20.0.0/16"), false),
            new HostRoutes.Route(Cidr.of("172.18.0.7/32"), true),
            new HostRoutes.Route(Cidr.of("fd00::/64"), true)),
        HostRoutes.read(proc));
  }

  @Test
  void aHostWithoutAFamilyHasNoRoutesOfIt(@TempDir Path proc) {
    assertEquals(List.of(), HostRoutes.read(proc));
  }

  // Subnets

  private final Subnets subnets = new Subnets("0badcafe");

  private Cidr choose(List<Cidr> taken, HostRoutes.Route... routes) {
    return subnets.choose(false, List.of(), taken, List.of(routes));
  }

  private static HostRoutes.Route route(String to, boolean onLink) {
    return new HostRoutes.Route(Cidr.of(to), onLink);
  }

  @Test
  void subnetsAreDockersInDockersOrder() {
    var taken = new ArrayList<Cidr>();
    for (int i = 0; i < 31; i++) {
      taken.add(choose(taken));
    }
    assertEquals("172.17.0.0/16", taken.get(0).toString());
    assertEquals("172.20.0.0/16", taken.get(3).toString());
    assertEquals("172.31.0.0/16", taken.get(14).toString());
    assertEquals("192.168.0.0/20", taken.get(15).toString());
    assertEquals("192.168.240.0/20", taken.get(30).toString());
    var e = assertThrows(GantryException.class, () -> choose(taken));
    assertEquals("all predefined address pools have been fully subnetted", e.getMessage());
  }

  @Test
  void whereTheHostGetsToIsLeftAlone() {
    assertEquals(
        "172.19.0.0/16",
        choose(List.of(), route("172.17.0.0/16", true), route("172.18.0.7/32", false)).toString());
  }

  @Test
  void aVpnToEverywherePrivateDoesNotLeaveNothing() {
    assertEquals(
        "172.18.0.0/16",
        choose(
                List.of(),
                route("172.16.0.0/12", false),
                route("192.168.0.0/16", false),
                route("172.17.0.0/16", true))
            .toString());
  }

  @Test
  void configuredBlocksAreCutUp() {
    var blocks = List.of(new AddressBlock("10.9.0.0/23", 24));
    var taken = new ArrayList<Cidr>();
    taken.add(subnets.choose(false, blocks, taken, List.of()));
    taken.add(subnets.choose(false, blocks, taken, List.of()));
    assertEquals("[10.9.0.0/24, 10.9.1.0/24]", taken.toString());
    assertThrows(GantryException.class, () -> subnets.choose(false, blocks, taken, List.of()));
  }

  @Test
  void ipv6IsLocalAndTheInstancesOwn() {
    var six = subnets.choose(true, List.of(), List.of(), List.of());
    assertTrue(six.toString().matches("fd[0-9a-f]{2}:.*::/64"), six.toString());
    assertEquals(six, subnets.choose(true, List.of(), List.of(), List.of()));
    assertFalse(six.equals(new Subnets("0badcaff").choose(true, List.of(), List.of(), List.of())));
    assertFalse(six.overlaps(subnets.choose(true, List.of(), List.of(six), List.of())));
  }
}

package io.gantry.network.macvlan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.netlink.RouteMessages.IpvlanFlag;
import io.gantry.linux.netlink.RouteMessages.IpvlanMode;
import io.gantry.linux.netlink.RouteMessages.MacvlanMode;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Network;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VlanOptionsTest {

  private static VlanOptions read(LinkKind kind, Map<String, String> options) {
    return VlanOptions.of(kind, new Network("ab".repeat(32), "net", List.of(), false, options));
  }

  @Test
  void whatIsNotSaidIsAsDockerHasIt() {
    assertEquals(
        new VlanOptions("", 0, MacvlanMode.BRIDGE, IpvlanMode.L2, IpvlanFlag.BRIDGE, "eth"),
        read(LinkKind.MACVLAN, Map.of()));
  }

  @Test
  void dockersNamesAreUnderstood() {
    var options =
        read(
            LinkKind.MACVLAN,
            Map.of(
                "parent",
                "eth0.10",
                "macvlan_mode",
                "vepa",
                "com.docker.network.enable_ipv6",
                "true"));
    assertEquals("eth0", options.carrier());
    assertEquals(10, options.vlan());
    assertEquals(MacvlanMode.VEPA, options.macvlan());
    var routed = read(LinkKind.IPVLAN, Map.of("ipvlan_mode", "l3s", "ipvlan_flag", "private"));
    assertTrue(routed.isRouted(LinkKind.IPVLAN));
    assertEquals(IpvlanFlag.PRIVATE, routed.flag());
    assertEquals(0, read(LinkKind.IPVLAN, Map.of("parent", "eth0.4095")).vlan());
  }

  @ParameterizedTest
  @CsvSource({
    "MACVLAN, macvlan_mode, loud",
    "MACVLAN, parent, a/b",
    "MACVLAN, parent, lo",
    "MACVLAN, ipvlan_mode, l3",
    "IPVLAN, macvlan_mode, bridge",
    "IPVLAN, ipvlan_mode, l4",
    "IPVLAN, ipvlan_flag, x",
    "IPVLAN, com.docker.network.container_iface_prefix, toolongaprefix"
  })
  void whatIsNoneIsRefused(LinkKind kind, String option, String value) {
    assertThrows(GantryException.class, () -> read(kind, Map.of(option, value)));
  }
}

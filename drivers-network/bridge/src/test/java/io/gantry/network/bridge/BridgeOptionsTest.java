package io.gantry.network.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.netlink.Cidr;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Network;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BridgeOptionsTest {
  private static final String BRIDGE = "com.docker.network.bridge.";

  @Test
  void whatIsNotSaidIsAsDockerHasIt() {
    var options = read(false, Map.of());
    assertEquals(
        new BridgeOptions(
            "",
            false,
            true,
            true,
            0,
            false,
            "eth",
            GatewayMode.NAT,
            GatewayMode.NAT,
            null,
            null,
            List.of()),
        options);
  }

  @Test
  void dockersNamesAreUnderstood() {
    var options =
        read(
            true,
            Map.of(
                BRIDGE + "name",
                "br0",
                BRIDGE + "default_bridge",
                "true",
                BRIDGE + "enable_ip_masquerade",
                "0",
                BRIDGE + "enable_icc",
                "False",
                BRIDGE + "host_binding_ipv4",
                "127.0.0.1",
                BRIDGE + "inhibit_ipv4",
                "T",
                BRIDGE + "gateway_mode_ipv4",
                "isolated",
                BRIDGE + "gateway_mode_ipv6",
                "nat-unprotected",
                "com.docker.network.driver.mtu",
                "1400",
                "com.docker.network.container_iface_prefix",
                "net"));
    assertEquals("br0", options.bridge());
    assertTrue(options.isDefault());
    assertFalse(options.masquerade());
    assertFalse(options.icc());
    assertTrue(options.inhibitIpv4());
    assertEquals(1400, options.mtu());
    assertEquals("net", options.prefix());
    assertEquals(GatewayMode.ISOLATED, options.ipv4());
    assertEquals(GatewayMode.NAT_UNPROTECTED, options.ipv6());
  }

  @Test
  void addressesToGoOutUnderAndTrustedInterfacesAreUnderstood() {
    var options =
        read(
            false,
            Map.of(
                "com.docker.network.host_ipv4",
                "192.0.2.1",
                "com.docker.network.host_ipv6",
                "fd00::1",
                BRIDGE + "trusted_host_interfaces",
                ":eth0:wg0::eth0"));
    assertEquals(Cidr.address("192.0.2.1"), options.source());
    assertEquals(Cidr.address("fd00::1"), options.source6());
    assertEquals(List.of("eth0", "wg0"), options.trusted());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "com.docker.network.bridge.enable_icc | maybe | failed to parse com.docker.network.bridge.enable_icc value: maybe (strconv.ParseBool: parsing \"maybe\": invalid syntax)",
        "com.docker.network.driver.mtu | big | failed to parse com.docker.network.driver.mtu value: big (strconv.Atoi: parsing \"big\": invalid syntax)",
        "com.docker.network.driver.mtu | -1 | invalid MTU number: -1",
        "com.docker.network.bridge.gateway_mode_ipv4 | nut | failed to parse com.docker.network.bridge.gateway_mode_ipv4 value: nut (unknown gateway mode nut)",
        "com.docker.network.bridge.gateway_mode_ipv6 | isolated | gateway mode 'isolated' can only be used for an internal network",
        "com.docker.network.bridge.name | a/b | failed to parse com.docker.network.bridge.name value: a/b (invalid interface name)",
        "com.docker.network.bridge.name | 0123456789abcdef | failed to parse com.docker.network.bridge.name value: 0123456789abcdef (invalid interface name)",
        "com.docker.network.bridge.host_binding_ipv4 | here | failed to parse com.docker.network.bridge.host_binding_ipv4 value: here (nil ip)",
        "com.docker.network.host_ipv4 | here | failed to parse com.docker.network.host_ipv4 value: here (nil ip)",
        "com.docker.network.host_ipv4 | fd00::1 | failed to parse com.docker.network.host_ipv4 value: fd00::1 (no IPv4 address to go out under)",
        "com.docker.network.host_ipv6 | 192.0.2.1 | failed to parse com.docker.network.host_ipv6 value: 192.0.2.1 (no IPv6 address to go out under)",
        "com.docker.network.host_ipv4 | 0.0.0.0 | failed to parse com.docker.network.host_ipv4 value: 0.0.0.0 (no IPv4 address to go out under)",
        "com.docker.network.bridge.trusted_host_interfaces | eth0:a/b | failed to parse com.docker.network.bridge.trusted_host_interfaces value: eth0:a/b (invalid interface name a/b)",
        "io.gantry.network.firewall | none | failed to parse io.gantry.network.firewall value: none (neither own nor host)",
      })
  void whatIsWrongIsRefusedInDockersWords(String option, String value, String sentence) {
    var e = assertThrows(GantryException.class, () -> read(false, Map.of(option, value)));
    assertEquals(GantryException.Kind.INVALID, e.kind());
    assertEquals(sentence, e.getMessage());
  }

  private static BridgeOptions read(boolean internal, Map<String, String> options) {
    return BridgeOptions.of(new Network("n".repeat(64), "web", List.of(), internal, options));
  }

  @Test
  void multicastAddressesAreNobodysOwn() {
    var network =
        new Network(
            "1", "net", List.of(new Network.Subnet("ff00::/64", "ff00::1")), false, Map.of());
    var e = assertThrows(GantryException.class, () -> Bridged.read(network));
    assertEquals("multicast subnet 'ff00::/64' is not allowed", e.getMessage());
    assertEquals(GantryException.Kind.INVALID, e.kind());
  }
}

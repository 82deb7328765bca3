package io.gantry.linux.netlink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CidrTest {

  @Test
  void networksHaveEnds() {
    var cidr = Cidr.parse("172.17.3.4/20");
    assertEquals(Cidr.parse("172.17.0.0/20"), cidr.network());
    assertEquals(Cidr.address("172.17.15.255"), cidr.last());
    assertEquals("172.17.3.4/20", cidr.toString());
    assertEquals(32, Cidr.parse("10.0.0.1").prefix());
    assertTrue(Cidr.parse("fd00::1/64").isIpv6());
    assertEquals(Cidr.address("fd00::ffff:ffff:ffff:ffff"), Cidr.parse("fd00::1/64").last());
  }

  @Test
  void networksOverlapInOneFamilyOnly() {
    var wide = Cidr.parse("10.0.0.0/8");
    assertTrue(wide.contains(Cidr.address("10.200.0.1")));
    assertFalse(wide.contains(Cidr.address("11.0.0.1")));
    assertTrue(wide.overlaps(Cidr.parse("10.3.0.0/16")));
    assertTrue(Cidr.parse("10.3.0.0/16").overlaps(wide));
    assertFalse(wide.overlaps(Cidr.parse("a00::/8")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "localhost",
        "1.2.3",
        "1.2.3.4.5",
        "01.2.3.4",
        "256.1.1.1",
        "1.2.3.4/33",
        "1.2.3.4/-1",
        "1.2.3.4/",
        "::1/129",
        ":",
        "fd00:::1",
        "1.2.3.4/0x8"
      })
  void whatIsNoAddressIsRefused(String text) {
    assertThrows(GantryException.class, () -> Cidr.parse(text));
  }
}

package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.Networks.Ipam;
import io.gantry.api.Networks.Pool;
import io.gantry.spi.GantryException;

/** Refuses subnets, ranges and addresses that make no sense, all of them at once. */
final class IpamCheck {
  private static final int MOST_POOLS = 64;

  private IpamCheck() {}

  /**
   * @throws GantryException INVALID in dockerd's words
   */
  static void check(Ipam ipam, boolean six) {
    if (ipam.pools().size() > MOST_POOLS) {
      throw new GantryException(INVALID, "too many subnets: " + ipam.pools().size());
    }
    var wrong = new Wrongs();
    for (var pool : ipam.pools()) {
      Cidr subnet = Cidr.parse(pool.subnet());
      if (subnet == null) {
        wrong.add("invalid subnet " + pool.subnet() + ": invalid CIDR block notation");
      } else if (six || !subnet.six()) {
        check(pool, subnet, wrong);
      }
    }
    wrong.refuse("invalid network config");
  }

  private static void check(Pool pool, Cidr subnet, Wrongs wrong) {
    if (!subnet.equals(subnet.masked())) {
      wrong.add("invalid subnet " + subnet + ": it should be " + subnet.masked());
    }
    if (!pool.range().isEmpty()) {
      range(pool.range(), subnet, wrong);
    }
    address("gateway " + pool.gateway(), pool.gateway(), subnet, wrong);
    pool.auxiliary()
        .forEach((name, text) -> address("auxiliary address " + name, text, subnet, wrong));
  }

  private static void range(String text, Cidr subnet, Wrongs wrong) {
    String what = "invalid ip-range " + text + ": ";
    Cidr range = Cidr.parse(text);
    if (range == null) {
      wrong.add(what + "invalid CIDR block notation");
      return;
    }
    if (range.six() != subnet.six()) {
      wrong.add(what + family(subnet));
      return;
    }
    if (range.bits() < subnet.bits()) {
      wrong.add(what + "CIDR block is bigger than its parent subnet " + subnet);
    }
    if (!range.equals(range.masked())) {
      wrong.add(what + "it should be " + range.masked());
    }
    if (!subnet.overlaps(range)) {
      wrong.add(what + "parent subnet " + subnet + " doesn't contain ip-range");
    }
  }

  private static void address(String what, String text, Cidr subnet, Wrongs wrong) {
    if (text.isEmpty()) {
      return;
    }
    Ip ip = Ip.parse(text);
    if (ip == null) {
      wrong.add("invalid " + what + ": invalid address");
    } else if (ip.six() != subnet.six()) {
      wrong.add("invalid " + what + ": " + family(subnet));
    } else if (!subnet.contains(ip)) {
      wrong.add("invalid " + what + ": parent subnet " + subnet + " doesn't contain this address");
    }
  }

  private static String family(Cidr subnet) {
    return "parent subnet is an IPv" + (subnet.six() ? 6 : 4) + " block";
  }
}

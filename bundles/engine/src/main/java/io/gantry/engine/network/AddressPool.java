package io.gantry.engine.network;

import java.math.BigInteger;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The addresses of one subnet. Not thread-safe. */
final class AddressPool {
  final Cidr subnet;
  private final Cidr range;
  private final Set<Ip> taken = new HashSet<>();
  private Ip next;

  /**
   * @param range that addresses are chosen from
   */
  AddressPool(Cidr subnet, Cidr range) {
    this.subnet = subnet;
    this.range = range;
    this.next = range.first();
  }

  /** The lowest that is free; null when there is none. */
  @Nullable Ip take() {
    if (!hasFree()) {
      return null;
    }
    Ip ip = next;
    taken.add(ip);
    next = ip.plus(1);
    return ip;
  }

  boolean hasFree() {
    while (range.contains(next) && (isReserved(next) || taken.contains(next))) {
      next = next.plus(1);
    }
    return range.contains(next);
  }

  /** Whether it was free. */
  boolean take(Ip ip) {
    return taken.add(ip);
  }

  void release(Ip ip) {
    taken.remove(ip);
    if (range.contains(ip) && ip.value().compareTo(next.value()) < 0) {
      next = ip;
    }
  }

  /** Whether it could be somebody's. */
  boolean isUsable(Ip ip) {
    return !isReserved(ip);
  }

  /** The subnet's own address, and that of everybody in it; of IPv6 only the former. */
  private boolean isReserved(Ip ip) {
    if (subnet.size().compareTo(BigInteger.TWO) <= 0) {
      return false; // RFC 3021
    }
    return ip.equals(subnet.first()) || (!subnet.six() && ip.equals(subnet.last()));
  }
}

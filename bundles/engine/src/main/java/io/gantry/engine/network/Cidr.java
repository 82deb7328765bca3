package io.gantry.engine.network;

import java.math.BigInteger;
import org.jspecify.annotations.Nullable;

/**
 * A block of addresses, or an address with the length of its prefix.
 *
 * @param bits length of the prefix
 */
record Cidr(Ip address, int bits) {

  /** Null for text that is none. */
  static @Nullable Cidr parse(String text) {
    int slash = text.indexOf('/');
    if (slash < 0 || !text.substring(slash + 1).matches("0|[1-9]\\d{0,2}")) {
      return null;
    }
    Ip address = Ip.parse(text.substring(0, slash));
    int bits = Integer.parseInt(text.substring(slash + 1));
    return address == null || bits > address.width() ? null : new Cidr(address, bits);
  }

  /** For text of the engine's own making. */
  static Cidr of(String text) {
    var parsed = parse(text);
    if (parsed == null) {
      throw new IllegalArgumentException(text);
    }
    return parsed;
  }

  boolean six() {
    return address.six();
  }

  private int hostBits() {
    return address.width() - bits;
  }

  /** The block that it is, or lies in. */
  Cidr masked() {
    var value = address.value().shiftRight(hostBits()).shiftLeft(hostBits());
    return new Cidr(new Ip(six(), value), bits);
  }

  Ip first() {
    return masked().address;
  }

  Ip last() {
    return new Ip(six(), first().value().add(size()).subtract(BigInteger.ONE));
  }

  BigInteger size() {
    return BigInteger.ONE.shiftLeft(hostBits());
  }

  boolean contains(Ip ip) {
    return ip.six() == six()
        && ip.value().shiftRight(hostBits()).equals(address.value().shiftRight(hostBits()));
  }

  boolean contains(Cidr other) {
    return other.bits >= bits && contains(other.address);
  }

  boolean overlaps(Cidr other) {
    return contains(other) || other.contains(this);
  }

  /** The n-th part of it with a longer prefix; null past its end. */
  @Nullable Cidr part(int longer, int n) {
    var step = BigInteger.ONE.shiftLeft(address.width() - longer);
    var ip = new Ip(six(), first().value().add(step.multiply(BigInteger.valueOf(n))));
    return contains(ip) ? new Cidr(ip, longer) : null;
  }

  @Override
  public String toString() {
    return address + "/" + bits;
  }
}

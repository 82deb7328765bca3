package io.gantry.linux.netlink;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.math.BigInteger;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.regex.Pattern;

/**
 * An address and the length of its network's prefix: {@code 172.17.0.2/16}. No name is ever looked
 * up.
 */
public record Cidr(InetAddress address, int prefix) {
  private static final Pattern IPV4 = Pattern.compile("(0|[1-9]\\d{0,2})(\\.(0|[1-9]\\d{0,2})){3}");
  private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");

  public Cidr {
    if (prefix < 0 || prefix > address.getAddress().length * 8) {
      throw invalid(address.getHostAddress() + "/" + prefix);
    }
  }

  /** With or without a prefix; without one it is the address alone. */
  public static Cidr parse(String text) {
    int slash = text.indexOf('/');
    InetAddress address = address(slash < 0 ? text : text.substring(0, slash));
    if (slash < 0) {
      return new Cidr(address, address.getAddress().length * 8);
    }
    String length = text.substring(slash + 1);
    if (!length.matches("0|[1-9]\\d{0,2}")) {
      throw invalid(text);
    }
    return new Cidr(address, Integer.parseInt(length));
  }

  /** An address by its numbers. */
  public static InetAddress address(String text) {
    if (!IPV4.matcher(text).matches() && !IPV6.matcher(text).matches()) {
      throw invalid(text);
    }
    try {
      return InetAddress.getByName(text);
    } catch (UnknownHostException e) {
      throw new GantryException(Kind.INVALID, "invalid address: " + text, e);
    }
  }

  private static GantryException invalid(String text) {
    return new GantryException(Kind.INVALID, "invalid address: " + text);
  }

  public boolean isIpv6() {
    return address instanceof Inet6Address;
  }

  /** The network it is in: all bits after the prefix are 0. */
  public Cidr network() {
    byte[] bytes = address.getAddress();
    for (int bit = prefix; bit < bytes.length * 8; bit++) {
      bytes[bit / 8] &= (byte) ~(0x80 >> bit % 8);
    }
    return new Cidr(of(bytes), prefix);
  }

  /** Ones for the prefix, zeros for the rest. */
  byte[] mask() {
    byte[] bytes = new byte[address.getAddress().length];
    for (int bit = 0; bit < prefix; bit++) {
      bytes[bit / 8] |= (byte) (0x80 >> bit % 8);
    }
    return bytes;
  }

  /** The last address of its network. */
  public InetAddress last() {
    byte[] bytes = address.getAddress();
    for (int bit = prefix; bit < bytes.length * 8; bit++) {
      bytes[bit / 8] |= (byte) (0x80 >> bit % 8);
    }
    return of(bytes);
  }

  /** Whether an address is in its network. */
  public boolean contains(InetAddress other) {
    byte[] there = other.getAddress();
    return there.length == address.getAddress().length
        && new Cidr(other, prefix).network().equals(network());
  }

  public boolean overlaps(Cidr other) {
    return contains(other.network().address()) || other.contains(network().address());
  }

  /** Whether no address comes after its network. */
  public boolean isLast() {
    return BigInteger.valueOf(-1).equals(new BigInteger(last().getAddress()));
  }

  /** The address after the network's last one, where there is one. */
  byte[] behind() {
    byte[] last = last().getAddress();
    byte[] next = new BigInteger(1, last).add(BigInteger.ONE).toByteArray();
    byte[] bytes = new byte[last.length];
    int copied = Math.min(next.length, bytes.length);
    System.arraycopy(next, next.length - copied, bytes, bytes.length - copied, copied);
    return bytes;
  }

  static InetAddress of(byte[] bytes) {
    try {
      return InetAddress.getByAddress(Arrays.copyOf(bytes, bytes.length));
    } catch (UnknownHostException e) {
      throw new GantryException(Kind.INVALID, "not an address: " + bytes.length + " bytes", e);
    }
  }

  @Override
  public String toString() {
    return address.getHostAddress() + "/" + prefix;
  }
}

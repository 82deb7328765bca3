package io.gantry.registry.client.wire;

import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;

/**
 * A range of IP addresses.
 *
 * @param prefix bits that count
 */
record Network(InetAddress address, int prefix) {

  /**
   * @param text in CIDR notation
   * @return empty for what is none
   */
  static Optional<Network> find(String text) {
    int slash = text.indexOf('/');
    if (slash < 0 || !text.substring(slash + 1).matches("\\d{1,3}")) {
      return Optional.empty();
    }
    int prefix = Integer.parseInt(text.substring(slash + 1));
    return literal(text.substring(0, slash))
        .filter(address -> prefix <= address.getAddress().length * 8)
        .map(address -> new Network(address, prefix));
  }

  /** An address that is written as one; no name is looked up. */
  static Optional<InetAddress> literal(String text) {
    String bare =
        text.startsWith("[") && text.endsWith("]") ? text.substring(1, text.length() - 1) : text;
    if (!bare.matches("\\d{1,3}(\\.\\d{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")) {
      return Optional.empty();
    }
    try {
      return Optional.of(InetAddress.getByName(bare));
    } catch (UnknownHostException e) {
      return Optional.empty();
    }
  }

  boolean holds(InetAddress other) {
    byte[] own = address.getAddress();
    byte[] its = other.getAddress();
    int rest = own.length * 8 - prefix;
    return own.length == its.length
        && new BigInteger(1, own).shiftRight(rest).equals(new BigInteger(1, its).shiftRight(rest));
  }
}

package io.gantry.registry.client.wire;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Locale;

/**
 * A host as a URI names it.
 *
 * @param name or address, in lower case, of IPv6 without brackets
 * @param port 0 when none is named
 */
record Host(String name, int port) {

  /**
   * @param text {@code HOST[:PORT]}
   */
  static Host parse(String text) {
    int colon = text.lastIndexOf(':');
    boolean hasPort = colon > text.lastIndexOf(']') && text.indexOf(':') == colon;
    hasPort |= text.startsWith("[") && colon > text.lastIndexOf(']');
    String digits = hasPort ? text.substring(colon + 1) : "";
    int port = digits.matches("\\d{1,5}") ? Integer.parseInt(digits) : 0;
    return new Host(bare(hasPort ? text.substring(0, colon) : text), port);
  }

  static Host of(URI uri) {
    int standard = "https".equals(uri.getScheme()) ? 443 : 80;
    return new Host(bare(uri.getHost()), uri.getPort() < 0 ? standard : uri.getPort());
  }

  /** In lower case, of IPv6 without brackets. */
  static String bare(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return lower.startsWith("[") && lower.endsWith("]")
        ? lower.substring(1, lower.length() - 1)
        : lower;
  }

  /** Its addresses; none when nobody knows it. */
  List<InetAddress> addresses() {
    try {
      return List.of(InetAddress.getAllByName(name));
    } catch (UnknownHostException e) {
      return List.of();
    }
  }

  boolean isLoopback() {
    List<InetAddress> all = addresses();
    return !all.isEmpty() && all.stream().allMatch(InetAddress::isLoopbackAddress);
  }

  /** Whether one of its addresses is for this host or its surroundings only. */
  boolean isLocal() {
    return addresses().stream().anyMatch(Host::isLocal);
  }

  /** Whether it is for this host or its surroundings only. */
  static boolean isLocal(InetAddress address) {
    byte[] bytes = address.getAddress();
    boolean isUniqueLocal = bytes.length == 16 && (bytes[0] & 0xfe) == 0xfc; // RFC 4193
    boolean isShared = bytes.length == 4 && bytes[0] == 100 && (bytes[1] & 0xc0) == 64; // RFC 6598
    return address.isLoopbackAddress()
        || address.isAnyLocalAddress()
        || address.isLinkLocalAddress()
        || address.isSiteLocalAddress()
        || isUniqueLocal
        || isShared;
  }
}

package io.gantry.engine.network;

import java.math.BigInteger;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** An address of either family; text is parsed here, so that nothing is ever looked up by name. */
record Ip(boolean six, BigInteger value) {
  private static final Pattern V4 =
      Pattern.compile(
          "(0|[1-9]\\d{0,2})\\.(0|[1-9]\\d{0,2})\\.(0|[1-9]\\d{0,2})\\.(0|[1-9]\\d{0,2})");
  private static final Pattern GROUP = Pattern.compile("[0-9a-fA-F]{1,4}");
  private static final int GROUPS = 8;
  private static final BigInteger MAPPED = BigInteger.valueOf(0xffff); // RFC 4291, 2.5.5.2
  private static final BigInteger LOW_32 = BigInteger.valueOf(0xffffffffL);

  /** Null for text that is no address; one with a zone is none. */
  static @Nullable Ip parse(String text) {
    if (text.length() > 45) {
      return null;
    }
    return text.indexOf(':') < 0 ? v4(text) : v6(text);
  }

  private static @Nullable Ip v4(String text) {
    var m = V4.matcher(text);
    if (!m.matches()) {
      return null;
    }
    long value = 0;
    for (int i = 1; i <= 4; i++) {
      int part = Integer.parseInt(m.group(i));
      if (part > 255) {
        return null;
      }
      value = value << 8 | part;
    }
    return new Ip(false, BigInteger.valueOf(value));
  }

  private static @Nullable Ip v6(String text) {
    String plain = text;
    int colon = text.lastIndexOf(':');
    if (text.indexOf('.') > 0) { // the last two groups may be written as IPv4
      Ip tail = v4(text.substring(colon + 1));
      if (tail == null) {
        return null;
      }
      long bits = tail.value.longValue();
      plain =
          text.substring(0, colon + 1)
              + Long.toHexString(bits >> 16)
              + ":"
              + Long.toHexString(bits & 0xffff);
    }
    int gap = plain.indexOf("::");
    if (gap >= 0 && plain.indexOf("::", gap + 1) >= 0) {
      return null;
    }
    if (gap < 0) {
      String[] groups = plain.split(":", -1);
      return groups.length == GROUPS ? of(groups, 0) : null;
    }
    String[] head = groups(plain.substring(0, gap));
    String[] rest = groups(plain.substring(gap + 2));
    int missing = GROUPS - head.length - rest.length;
    if (missing < 1) {
      return null;
    }
    var all = new String[GROUPS];
    java.util.Arrays.fill(all, "0");
    System.arraycopy(head, 0, all, 0, head.length);
    System.arraycopy(rest, 0, all, head.length + missing, rest.length);
    return of(all, 0);
  }

  private static String[] groups(String text) {
    return text.isEmpty() ? new String[0] : text.split(":", -1);
  }

  private static @Nullable Ip of(String[] groups, int from) {
    var value = BigInteger.ZERO;
    for (int i = from; i < groups.length; i++) {
      if (!GROUP.matcher(groups[i]).matches()) {
        return null;
      }
      value = value.shiftLeft(16).or(BigInteger.valueOf(Integer.parseInt(groups[i], 16)));
    }
    return new Ip(true, value);
  }

  /** The IPv4 address that an IPv6 address stands for ({@code ::ffff:192.0.2.1}), else itself. */
  Ip unmapped() {
    boolean mapped = six && value.shiftRight(32).equals(MAPPED);
    return mapped ? new Ip(false, value.and(LOW_32)) : this;
  }

  int width() {
    return six ? 128 : 32;
  }

  Ip plus(long offset) {
    return new Ip(six, value.add(BigInteger.valueOf(offset)));
  }

  /** {@code 02:42:ac:11:00:02} for {@code 172.17.0.2}: who gets the address again has the same. */
  String mac() {
    long bits = value.longValue();
    return String.format(
        "02:42:%02x:%02x:%02x:%02x",
        bits >> 24 & 0xff, bits >> 16 & 0xff, bits >> 8 & 0xff, bits & 0xff);
  }

  @Override
  public String toString() {
    return six ? text6() : text4();
  }

  private String text4() {
    long bits = value.longValue();
    return (bits >> 24 & 0xff)
        + "."
        + (bits >> 16 & 0xff)
        + "."
        + (bits >> 8 & 0xff)
        + "."
        + (bits & 0xff);
  }

  /** RFC 5952: the first of the longest runs of zeros is left out, if it is longer than one. */
  private String text6() {
    var groups = new int[GROUPS];
    for (int i = 0; i < GROUPS; i++) {
      groups[i] = value.shiftRight(16 * (GROUPS - 1 - i)).intValue() & 0xffff;
    }
    int start = -1;
    int longest = 1;
    for (int i = 0; i < GROUPS; i++) {
      int end = i;
      while (end < GROUPS && groups[end] == 0) {
        end++;
      }
      if (end - i > longest) {
        longest = end - i;
        start = i;
      }
      i = Math.max(i, end - 1);
    }
    var text = new StringBuilder();
    for (int i = 0; i < GROUPS; i++) {
      if (i == start) {
        text.append("::");
        i += longest - 1;
        continue;
      }
      if (!text.isEmpty() && text.charAt(text.length() - 1) != ':') {
        text.append(':');
      }
      text.append(Integer.toHexString(groups[i]));
    }
    return text.toString();
  }
}

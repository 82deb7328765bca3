package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.HostSpec;
import io.gantry.spi.GantryException;
import java.util.List;
import java.util.regex.Pattern;

/**
 * {@code --dns}, {@code --dns-search}, {@code --dns-option}: each becomes a word of resolv.conf.
 */
final class Dns {
  private static final int LONGEST_DOMAIN = 253;
  private static final int MOST = 256;
  private static final Pattern IPV4 =
      Pattern.compile(
          "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\\.(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}");

  /** With the interface that a link-local address needs. */
  private static final Pattern IPV6 =
      Pattern.compile("[0-9a-fA-F]{0,4}(:[0-9a-fA-F.]{0,15}){2,8}(%[a-zA-Z0-9_.-]{1,15})?");

  private static final Pattern DOMAIN =
      Pattern.compile(
          "[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?(\\.[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?)*\\.?");
  private static final Pattern OPTION = Pattern.compile("[a-zA-Z0-9_:.-]{1,64}");

  private Dns() {}

  static void check(HostSpec host) {
    for (List<String> list :
        List.of(host.resolver().servers(), host.resolver().search(), host.resolver().options())) {
      if (list.size() > MOST) {
        throw invalid("too many DNS settings: " + list.size());
      }
    }
    for (String address : host.resolver().servers()) {
      if (!IPV4.matcher(address).matches() && !IPV6.matcher(address).matches()) {
        throw invalid("bad format for DNS server: \"" + printable(address) + "\"");
      }
    }
    for (String domain : host.resolver().search()) {
      if (!domain.equals(".")
          && (domain.length() > LONGEST_DOMAIN || !DOMAIN.matcher(domain).matches())) {
        throw invalid("bad format for DNS search domain: \"" + printable(domain) + "\"");
      }
    }
    for (String option : host.resolver().options()) {
      if (!OPTION.matcher(option).matches()) {
        throw invalid("bad format for DNS option: \"" + printable(option) + "\"");
      }
    }
  }

  private static String printable(String text) {
    String shown = text.length() > 64 ? text.substring(0, 64) + "…" : text;
    return shown.replaceAll("\\p{Cntrl}", "?");
  }

  private static GantryException invalid(String sentence) {
    return new GantryException(INVALID, sentence);
  }
}

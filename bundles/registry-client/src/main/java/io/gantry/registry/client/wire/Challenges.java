package io.gantry.registry.client.wire;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Reads {@code WWW-Authenticate} (RFC 9110, 11.6.1): several challenges, quoted parameters. */
final class Challenges {

  /** So many of an answer are looked at. */
  private static final int MOST = 20;

  /**
   * @param scheme lower case
   * @param parameters names in lower case; of two of a name the first one counts
   */
  record Offer(String scheme, Map<String, String> parameters) {}

  private final String text;
  private int at;

  private Challenges(String text) {
    this.text = text;
  }

  /** All that can be read; from the first mistake on a field's value is left out. */
  static List<Offer> parse(List<String> fields) {
    List<Offer> offers = new ArrayList<>();
    for (String field : fields) {
      new Challenges(field).read(offers);
    }
    return offers.size() > MOST ? offers.subList(0, MOST) : offers;
  }

  private void read(List<Offer> offers) {
    while (skipSeparators()) {
      String scheme = token();
      if (scheme.isEmpty()) {
        return;
      }
      Map<String, String> parameters = new LinkedHashMap<>();
      offers.add(new Offer(scheme.toLowerCase(Locale.ROOT), parameters));
      if (!readParameters(parameters)) {
        return;
      }
    }
  }

  /** Until the next challenge begins; false at a mistake. */
  private boolean readParameters(Map<String, String> parameters) {
    while (true) {
      int before = at;
      if (!skipSeparators()) {
        return true;
      }
      String name = token();
      skipSpace();
      if (name.isEmpty()) {
        return false;
      }
      if (at >= text.length() || text.charAt(at) != '=') {
        at = before; // the scheme of the next one
        return true;
      }
      at++;
      skipSpace();
      parameters.putIfAbsent(name.toLowerCase(Locale.ROOT), value());
    }
  }

  private String value() {
    if (at >= text.length() || text.charAt(at) != '"') {
      return token();
    }
    var value = new StringBuilder();
    for (at++; at < text.length() && text.charAt(at) != '"'; at++) {
      if (text.charAt(at) == '\\' && at + 1 < text.length()) {
        at++;
      }
      value.append(text.charAt(at));
    }
    at++;
    return value.toString();
  }

  private String token() {
    int start = at;
    while (at < text.length() && isToken(text.charAt(at))) {
      at++;
    }
    return text.substring(start, at);
  }

  private static boolean isToken(char c) {
    return c > ' ' && c < 0x7f && ",=\"\\".indexOf(c) < 0;
  }

  private void skipSpace() {
    while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
      at++;
    }
  }

  /** Whether something follows. */
  private boolean skipSeparators() {
    while (at < text.length() && " \t,".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    return at < text.length();
  }
}

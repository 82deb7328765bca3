package io.gantry.auth.v1;

import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What one operation has been given: tokens, for whom they are, and the cookies of each host. */
final class Grants {

  private static final int MOST_HOSTS = 50;
  private static final int MOST_TOKENS = 20;
  private static final int MOST_COOKIES = 20;
  private static final int LONGEST = 4096;

  private final String registry;
  private final List<String> tokens = new ArrayList<>();
  private final Set<String> holders = new HashSet<>(); // hosts that the tokens are for

  /** By host and name. */
  private final Map<String, Map<String, String>> cookies = new HashMap<>();

  Grants(String registry) {
    this.registry = registry;
  }

  String registry() {
    return registry;
  }

  /** The tokens as a header has them, for a host that they are for. */
  Optional<String> tokens(URI uri) {
    return tokens.isEmpty() || !holders.contains(host(uri.getScheme(), uri.getRawAuthority()))
        ? Optional.empty()
        : Optional.of("Token " + String.join(",", tokens));
  }

  Optional<String> cookies(URI uri) {
    Map<String, String> own =
        cookies.getOrDefault(host(uri.getScheme(), uri.getRawAuthority()), Map.of());
    return own.isEmpty()
        ? Optional.empty()
        : Optional.of(
            own.entrySet().stream()
                .map(entry -> entry.getKey() + "=" + entry.getValue())
                .collect(Collectors.joining("; ")));
  }

  /**
   * Keeps the tokens of an answer in place of former ones; an answer without any changes nothing.
   *
   * @param uri of the index: the tokens are for it, too
   * @param given each with or without its scheme
   * @param endpoints the registries that the index leads to, comma-separated
   */
  void setTokens(URI uri, List<String> given, List<String> endpoints) {
    List<String> good =
        given.stream()
            .map(String::strip)
            .map(token -> token.startsWith("Token ") ? token.substring(6).strip() : token)
            .filter(token -> !token.isEmpty() && token.length() <= LONGEST)
            .filter(token -> token.chars().allMatch(c -> c >= ' ' && c < 0x7f))
            .limit(MOST_TOKENS)
            .toList();
    if (good.isEmpty()) {
      return;
    }
    tokens.clear();
    tokens.addAll(good);
    holders.clear();
    holders.add(host(uri.getScheme(), uri.getRawAuthority()));
    endpoints.stream()
        .flatMap(field -> List.of(field.split(",")).stream())
        .map(String::strip)
        .filter(name -> !name.isEmpty())
        .limit(MOST_HOSTS)
        .forEach(name -> holders.add(host(uri.getScheme(), name)));
  }

  /**
   * Keeps what a host wants to see again. Whatever domain and path a cookie is for, it goes back to
   * just that host.
   */
  void addCookies(URI uri, List<String> given) {
    if (given.isEmpty()) {
      return;
    }
    String host = host(uri.getScheme(), uri.getRawAuthority());
    if (!cookies.containsKey(host) && cookies.size() >= MOST_HOSTS) {
      return;
    }
    Map<String, String> own = cookies.computeIfAbsent(host, name -> new LinkedHashMap<>());
    for (String field : given) {
      String pair = field.split(";", 2)[0].strip();
      int equals = pair.indexOf('=');
      boolean isGood =
          equals > 0
              && pair.length() <= LONGEST
              && pair.chars().allMatch(c -> c >= ' ' && c < 0x7f);
      if (isGood && own.size() < MOST_COOKIES) {
        own.put(pair.substring(0, equals), pair.substring(equals + 1));
      }
    }
  }

  /** With its port, whether that is named or not. */
  private static String host(String scheme, String authority) {
    String lower = authority.toLowerCase(Locale.ROOT);
    boolean hasPort = lower.lastIndexOf(':') > lower.lastIndexOf(']');
    return scheme + "://" + lower + (hasPort ? "" : scheme.equals("https") ? ":443" : ":80");
  }
}

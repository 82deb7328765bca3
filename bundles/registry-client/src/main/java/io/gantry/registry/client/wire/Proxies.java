package io.gantry.registry.client.wire;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.net.InetAddress;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which hosts are reached by way of a proxy.
 *
 * @param without {@code HOST[:PORT]}, {@code .DOMAIN}, networks, or {@code *} for all; loopback is
 *     always reached without
 */
public record Proxies(@Nullable URI http, @Nullable URI https, List<String> without) {

  public static final Proxies NONE = new Proxies(null, null, List.of());

  public Proxies {
    without = List.copyOf(without);
  }

  /**
   * @param environment asked for what is empty, by the usual names
   * @throws GantryException INVALID for what is no address of a proxy
   */
  public static Proxies of(
      String http, String https, String without, Map<String, String> environment) {
    String excluded = or(without, environment, "NO_PROXY");
    return new Proxies(
        uri(or(http, environment, "HTTP_PROXY")),
        uri(or(https, environment, "HTTPS_PROXY")),
        Arrays.stream(excluded.split("[,\\s]+"))
            .map(entry -> entry.toLowerCase(Locale.ROOT))
            .filter(entry -> !entry.isEmpty())
            .toList());
  }

  private static String or(String configured, Map<String, String> environment, String name) {
    if (!configured.isEmpty()) {
      return configured;
    }
    String lower = environment.getOrDefault(name.toLowerCase(Locale.ROOT), "");
    return environment.getOrDefault(name, lower);
  }

  private static @Nullable URI uri(String text) {
    if (text.isEmpty()) {
      return null;
    }
    URI uri;
    try {
      uri = URI.create(text.contains("://") ? text : "http://" + text);
    } catch (IllegalArgumentException e) {
      throw new GantryException(Kind.INVALID, "invalid proxy: it is no URI", e);
    }
    boolean isWeb = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
    if (!isWeb || uri.getHost() == null) {
      throw new GantryException(
          Kind.INVALID, "invalid proxy: use http://[USER:PASSWORD@]HOST:PORT");
    }
    return uri;
  }

  /** The proxy on the way to a host. */
  Optional<URI> of(String scheme, Host host) {
    URI proxy = scheme.equals("https") ? https : http;
    return proxy == null || isDirect(host) ? Optional.empty() : Optional.of(proxy);
  }

  private boolean isDirect(Host host) {
    Optional<InetAddress> literal = Network.literal(host.name());
    if (host.name().equals("localhost")
        || literal.filter(InetAddress::isLoopbackAddress).isPresent()) {
      return true;
    }
    return without.stream().anyMatch(entry -> matches(entry, host, literal));
  }

  private static boolean matches(String entry, Host host, Optional<InetAddress> literal) {
    if (entry.equals("*")) {
      return true;
    }
    Optional<Network> network = Network.find(entry);
    if (network.isPresent()) {
      return literal.filter(network.get()::holds).isPresent();
    }
    Host named = Host.parse(entry);
    if (named.port() != 0 && named.port() != host.port()) {
      return false;
    }
    String name = named.name().replaceFirst("^\\*?\\.", "");
    boolean isDomainOnly = !name.equals(named.name());
    return (!isDomainOnly && host.name().equals(name)) || host.name().endsWith("." + name);
  }
}

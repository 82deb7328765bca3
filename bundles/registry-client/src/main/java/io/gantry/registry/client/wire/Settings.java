package io.gantry.registry.client.wire;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.net.InetAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * How registries are reached.
 *
 * @param mirrors of docker.io, first to ask first
 * @param insecure hosts ({@code HOST[:PORT]}) and networks (CIDR) beside loopback
 * @param authOrder auth providers to ask before the others
 * @param v1 registries of version 1
 * @param index where names without a host are searched for
 */
public record Settings(
    List<URI> mirrors,
    List<String> insecure,
    List<String> authOrder,
    Proxies proxies,
    Patience patience,
    List<V1Registry> v1,
    URI index) {

  public static final URI USUAL_INDEX = URI.create("https://index.docker.io");

  private static final int LAST_PORT = 65_535;
  private static final String HUB = "docker.io";
  private static final URI HUB_ADDRESS = URI.create("https://registry-1.docker.io");

  public Settings {
    mirrors = List.copyOf(mirrors);
    insecure = List.copyOf(insecure);
    authOrder = List.copyOf(authOrder);
    v1 = List.copyOf(v1);
  }

  /** With no registries of version 1. */
  public Settings(
      List<URI> mirrors,
      List<String> insecure,
      List<String> authOrder,
      Proxies proxies,
      Patience patience) {
    this(mirrors, insecure, authOrder, proxies, patience, List.of(), USUAL_INDEX);
  }

  /** The registry, when it is known as one of version 1. */
  public Optional<V1Registry> v1(String registry) {
    return v1.stream().filter(one -> one.name().equals(registry)).findFirst();
  }

  /**
   * Where a mirror is.
   *
   * @throws GantryException INVALID with dockerd's sentences
   */
  public static URI mirror(String text) {
    URI uri;
    try {
      uri = URI.create(text);
    } catch (IllegalArgumentException e) {
      throw new GantryException(
          Kind.INVALID, "invalid mirror: \"" + text + "\" is not a valid URI", e);
    }
    boolean isWeb = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
    if (!isWeb || uri.getHost() == null) {
      throw invalidMirror(text, "no valid scheme: use https://HOST[:PORT]");
    }
    if (uri.getUserInfo() != null || uri.getQuery() != null || uri.getFragment() != null) {
      throw invalidMirror(text, "user info, query or fragment in it");
    }
    return URI.create(text.replaceFirst("/+$", ""));
  }

  private static GantryException invalidMirror(String text, String reason) {
    String shown = text.replaceFirst("//.*@", "//"); // a password may be there
    return new GantryException(Kind.INVALID, "invalid mirror: " + reason + ": " + shown);
  }

  /** Where a registry may be, in the order to try. */
  public List<Address> addresses(String registry) {
    List<Address> all = new ArrayList<>();
    Optional<URI> own = v1(registry).flatMap(one -> Optional.ofNullable(one.base()));
    if (own.isPresent()) {
      if (!v1(registry).orElseThrow().isWeb()) {
        throw new GantryException(
            Kind.UNSUPPORTED, registry + " is files alone: it can be pulled from and pushed to");
      }
      boolean insecure = isInsecure(Host.of(own.get()));
      return List.of(new Address(registry, own.get(), false, insecure));
    }
    if (registry.equals(HUB)) {
      mirrors.forEach(uri -> all.add(new Address(registry, uri, true, isInsecure(Host.of(uri)))));
      all.add(new Address(registry, HUB_ADDRESS, false, false));
      return all;
    }
    boolean insecure = isInsecure(Host.parse(registry));
    all.add(new Address(registry, base("https", registry), false, insecure));
    if (insecure) {
      all.add(new Address(registry, base("http", registry), false, true));
    }
    return all;
  }

  /** Images may have names that are no address: {@code host.1/image}. */
  private static URI base(String scheme, String registry) {
    try {
      URI uri = URI.create(scheme + "://" + registry);
      if (uri.getHost() != null && uri.getPort() <= LAST_PORT) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      // as below
    }
    throw new GantryException(
        Kind.INVALID, "invalid registry address: " + Failures.shown(registry));
  }

  /** Where the index of docker.io is. */
  public Address indexAddress() {
    URI uri = v1(HUB).flatMap(one -> Optional.ofNullable(one.base())).orElse(index);
    return new Address(HUB, uri, false, isInsecure(Host.of(uri)));
  }

  /** Whether it may speak plain HTTP, and show any certificate. */
  boolean isInsecure(Host host) {
    return isListed(host) || host.addresses().stream().anyMatch(InetAddress::isLoopbackAddress);
  }

  /** Whether an operator has named it as an insecure one. */
  boolean isListed(Host host) {
    List<Network> networks = new ArrayList<>();
    for (String entry : insecure) {
      Network.find(entry).ifPresent(networks::add);
      Host named = Host.parse(entry.toLowerCase(Locale.ROOT));
      if (named.name().equals(host.name()) && (named.port() == 0 || named.port() == host.port())) {
        return true;
      }
    }
    List<InetAddress> addresses = host.addresses();
    return addresses.stream()
        .anyMatch(address -> networks.stream().anyMatch(network -> network.holds(address)));
  }
}

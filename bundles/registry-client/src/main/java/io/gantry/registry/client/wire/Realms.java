package io.gantry.registry.client.wire;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.net.URI;

/** Where a registry may send whoever has to prove who it is: credentials go there. */
final class Realms {

  /** Characters: with its headers a request is to be no larger than servers take. */
  private static final int LONGEST = 4000;

  private Realms() {}

  /**
   * The place of a call that an auth provider asks for.
   *
   * @param registry whose challenge it answers
   * @throws GantryException FORBIDDEN for a place that it may not name
   */
  static URI check(Settings settings, URI registry, String text) {
    if (text.length() > LONGEST) {
      throw refused(registry, text, "it is too long");
    }
    URI realm;
    try {
      realm = URI.create(text);
    } catch (IllegalArgumentException e) {
      throw refused(registry, text, "it is no URI");
    }
    boolean isTls = "https".equals(realm.getScheme());
    if ((!isTls && !"http".equals(realm.getScheme())) || realm.getHost() == null) {
      throw refused(registry, text, "it is no address of http or https");
    }
    if (realm.getRawUserInfo() != null) {
      throw refused(registry, text, "it names a user");
    }
    if ("https".equals(registry.getScheme()) && !isTls) {
      throw refused(registry, text, "it has no TLS and the registry has");
    }
    Host from = Host.of(registry);
    Host to = Host.of(realm);
    if (from.equals(to)) {
      return realm;
    }
    if (!from.isLocal() && to.isLocal()) {
      throw refused(registry, text, "it is in a private network and the registry is not");
    }
    boolean bothOwn = isOwn(settings, from) && isOwn(settings, to);
    if (!isTls && !from.name().equals(to.name()) && !bothOwn) {
      throw refused(registry, text, "it is another host and has no TLS");
    }
    return realm;
  }

  private static boolean isOwn(Settings settings, Host host) {
    return host.isLoopback() || settings.isInsecure(host);
  }

  private static GantryException refused(URI registry, String realm, String reason) {
    return new GantryException(
        Kind.FORBIDDEN,
        "registry %s wants credentials sent to %s: refused, since %s"
            .formatted(registry.getRawAuthority(), Failures.shown(realm), reason));
  }
}

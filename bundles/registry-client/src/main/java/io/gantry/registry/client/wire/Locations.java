package io.gantry.registry.client.wire;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.net.URI;

/** Where an answer may send whoever asked: by a redirect, or for the next step of an upload. */
final class Locations {

  private Locations() {}

  /**
   * @param sent what was asked
   * @param location as the answer has it, absolute or relative
   * @throws GantryException FORBIDDEN for a place that it may not name
   */
  static URI check(Sent sent, String location) {
    URI next;
    try {
      next = sent.uri().resolve(location);
    } catch (IllegalArgumentException e) {
      throw refused(sent, location, "it is no URI");
    }
    boolean isTls = "https".equals(next.getScheme());
    if ((!isTls && !"http".equals(next.getScheme())) || next.getHost() == null) {
      throw refused(sent, location, "it is no address of http or https");
    }
    if (next.getRawUserInfo() != null) {
      throw refused(sent, location, "it names a user");
    }
    if (!isTls && "https".equals(sent.uri().getScheme())) {
      throw refused(sent, location, "it leads from https to http");
    }
    Host from = Host.of(sent.uri());
    Host to = Host.of(next);
    if (!sent.reads() && !from.equals(to) && !from.isLocal() && to.isLocal()) {
      throw refused(sent, location, "it is in a private network and the registry is not");
    }
    return next;
  }

  private static GantryException refused(Sent sent, String location, String reason) {
    return new GantryException(
        Kind.FORBIDDEN,
        "%s: redirect to %s refused: %s"
            .formatted(sent.shown(), Failures.shown(location.replaceFirst("\\?.*", "")), reason));
  }
}

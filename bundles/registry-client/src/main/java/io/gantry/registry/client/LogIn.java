package io.gantry.registry.client;

import io.gantry.registry.client.wire.Reply;
import io.gantry.registry.client.wire.Session;
import io.gantry.registry.client.wire.Session.Ask;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Finds out whether a registry takes credentials, as {@code docker login} wants to know. */
final class LogIn {

  private static final Ask PING = new Ask("GET", "/v2/", Map.of(), List.of(), true);
  private static final Pattern SCHEME = Pattern.compile("^https?://");
  private static final Pattern HOST =
      Pattern.compile("([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\\[[0-9a-fA-F:.]+])(:\\d{1,5})?");
  static final String HUB = "docker.io";

  private LogIn() {}

  /**
   * The registry that a client means.
   *
   * @param address host, maybe with a scheme and a path; empty for Docker's
   */
  static String registry(String address) {
    String host = SCHEME.matcher(address).replaceFirst("").replaceFirst("/.*", "");
    if (host.isEmpty() || host.equals("index.docker.io") || host.equals("registry-1.docker.io")) {
      return HUB;
    }
    if (!HOST.matcher(host).matches()) {
      throw new GantryException(
          Kind.INVALID, "invalid registry address: " + address.replaceAll("\\p{Cntrl}", " "));
    }
    return host;
  }

  /**
   * Asks as whoever the session is for.
   *
   * @return what to log in with from now on, or empty
   */
  static String at(Session session) {
    try (Reply reply = session.send(PING)) {
      if (reply.isSuccess()) {
        return session.identityToken();
      }
      String sentence =
          "login attempt to %s/v2/ failed with status: %d %s"
              .formatted(session.address().base(), reply.status(), reply.reason());
      boolean isRefused = reply.status() == 401 || reply.status() == 403;
      throw new GantryException(isRefused ? Kind.UNAUTHORIZED : Kind.UNAVAILABLE, sentence);
    }
  }
}

package io.gantry.rest.docker;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.api.Transfers.Login;
import io.gantry.rest.json.JsonObject;
import io.gantry.spi.GantryException;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/** Who a client says it is: the header {@code X-Registry-Auth}, and what it is made of. */
public final class Logins {

  private static final int LONGEST = 1 << 20;

  private Logins() {}

  /**
   * @param header base64 of JSON, or null
   * @return null for nobody; also, as dockerd has it, for what cannot be read
   */
  public static @Nullable Login of(@Nullable String header) {
    if (header == null || header.isEmpty() || header.length() > LONGEST) {
      return null;
    }
    try {
      String plain = header.replace('+', '-').replace('/', '_').replaceFirst("=+$", "");
      String json = new String(Base64.getUrlDecoder().decode(plain), UTF_8);
      Login login = parse(JsonObject.parse(json, "AuthConfig"));
      boolean isNobody =
          login.username().isEmpty()
              && login.identityToken().isEmpty()
              && login.registryToken().isEmpty();
      return isNobody ? null : login;
    } catch (GantryException | IllegalArgumentException e) {
      return null;
    }
  }

  /**
   * Who a client says it is.
   *
   * @param auth Docker's {@code AuthConfig}
   */
  public static Login parse(JsonObject auth) {
    String username = auth.text("username");
    String password = auth.text("password");
    if (username.isEmpty() && !auth.text("auth").isEmpty()) {
      String pair = decoded(auth.text("auth"));
      int colon = pair.indexOf(':');
      username = colon < 0 ? pair : pair.substring(0, colon);
      password = colon < 0 ? "" : pair.substring(colon + 1).replaceFirst("\\x00+$", "");
    }
    return new Login(
        auth.text("serveraddress"),
        username,
        password,
        auth.text("identitytoken"),
        auth.text("registrytoken"));
  }

  private static String decoded(String auth) {
    try {
      return new String(Base64.getDecoder().decode(auth), UTF_8);
    } catch (IllegalArgumentException e) {
      throw new GantryException(INVALID, "invalid auth configuration: auth is not in base64", e);
    }
  }
}

package io.gantry.rest.docker;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.api.Transfers.Login;
import io.gantry.rest.json.JsonObject;
import io.gantry.spi.GantryException;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/** Who a client says it is, in the header {@code X-Registry-Auth}. */
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
      JsonObject auth = JsonObject.parse(json, "AuthConfig");
      String username = auth.text("username");
      String password = auth.text("password");
      if (username.isEmpty() && !auth.text("auth").isEmpty()) {
        String pair = new String(Base64.getDecoder().decode(auth.text("auth")), UTF_8);
        int colon = pair.indexOf(':');
        username = colon < 0 ? pair : pair.substring(0, colon);
        password = colon < 0 ? "" : pair.substring(colon + 1).replaceFirst("\\x00+$", "");
      }
      String identityToken = auth.text("identitytoken");
      String registryToken = auth.text("registrytoken");
      return username.isEmpty() && identityToken.isEmpty() && registryToken.isEmpty()
          ? null
          : new Login(auth.text("serveraddress"), username, password, identityToken, registryToken);
    } catch (GantryException | IllegalArgumentException e) {
      return null;
    }
  }
}

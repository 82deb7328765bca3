package io.gantry.auth.basic;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.Support;
import io.gantry.spi.registry.AuthAnswer;
import io.gantry.spi.registry.AuthResult;
import io.gantry.spi.registry.Challenge;
import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.RegistryAuthProvider;
import java.util.Base64;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Sends user name and password (RFC 7617) to a registry that asks for them. Keeps nothing: the
 * client of the registry knows for how long an answer is good.
 */
@Component(name = "io.gantry.auth.basic", property = Driver.NAME + "=basic")
public final class BasicAuth implements RegistryAuthProvider {

  private static final String HEADER = "Authorization";

  @Activate
  public BasicAuth() {}

  @Override
  public Support probe() {
    return Support.yes();
  }

  @Override
  public AuthAnswer answer(Challenge challenge, @Nullable AuthResult result) {
    Credentials credentials = challenge.request().credentials();
    if (!challenge.scheme().equals("basic")
        || credentials == null
        || credentials.username().isEmpty()
        || credentials.password().isEmpty()) {
      return AuthAnswer.NONE;
    }
    if (credentials.username().indexOf(':') >= 0) {
      throw new GantryException(
          INVALID, "a user name with a colon cannot log in by the scheme Basic");
    }
    String pair = credentials.username() + ":" + credentials.password();
    String proof = "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(UTF_8));
    return proof.equals(challenge.refused().get(HEADER))
        ? AuthAnswer.NONE
        : AuthAnswer.headers(Map.of(HEADER, proof));
  }
}

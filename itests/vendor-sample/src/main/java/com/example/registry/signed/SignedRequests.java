package com.example.registry.signed;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Support;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.registry.RegistryRequest;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.metatype.annotations.Designate;

/** Signs method, address and date of each request to one registry with a key that it shares. */
@Component(
    name = SignedConfig.PID,
    configurationPid = SignedConfig.PID,
    property = Driver.NAME + "=signed")
@Designate(ocd = SignedConfig.class)
public final class SignedRequests implements RegistryAuthProvider {

  private static final String ALGORITHM = "HmacSHA256";

  private final String registry;
  private final String key;
  private final String secret;
  private final InstantSource clock;

  @Activate
  public SignedRequests(SignedConfig config) {
    this(config.registry(), config.key(), config.secret(), InstantSource.system());
  }

  SignedRequests(String registry, String key, String secret, InstantSource clock) {
    this.registry = registry;
    this.key = key;
    this.secret = secret;
    this.clock = clock;
  }

  @Override
  public Support probe() {
    return Support.yes();
  }

  @Override
  public Map<String, String> prepare(RegistryRequest request) {
    if (registry.isEmpty() || secret.isEmpty() || !request.registry().equals(registry)) {
      return Map.of();
    }
    Instant now = clock.instant().truncatedTo(ChronoUnit.SECONDS);
    String signed = request.method() + "\n" + request.uri() + "\n" + now;
    return Map.of(
        "X-Example-Date",
        now.toString(),
        "Authorization",
        "Example-HMAC " + key + ":" + signature(secret, signed));
  }

  static String signature(String secret, String text) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(new SecretKeySpec(secret.getBytes(UTF_8), ALGORITHM));
      return Base64.getEncoder().encodeToString(mac.doFinal(text.getBytes(UTF_8)));
    } catch (GeneralSecurityException e) {
      throw new GantryException(Kind.INTERNAL, "sign a request: " + e.getMessage(), e);
    }
  }
}

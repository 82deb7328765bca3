package io.gantry.auth.v1;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.Support;
import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.registry.RegistryRequest;
import java.net.URI;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Proves who asks to an index and to registries of version 1: user name and password to the index,
 * and to the registries that it leads to the tokens that it gives. What an operation has been given
 * lives as long as the operation, and goes to those it is for.
 */
@Component(name = "io.gantry.auth.v1", property = Driver.NAME + "=v1")
public final class V1Auth implements RegistryAuthProvider {

  private static final String VERSION = "/v1/";
  private static final String OTHER_VERSION = "/v2/"; // a repository there may be called v1

  /** What an index is asked for; all else is for registries. */
  private static final Pattern OF_INDEX =
      Pattern.compile("users(/.*)?|search|repositories/.+/((images|auth)/?)?");

  /** Operations whose end is not told of are forgotten then. */
  private static final int MOST_OPERATIONS = 1000;

  private final ReentrantLock lock = new ReentrantLock();

  /** Guarded by lock; the one used longest ago comes first. */
  private final Map<String, Grants> grants = new LinkedHashMap<>(16, 0.75f, true);

  @Activate
  public V1Auth() {}

  @Override
  public Support probe() {
    return Support.yes();
  }

  @Override
  public Map<String, String> prepare(RegistryRequest request) {
    URI uri = URI.create(request.uri());
    String path = path(uri);
    if (path.isEmpty()) {
      return Map.of();
    }
    Map<String, String> headers = new LinkedHashMap<>();
    boolean isOfIndex = OF_INDEX.matcher(path).matches();
    if (isOfIndex) {
      headers.put("X-Docker-Token", "true");
    }
    Optional<String> token =
        isOfIndex ? Optional.empty() : granted(request, own -> own.tokens(uri));
    token
        .or(() -> basic(request.credentials()))
        .ifPresent(proof -> headers.put("Authorization", proof));
    granted(request, own -> own.cookies(uri)).ifPresent(cookies -> headers.put("Cookie", cookies));
    return headers;
  }

  /** What follows the version; empty for a request of another one. */
  private static String path(URI uri) {
    String path = uri.getPath() == null ? "" : uri.getPath();
    int version = path.indexOf(VERSION);
    boolean isOther = version < 0 || path.lastIndexOf(OTHER_VERSION, version) >= 0;
    return isOther ? "" : path.substring(version + VERSION.length());
  }

  private Optional<String> granted(
      RegistryRequest request, Function<Grants, Optional<String>> question) {
    lock.lock();
    try {
      return Optional.ofNullable(grants.get(request.operation())).flatMap(question);
    } finally {
      lock.unlock();
    }
  }

  private static Optional<String> basic(@Nullable Credentials credentials) {
    if (credentials == null
        || credentials.username().isEmpty()
        || credentials.password().isEmpty()) {
      return Optional.empty();
    }
    if (credentials.username().indexOf(':') >= 0) {
      throw new GantryException(
          INVALID, "a user name with a colon cannot log in by the scheme Basic");
    }
    String pair = credentials.username() + ":" + credentials.password();
    return Optional.of("Basic " + Base64.getEncoder().encodeToString(pair.getBytes(UTF_8)));
  }

  @Override
  public void learn(RegistryRequest request, Map<String, List<String>> responseHeaders) {
    URI uri = URI.create(request.uri());
    String path = path(uri);
    if (path.isEmpty()) {
      return;
    }
    lock.lock();
    try {
      Grants own =
          grants.computeIfAbsent(request.operation(), name -> new Grants(request.registry()));
      own.addCookies(uri, responseHeaders.getOrDefault("set-cookie", List.of()));
      if (OF_INDEX.matcher(path).matches()) {
        own.setTokens(
            uri,
            responseHeaders.getOrDefault("x-docker-token", List.of()),
            responseHeaders.getOrDefault("x-docker-endpoints", List.of()));
      }
      if (grants.size() > MOST_OPERATIONS) {
        grants.remove(grants.keySet().iterator().next());
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void end(String operation) {
    lock.lock();
    try {
      grants.remove(operation);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void forget(String registry) {
    lock.lock();
    try {
      grants.values().removeIf(own -> registry.isEmpty() || own.registry().equals(registry));
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Map<String, String> status() {
    lock.lock();
    try {
      return Map.of("Operations", Integer.toString(grants.size()));
    } finally {
      lock.unlock();
    }
  }
}

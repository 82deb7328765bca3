package io.gantry.itests.harness;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A token service on loopback: GET with Basic, and OAuth2's POST with refresh tokens and passwords.
 * Signs as docker-registry's {@code auth: token} wants it (RS256, certificate in the header). Users
 * may do what they ask for; nobody gets a token for nothing.
 */
public final class TokenIssuer implements AutoCloseable {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final Base64.Encoder TEXT = Base64.getUrlEncoder().withoutPadding();
  private static final String ISSUER = "issuer of a test";

  /**
   * Who asked, and for what.
   *
   * @param user empty for nobody
   * @param parameters of the query or of the form
   */
  public record Asked(String method, String user, Map<String, List<String>> parameters) {

    public List<String> all(String name) {
      return parameters.getOrDefault(name, List.of());
    }
  }

  private final Map<String, String> users;
  private final Path certificate;
  private final PrivateKey key;
  private final String chain;
  private final HttpServer server;
  private final List<Asked> asked = new CopyOnWriteArrayList<>();

  /**
   * @param scratch for its key and certificate
   * @param users passwords by name
   */
  public TokenIssuer(Path scratch, Map<String, String> users)
      throws IOException, GeneralSecurityException {
    this.users = Map.copyOf(users);
    certificate = scratch.resolve("issuer.crt");
    Path keyFile = scratch.resolve("issuer.key");
    Command.run(
            Map.of(),
            LIMIT,
            List.of(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "1",
                "-subj",
                "/CN=issuer",
                "-keyout",
                keyFile.toString(),
                "-out",
                certificate.toString()))
        .ok();
    key = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(decoded(keyFile)));
    chain = Base64.getEncoder().encodeToString(decoded(certificate));
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 100);
    server.createContext("/token", this::answer);
    server.start();
  }

  private static byte[] decoded(Path pem) throws IOException {
    String text = Files.readString(pem).replaceAll("-----[A-Z ]+-----", "");
    return Base64.getMimeDecoder().decode(text);
  }

  public String realm() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/token";
  }

  /** The {@code auth} of a registry that believes it. */
  public String auth(String service) {
    return "auth: {token: {realm: '%s', service: '%s', issuer: '%s', rootcertbundle: '%s'}}"
        .formatted(realm(), service, ISSUER, certificate);
  }

  public List<Asked> asked() {
    return List.copyOf(asked);
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      boolean isPost = exchange.getRequestMethod().equals("POST");
      String query = exchange.getRequestURI().getRawQuery();
      String form = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
      Map<String, List<String>> parameters = parse(isPost ? form : query == null ? "" : query);
      String header = exchange.getRequestHeaders().getFirst("Authorization");
      String user = isPost ? ofForm(parameters) : ofHeader(header);
      asked.add(new Asked(exchange.getRequestMethod(), user, parameters));
      if (user.equals("?")) {
        send(exchange, 401, "{\"details\":\"incorrect username or password\"}");
        return;
      }
      String wish = first(parameters, isPost ? "access_type" : "offline_token");
      boolean isOffline = wish.equals("offline") || wish.equals("true");
      String token = token(user, parameters);
      send(
          exchange,
          200,
          "{\"token\":\"%s\",\"access_token\":\"%s\",\"expires_in\":60%s}"
              .formatted(
                  token,
                  token,
                  isOffline && !user.isEmpty()
                      ? ",\"refresh_token\":\"" + refresh(user) + "\""
                      : ""));
    } catch (GeneralSecurityException e) {
      throw new IOException(e);
    }
  }

  private static String refresh(String user) {
    return "refresh-of-" + user;
  }

  /** A question mark for one that it does not know. */
  private String ofHeader(@Nullable String header) {
    if (header == null) {
      return "";
    }
    String pair = new String(Base64.getDecoder().decode(header.replaceFirst("Basic ", "")), UTF_8);
    return known(pair.replaceFirst(":.*", ""), pair.replaceFirst("[^:]*:", ""));
  }

  private String ofForm(Map<String, List<String>> form) {
    if (first(form, "grant_type").equals("password")) {
      return known(first(form, "username"), first(form, "password"));
    }
    String given = first(form, "refresh_token");
    return users.keySet().stream()
        .filter(user -> refresh(user).equals(given))
        .findFirst()
        .orElse("?");
  }

  private String known(String user, String password) {
    return password.equals(users.get(user)) ? user : "?";
  }

  private static String first(Map<String, List<String>> parameters, String name) {
    return parameters.getOrDefault(name, List.of("")).get(0);
  }

  private static Map<String, List<String>> parse(String query) {
    Map<String, List<String>> parameters = new HashMap<>();
    for (String pair : query.split("&")) {
      String[] parts = pair.split("=", 2);
      parameters
          .computeIfAbsent(parts[0], name -> new ArrayList<>())
          .add(parts.length > 1 ? URLDecoder.decode(parts[1], UTF_8) : "");
    }
    return parameters;
  }

  private String token(String user, Map<String, List<String>> parameters)
      throws GeneralSecurityException {
    String access =
        user.isEmpty()
            ? ""
            : parameters.getOrDefault("scope", List.of()).stream()
                .flatMap(scopes -> List.of(scopes.split(" ")).stream())
                .map(TokenIssuer::access)
                .collect(Collectors.joining(","));
    long now = Instant.now().getEpochSecond();
    String header = "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"x5c\":[\"%s\"]}".formatted(chain);
    String claims =
        ("{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"exp\":%d,\"nbf\":%d,\"iat\":%d,"
                + "\"jti\":\"%s\",\"access\":[%s]}")
            .formatted(
                ISSUER,
                user,
                first(parameters, "service"),
                now + 60,
                now - 10,
                now,
                UUID.randomUUID(),
                access);
    String signed = text(header.getBytes(UTF_8)) + "." + text(claims.getBytes(UTF_8));
    Signature signature = Signature.getInstance("SHA256withRSA");
    signature.initSign(key);
    signature.update(signed.getBytes(UTF_8));
    return signed + "." + text(signature.sign());
  }

  /** Of {@code repository:NAME:pull,push}; the name may hold colons. */
  private static String access(String scope) {
    String type = scope.substring(0, scope.indexOf(':'));
    String name = scope.substring(scope.indexOf(':') + 1, scope.lastIndexOf(':'));
    String actions = scope.substring(scope.lastIndexOf(':') + 1).replace(",", "\",\"");
    return "{\"type\":\"%s\",\"name\":\"%s\",\"actions\":[\"%s\"]}".formatted(type, name, actions);
  }

  private static String text(byte[] bytes) {
    return TEXT.encodeToString(bytes);
  }

  private static void send(HttpExchange exchange, int status, String json) throws IOException {
    byte[] body = json.getBytes(UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  @Override
  public void close() {
    server.stop(0);
  }
}

package io.gantry.rest.docker;

import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.INTERNAL;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNAUTHORIZED;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Base64;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;

/** The archive that {@code docker import} names by its address; refusals in dockerd's words. */
public final class ImportSource implements AutoCloseable {

  private static final Set<String> SCHEMES = Set.of("http", "https");
  private static final Set<Integer> REDIRECTIONS = Set.of(301, 302, 303, 307, 308);
  private static final int MOST_REDIRECTIONS = 10;
  private static final int FIRST_ERROR = 400;
  private static final int LONGEST_REASON = 4096;
  private static final int PATIENCE_MS = (int) Duration.ofSeconds(60).toMillis();

  private final String address;
  private final HttpURLConnection connection;
  private final InputStream content;

  private ImportSource(String address, HttpURLConnection connection) throws IOException {
    this.address = address;
    this.connection = connection;
    this.content = connection.getInputStream();
  }

  /**
   * Asks the server, and follows where it points to.
   *
   * @param source without a scheme: of http
   * @throws GantryException NOT_FOUND, UNAUTHORIZED and the like as the server says; UNAVAILABLE
   *     when it does not answer
   */
  public static ImportSource open(String source) {
    URI uri = uri(source.contains("://") ? source : "http://" + source);
    String address = uri.toString();
    try {
      for (int hop = 0; hop <= MOST_REDIRECTIONS; hop++) {
        HttpURLConnection connection = connect(uri);
        String next = connection.getHeaderField("Location");
        if (next == null || !REDIRECTIONS.contains(connection.getResponseCode())) {
          check(address, connection);
          return new ImportSource(address, connection);
        }
        connection.disconnect();
        uri = uri(uri.resolve(next).toString());
      }
    } catch (UnknownHostException e) {
      throw new GantryException(
          NOT_FOUND, "Get \"%s\": no such host: %s".formatted(address, e.getMessage()), e);
    } catch (IOException | IllegalArgumentException e) {
      throw new GantryException(
          UNAVAILABLE,
          "Get \"%s\": %s".formatted(address, Objects.toString(e.getMessage(), "")),
          e);
    }
    throw new GantryException(
        UNAVAILABLE, "Get \"%s\": stopped after 10 redirects".formatted(address));
  }

  private static URI uri(String text) {
    try {
      URI uri = new URI(text);
      if (uri.getScheme() == null || !SCHEMES.contains(uri.getScheme().toLowerCase(Locale.ROOT))) {
        throw new GantryException(
            INVALID,
            "Get \"%s\": unsupported protocol scheme \"%s\"".formatted(text, uri.getScheme()));
      }
      if (uri.getHost() == null) {
        throw new GantryException(INVALID, "Get \"%s\": no Host in request URL".formatted(text));
      }
      return uri;
    } catch (URISyntaxException e) {
      throw new GantryException(INVALID, "parse \"%s\": %s".formatted(text, e.getReason()), e);
    }
  }

  private static HttpURLConnection connect(URI uri) throws IOException {
    HttpURLConnection connection;
    try {
      connection = (HttpURLConnection) uri.toURL().openConnection();
    } catch (MalformedURLException e) {
      throw new GantryException(INVALID, "parse \"%s\": %s".formatted(uri, e.getMessage()), e);
    }
    connection.setConnectTimeout(PATIENCE_MS);
    connection.setReadTimeout(PATIENCE_MS);
    connection.setInstanceFollowRedirects(false);
    connection.setRequestProperty("Accept-Encoding", "identity");
    if (uri.getUserInfo() != null) {
      byte[] user = uri.getUserInfo().getBytes(UTF_8);
      connection.setRequestProperty(
          "Authorization", "Basic " + Base64.getEncoder().encodeToString(user));
    }
    connection.getResponseCode();
    return connection;
  }

  private static void check(String address, HttpURLConnection connection) throws IOException {
    int code = connection.getResponseCode();
    if (code < FIRST_ERROR) {
      return;
    }
    String reason = "";
    try (InputStream error = connection.getErrorStream()) {
      if (error != null) {
        reason = new String(error.readNBytes(LONGEST_REASON), UTF_8).strip();
      }
    }
    connection.disconnect();
    var kind =
        switch (code) {
          case 400 -> INVALID;
          case 401 -> UNAUTHORIZED;
          case 403 -> FORBIDDEN;
          case 404 -> NOT_FOUND;
          default -> INTERNAL;
        };
    throw new GantryException(
        kind,
        "failed to GET %s with status %d %s: %s"
            .formatted(
                address, code, Objects.toString(connection.getResponseMessage(), ""), reason));
  }

  String address() {
    return address;
  }

  /** -1 when the server does not say. */
  long length() {
    return connection.getContentLengthLong();
  }

  InputStream content() {
    return content;
  }

  @Override
  public void close() {
    connection.disconnect();
  }
}

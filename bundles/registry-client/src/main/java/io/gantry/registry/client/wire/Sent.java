package io.gantry.registry.client.wire;

import java.net.URI;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request as it is sent.
 *
 * @param headers secrets among them
 * @param body to be written anew for each attempt, or null
 * @param limit within which all of the answer has to be there; zero for one of any size
 */
record Sent(
    String method, URI uri, Map<String, String> headers, @Nullable Body body, Duration limit) {

  /** The longest name of a repository and a digest of SHA-512 are shown in full. */
  private static final int LONGEST_SHOWN = 1000;

  Sent {
    headers = Map.copyOf(headers);
  }

  Sent to(URI other, Map<String, String> otherHeaders) {
    return new Sent(method, other, otherHeaders, body, limit);
  }

  /** Whether it changes nothing. */
  boolean reads() {
    return method.equals("GET") || method.equals("HEAD");
  }

  /** Whether it may be sent again when nobody knows what became of it: a piece may not. */
  boolean isRepeatable() {
    return !method.equals("PATCH");
  }

  /** As messages name it: without the query, which may hold a signature. */
  String shown() {
    return method + " " + shown(uri);
  }

  static String shown(URI uri) {
    String place = uri.getScheme() + "://" + uri.getRawAuthority() + uri.getRawPath();
    return Failures.shown(place, LONGEST_SHOWN);
  }

  @Override
  public String toString() {
    return shown();
  }
}

package io.gantry.registry.client.wire;

import java.net.URI;
import java.time.Duration;
import java.util.Map;

/**
 * A request as it is sent.
 *
 * @param headers secrets among them
 * @param form body of a POST, form-encoded
 * @param limit within which all of the answer has to be there; zero for one of any size
 */
record Sent(String method, URI uri, Map<String, String> headers, String form, Duration limit) {

  Sent {
    headers = Map.copyOf(headers);
  }

  Sent to(URI other, Map<String, String> otherHeaders) {
    return new Sent(method, other, otherHeaders, form, limit);
  }

  /** As messages name it: without the query, which may hold a signature. */
  String shown() {
    return method + " " + shown(uri);
  }

  static String shown(URI uri) {
    return uri.getScheme() + "://" + uri.getRawAuthority() + uri.getRawPath();
  }

  @Override
  public String toString() {
    return shown();
  }
}

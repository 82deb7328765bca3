package io.gantry.auth.token;

import static io.gantry.spi.GantryException.Kind.EXHAUSTED;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.gantry.spi.GantryException;
import io.gantry.spi.registry.AuthResult;
import java.time.Duration;
import java.util.regex.Pattern;

/**
 * What a token service gives.
 *
 * @param token for the registry, fit for a header
 * @param lifetime from now on
 * @param refreshToken to get further ones with, or empty
 */
record TokenAnswer(String token, Duration lifetime, String refreshToken) {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern HEADER_TEXT = Pattern.compile("[\\x21-\\x7e]+");
  private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}+");
  private static final int LONGEST_SHOWN = 300;

  /** Where the service does not say, and at least. */
  private static final long USUAL_SECONDS = 60;

  private static final long MOST_SECONDS = 24 * 3600;

  static TokenAnswer parse(AuthResult result) {
    JsonNode json = json(result);
    String token = json.path("token").asText("");
    if (token.isEmpty()) {
      token = json.path("access_token").asText("");
    }
    if (token.isEmpty()) {
      throw new GantryException(
          UNAVAILABLE, "authorization server did not include a token in the response");
    }
    long seconds = json.path("expires_in").asLong(USUAL_SECONDS);
    return new TokenAnswer(
        checked(token),
        Duration.ofSeconds(Math.max(USUAL_SECONDS, Math.min(seconds, MOST_SECONDS))),
        json.path("refresh_token").asText(""));
  }

  /** A token that may stand in a header. */
  static String checked(String token) {
    if (!HEADER_TEXT.matcher(token).matches()) {
      throw TokenAuth.unauthorized("a token holds what no header may hold");
    }
    return token;
  }

  /** What to say of an answer that is no token; what the service says if it says something. */
  static GantryException refusal(AuthResult result) {
    int status = result.status();
    JsonNode json = json(result);
    String reason = json.path("details").asText("");
    JsonNode first = json.path("errors").path(0);
    if (reason.isEmpty()) {
      reason = first.path("message").asText(first.path("code").asText(""));
    }
    if (reason.isEmpty()) {
      reason = json.path("error_description").asText(json.path("error").asText(""));
    }
    if (status == 401 || status == 403 || status == 400) {
      return TokenAuth.unauthorized(
          (status == 403 ? "denied: " : "unauthorized: ")
              + (reason.isEmpty() ? "authentication required" : shown(reason)));
    }
    String sentence =
        "%s: status %d%s"
            .formatted(result.call(), status, reason.isEmpty() ? "" : ": " + shown(reason));
    return new GantryException(status == 429 ? EXHAUSTED : UNAVAILABLE, sentence);
  }

  private static String shown(String text) {
    String printable = CONTROL.matcher(text).replaceAll(" ");
    return printable.length() <= LONGEST_SHOWN
        ? printable
        : printable.substring(0, LONGEST_SHOWN) + "\u2026";
  }

  /** Empty when it is none: what cannot be read may be a secret, so nothing tells of it. */
  private static JsonNode json(AuthResult result) {
    try {
      return JSON.readTree(result.body());
    } catch (JsonProcessingException e) {
      return MissingNode.getInstance();
    }
  }

  /** Tokens are secrets. */
  @Override
  public String toString() {
    return "token for " + lifetime;
  }
}

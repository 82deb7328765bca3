package io.gantry.spi.registry;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a provider says to a challenge.
 *
 * @param headers for the next attempt; empty when it has none to offer
 * @param call to be made first; its result comes with the next {@link RegistryAuthProvider#answer}
 * @param identityToken what the user may log in with from now on, or empty
 */
public record AuthAnswer(
    Map<String, String> headers, @Nullable AuthCall call, String identityToken) {

  /** No answer: another provider may have one. */
  public static final AuthAnswer NONE = new AuthAnswer(Map.of(), null, "");

  public AuthAnswer {
    headers = Map.copyOf(headers);
  }

  public static AuthAnswer headers(Map<String, String> headers) {
    return new AuthAnswer(headers, null, "");
  }

  public static AuthAnswer ask(AuthCall call) {
    return new AuthAnswer(Map.of(), call, "");
  }

  /** Headers are secrets. */
  @Override
  public String toString() {
    return "answer" + headers.keySet() + (call == null ? "" : ", ask " + call);
  }
}

package io.gantry.auth.basic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.spi.GantryException;
import io.gantry.spi.registry.AuthAnswer;
import io.gantry.spi.registry.Challenge;
import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.testkit.RegistryAuthProviderContract;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class BasicAuthTest extends RegistryAuthProviderContract {

  @Override
  protected RegistryAuthProvider provider() {
    return new BasicAuth();
  }

  @Override
  protected String scheme() {
    return "basic";
  }

  private AuthAnswer answer(@Nullable Credentials credentials) {
    return provider().answer(challenge(request(credentials)), null);
  }

  /** The pair of RFC 7617, 2.1: in UTF-8. */
  @Test
  void nameAndPasswordAreSentInUtf8() {
    assertEquals(
        Map.of("Authorization", "Basic dGVzdDoxMjPCow=="),
        answer(Credentials.password("test", "123\u00a3")).headers());
  }

  @Test
  void whoHasNoPasswordHasNoAnswer() {
    assertEquals(AuthAnswer.NONE, answer(null));
    assertEquals(AuthAnswer.NONE, answer(new Credentials("u", "", "identity", "")));
    assertEquals(AuthAnswer.NONE, answer(new Credentials("", "", "", "registry")));
  }

  @Test
  void aNameWithAColonIsRefused() {
    var credentials = Credentials.password("a:b", "c");
    assertThrows(GantryException.class, () -> answer(credentials));
  }

  @Test
  void aWrongPasswordIsSentOnce() {
    Challenge first = challenge(request(ALICE));
    var headers = provider().answer(first, null).headers();
    var again = new Challenge(first.request(), "basic", Map.of(), headers);
    assertEquals(AuthAnswer.NONE, provider().answer(again, null));
    var other = new Challenge(request(BOB), "basic", Map.of(), headers);
    assertEquals(1, provider().answer(other, null).headers().size());
  }
}

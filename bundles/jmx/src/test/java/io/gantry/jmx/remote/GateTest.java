package io.gantry.jmx.remote;

import static org.junit.jupiter.api.Assertions.assertEquals;

import javax.security.auth.x500.X500Principal;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GateTest {

  /** Who has a certificate signed may often choose what stands beside the common name. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "CN=alice | alice",
        "CN=alice, OU=people, O=\"Acme, Inc\" | alice",
        "OU=people, CN=alice | alice",
        "O=\"x,CN=admin\", CN=low | low",
        "CN=low, O=\"x,CN=admin\" | low",
        "O=\"x,CN=admin\" | ``",
        "O=\"x\\\\,CN=admin\" | ``",
        "CN=\"admin,O=x\" | ``",
        "CN=alice+OU=people | ``",
        "OU=people+CN=alice | ``",
        "CN=alice, CN=admin | ``",
        "CN=\"alice b\" | ``",
        "O=nobody | ``"
      })
  void aUserIsWhoTheOnlyCommonNameSays(String subject, String user) {
    assertEquals(user, Gate.commonName(new X500Principal(subject)));
  }
}

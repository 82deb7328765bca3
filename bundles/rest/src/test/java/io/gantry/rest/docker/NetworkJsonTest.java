package io.gantry.rest.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.api.Networks.NetworkSpec;
import io.gantry.rest.http.ApiVersion;
import io.gantry.rest.json.JsonObject;
import io.gantry.spi.GantryException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NetworkJsonTest {

  private static NetworkSpec read(String body) {
    return NetworkJson.read(JsonObject.parse(body, "CreateRequest"), ApiVersion.NEWEST);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "{}|true|false",
        "{\"EnableIPv4\":false,\"EnableIPv6\":true}|false|true",
        "{\"Options\":{\"com.docker.network.enable_ipv6\":\"1\"}}|true|true",
        "{\"Options\":{\"com.docker.network.enable_ipv4\":\"False\"}}|false|false",
        "{\"EnableIPv6\":false,\"Options\":{\"com.docker.network.enable_ipv6\":\"true\"}}|true|false",
      })
  void familiesAreAsTheRequestSaysOrElseItsOptions(String body, boolean ipv4, boolean ipv6) {
    var spec = read(body);
    assertEquals(ipv4, spec.ipv4());
    assertEquals(ipv6, spec.ipv6());
  }

  @Test
  void anOptionThatIsNoBooleanIsRefused() {
    String body = "{\"Options\":{\"com.docker.network.enable_ipv6\":\"maybe\"}}";
    var e = assertThrows(GantryException.class, () -> read(body));
    assertEquals(
        "driver-opt \"com.docker.network.enable_ipv6\" is not a valid bool", e.getMessage());
    assertEquals(GantryException.Kind.INVALID, e.kind());
  }
}

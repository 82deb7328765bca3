package io.gantry.engine.network;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.engine.config.EngineConfig;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NetworkDefaultsTest {
  private final List<String> reasons = new ArrayList<>();

  @ParameterizedTest
  @CsvSource({
    "bip, here",
    "bip, 10.51.0.1",
    "bip, 10.51.0.1/33",
    "bip, 10.51.0.0/24",
    "bip, 10.51.0.255/24",
    "bip, fd00::1/64",
    "bip6, 10.51.0.1/24",
    "fixedCidr, 300.0.0.0/24",
    "defaultGateway, here",
    "ip, here",
  })
  void whatIsNoneKeepsTheEngineFromStarting(String key, String value) {
    new NetworkDefaults(config(key, value), reasons::add);
    assertEquals(List.of("failed to set up networks: invalid " + key + ": " + value), reasons);
  }

  @ParameterizedTest
  @CsvSource({"10.51.0.1/24", "10.51.0.0/31", "10.51.1.0/23"})
  void whatIsAnAddressOfAHostIsTaken(String bip) {
    assertEquals(bip, new NetworkDefaults(config("bip", bip), reasons::add).settings().bip());
    assertEquals(List.of(), reasons);
  }

  @Test
  void aChangeToWhatIsNoneChangesNothing() {
    var defaults = new NetworkDefaults(config("bip", "10.51.0.1/24"), reasons::add);
    defaults.modified(config("bip", "here"));
    assertEquals("10.51.0.1/24", defaults.settings().bip());
    assertEquals(List.of(), reasons);
  }

  @Test
  void withoutALauncherTheEngineGoesOnWithoutThem() {
    assertEquals(NetworkSettings.NONE, new NetworkDefaults(config("bip", "x"), null).settings());
  }

  private static EngineConfig config(String key, String value) {
    var values = Map.<String, Object>of(key, value);
    return (EngineConfig)
        Proxy.newProxyInstance(
            EngineConfig.class.getClassLoader(),
            new Class<?>[] {EngineConfig.class},
            (proxy, method, args) ->
                values.getOrDefault(method.getName(), method.getDefaultValue()));
  }
}

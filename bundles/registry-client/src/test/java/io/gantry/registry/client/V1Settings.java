package io.gantry.registry.client;

import io.gantry.registry.client.wire.Proxies;
import io.gantry.registry.client.wire.Settings;
import io.gantry.registry.client.wire.V1Registry;
import java.net.URI;
import java.util.List;
import java.util.stream.Stream;

/** Settings of tests that know registries of version 1. */
final class V1Settings {

  private V1Settings() {}

  /**
   * @param registries as an operator writes them
   */
  static Settings with(String... registries) {
    return of(Settings.USUAL_INDEX, registries);
  }

  static Settings of(URI index, String... registries) {
    return new Settings(
        List.of(),
        List.of(),
        List.of(),
        Proxies.NONE,
        Engine.PATIENCE,
        Stream.of(registries).map(V1Registry::parse).toList(),
        index);
  }
}

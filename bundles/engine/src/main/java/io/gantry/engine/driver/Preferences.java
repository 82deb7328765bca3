package io.gantry.engine.driver;

import io.gantry.engine.config.EngineConfig;
import java.util.List;
import java.util.stream.Stream;

/** The configured order in which drivers of a kind are tried for new objects. */
final class Preferences {

  private Preferences() {}

  static List<String> configured(EngineConfig config, Kind<?> kind) {
    return switch (kind.name()) {
      case "StorageDriver" -> order(config.storageDriver(), config.storageFallback());
      case "ExecDriver" -> order(config.execDriver(), config.execFallback());
      case "NetworkDriver" -> order(config.networkDriver());
      case "PortMapper" -> order(config.portMapper(), "nat", "proxy");
      case "VolumeDriver" -> List.of("local"); // what Docker's clients take for granted
      default -> List.of();
    };
  }

  private static List<String> order(String first, String... others) {
    return Stream.concat(Stream.of(first), Stream.of(others))
        .filter(name -> !name.isEmpty())
        .distinct()
        .toList();
  }
}

package io.gantry.spi.volume;

import java.time.Instant;
import java.util.Map;

/**
 * A volume as its driver knows it.
 *
 * @param path where it is on the host, empty when it is not mounted
 * @param status facts for {@code docker volume inspect}
 */
public record Volume(String name, String path, Instant created, Map<String, String> status) {

  public Volume {
    status = Map.copyOf(status);
  }
}

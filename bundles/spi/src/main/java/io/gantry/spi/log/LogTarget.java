package io.gantry.spi.log;

import java.util.Map;

/** Whose lines these are. */
public record LogTarget(
    String container,
    String name,
    String imageId,
    String image,
    Map<String, String> labels,
    Map<String, String> env) {

  public LogTarget {
    labels = Map.copyOf(labels);
    env = Map.copyOf(env);
  }
}

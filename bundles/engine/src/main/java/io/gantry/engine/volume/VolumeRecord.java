package io.gantry.engine.volume;

import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is kept of a volume for as long as it exists.
 *
 * @param container that it was made for and goes with, should that never come to be or be removed
 *     with its volumes; empty for none
 * @param ephemeral it goes with a {@code --rm} container: its record is in the exec root only
 * @param removing its data is being removed, and it is not there for anybody any more
 * @param filling content of an image is being copied into it: half of it is none
 * @param path on the host as its driver last said, for as long as that is away; empty: not known
 */
record VolumeRecord(
    String name,
    String driver,
    @Nullable Map<String, String> options,
    @Nullable Map<String, String> labels,
    Instant created,
    String container,
    boolean ephemeral,
    boolean removing,
    boolean filling,
    String path) {

  VolumeRecord {
    options = options == null ? null : Map.copyOf(options);
    labels = labels == null ? null : Map.copyOf(labels);
  }

  Map<String, String> driverOptions() {
    return options == null ? Map.of() : options;
  }

  VolumeRecord of(String otherContainer) {
    return new VolumeRecord(
        name, driver, options, labels, created, otherContainer, ephemeral, removing, filling, path);
  }

  VolumeRecord lasting() {
    return new VolumeRecord(
        name, driver, options, labels, created, "", false, removing, filling, path);
  }

  VolumeRecord goes() {
    return new VolumeRecord(
        name, driver, options, labels, created, container, ephemeral, true, filling, path);
  }

  VolumeRecord filling(boolean now) {
    return new VolumeRecord(
        name, driver, options, labels, created, container, ephemeral, removing, now, path);
  }

  VolumeRecord at(String where) {
    return new VolumeRecord(
        name, driver, options, labels, created, container, ephemeral, removing, filling, where);
  }
}

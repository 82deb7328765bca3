package io.gantry.engine.spec;

import io.gantry.spi.Mount;
import io.gantry.spi.exec.TaskSpec.Device;
import java.util.List;

/**
 * What the devices that a container asked for by name add to it.
 *
 * @param env {@code NAME=value}
 * @param rules of devices, {@code c 1:3 rwm}
 * @param groups further groups of its first process, numbers
 */
public record CdiEdits(
    List<String> env,
    List<Device> devices,
    List<String> rules,
    List<Mount> mounts,
    List<String> groups) {

  public static final CdiEdits NONE =
      new CdiEdits(List.of(), List.of(), List.of(), List.of(), List.of());

  public CdiEdits {
    env = List.copyOf(env);
    devices = List.copyOf(devices);
    rules = List.copyOf(rules);
    mounts = List.copyOf(mounts);
    groups = List.copyOf(groups);
  }
}

package io.gantry.rest.docker;

import io.gantry.api.Networks.NetworkView;
import java.util.Map;
import java.util.TreeMap;

/** Names that Docker's users see or type, and what Gantry calls the same thing. */
public final class DockerNames {

  private static final Map<String, String> STORAGE = Map.of("overlay", "overlay2");
  private static final Map<String, String> STORAGE_DATA =
      Map.of("lower", "LowerDir", "upper", "UpperDir", "work", "WorkDir");
  private static final Map<String, String> RUNTIMES = Map.of("namespaces", "runc");
  private static final String RUNC_SHIM = "io.containerd.runc.v2";

  private DockerNames() {}

  public static String storage(String driver) {
    return STORAGE.getOrDefault(driver, driver);
  }

  /** {@code GraphDriver.Data}: directories of a container's root, as far as the host has them. */
  static Map<String, String> storageData(Map<String, String> status) {
    var data = new TreeMap<String, String>();
    status.forEach((name, value) -> data.put(STORAGE_DATA.getOrDefault(name, name), value));
    return data;
  }

  public static String runtime(String execDriver) {
    return RUNTIMES.getOrDefault(execDriver, execDriver);
  }

  /** The exec driver for a runtime's name; empty stays empty, the default. */
  public static String execDriver(String runtime) {
    return runtime.equals(RUNC_SHIM) ? "namespaces" : reverse(RUNTIMES, runtime);
  }

  /** The driver that Docker names for a network. */
  public static String networkDriver(NetworkView network) {
    return switch (network.driver()) {
      case "builtin" -> network.name().equals("host") ? "host" : "null";
      case "" -> network.configOnly() ? "null" : "bridge"; // nobody has needed one yet
      default -> network.driver();
    };
  }

  private static String reverse(Map<String, String> names, String name) {
    return names.entrySet().stream()
        .filter(entry -> entry.getValue().equals(name))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElse(name);
  }
}

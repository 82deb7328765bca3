package io.gantry.exec.namespaces;

import static io.gantry.monitor.program.KernelFlags.S_IFBLK;
import static io.gantry.monitor.program.KernelFlags.S_IFCHR;
import static io.gantry.monitor.program.KernelFlags.S_IFIFO;

import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.exec.TaskSpec;
import io.gantry.spi.exec.TaskSpec.Device;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Builds a container's /dev: the devices every container has, those it was given, and the links.
 */
final class DevProgram {

  private static final String DEV = "/dev/";
  private static final String DEFAULT_SIZE = "65536k";
  private static final int EVERYBODY = 0666;

  private static final Map<String, String> LINKS =
      new TreeMap<>(
          Map.of(
              "fd", "/proc/self/fd",
              "stdin", "/proc/self/fd/0",
              "stdout", "/proc/self/fd/1",
              "stderr", "/proc/self/fd/2",
              "ptmx", "pts/ptmx"));

  private final TaskSpec spec;
  private final Kernel kernel;

  private final long uid;
  private final long gid;

  /**
   * @param uid of the devices that every container has, as the host numbers it
   */
  DevProgram(TaskSpec spec, Kernel kernel, long uid, long gid) {
    this.spec = spec;
    this.kernel = kernel;
    this.uid = uid;
    this.gid = gid;
  }

  void add(MountOptions options, OpProgram program) {
    make(options, program);
    attach(program);
  }

  /** What only the host's root can make. */
  void make(MountOptions options, OpProgram program) {
    Map<String, Device> devices = devices();
    program.dev(size(options));
    var directories = new TreeSet<String>(); // parents sort before their children
    for (String name : devices.keySet()) {
      for (int slash = name.indexOf('/'); slash > 0; slash = name.indexOf('/', slash + 1)) {
        directories.add(name.substring(0, slash));
      }
    }
    directories.forEach(directory -> program.devDir(directory, 0755));
    devices.forEach(
        (name, device) ->
            program.devNode(
                name,
                type(device) | device.mode(),
                device.major(),
                device.minor(),
                device.uid(),
                device.gid()));
  }

  void attach(OpProgram program) {
    LINKS.forEach(program::devLink);
    if (kernel.hasKcore()) {
      program.devLink("core", "/proc/kcore");
    }
    program.devDone();
    if (spec.process().terminal()) {
      program.touch("/dev/console", 0600); // where CONSOLE puts the terminal
    }
  }

  private Map<String, Device> devices() {
    Map<String, Device> devices = new LinkedHashMap<>();
    put(devices, "null", 1, 3);
    put(devices, "zero", 1, 5);
    put(devices, "full", 1, 7);
    put(devices, "random", 1, 8);
    put(devices, "urandom", 1, 9);
    put(devices, "tty", 5, 0);
    for (Device device : spec.devices()) {
      String name = name(device);
      if (!LINKS.containsKey(name) && !name.equals("console") && !name.equals("core")) {
        devices.put(name, device);
      }
    }
    return devices;
  }

  private void put(Map<String, Device> devices, String name, int major, int minor) {
    devices.put(name, new Device(DEV + name, "c", major, minor, EVERYBODY, uid, gid));
  }

  private static String name(Device device) {
    String path = device.path();
    if (!path.startsWith(DEV) || path.length() == DEV.length()) {
      throw new GantryException(
          Kind.UNSUPPORTED, "a device outside of /dev is not supported: " + path);
    }
    String name = path.substring(DEV.length());
    for (String part : name.split("/", -1)) {
      if (part.isEmpty() || part.startsWith("..")) {
        throw new GantryException(Kind.INVALID, "invalid device path: " + path);
      }
    }
    return name;
  }

  private static int type(Device device) {
    return switch (device.type()) {
      case "c", "u" -> S_IFCHR;
      case "b" -> S_IFBLK;
      case "p" -> S_IFIFO;
      default ->
          throw new GantryException(
              Kind.INVALID, "invalid type of device " + device.path() + ": " + device.type());
    };
  }

  private static String size(MountOptions options) {
    return options.data().stream()
        .filter(option -> option.startsWith("size="))
        .map(option -> option.substring("size=".length()))
        .findFirst()
        .orElse(DEFAULT_SIZE);
  }
}

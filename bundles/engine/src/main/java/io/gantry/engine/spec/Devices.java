package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.HostSpec;
import io.gantry.spi.GantryException;
import io.gantry.spi.exec.TaskSpec.Device;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Device nodes that a container gets, and what it may open.
 *
 * @param rules {@code c 1:3 rwm}
 */
record Devices(List<Device> nodes, List<String> rules) {
  private static final int FORMAT = 0170000;
  private static final int CHARACTER = 0020000;
  private static final int BLOCK = 0060000;
  private static final Pattern PERMISSIONS = Pattern.compile("[rwm]{1,3}");
  private static final Pattern RULE = Pattern.compile("[acb] ([0-9]+|\\*):([0-9]+|\\*) [rwm]{1,3}");

  /**
   * Any node may be made; null, zero, full, random, urandom, tty, console, ptmx and ptys opened.
   */
  private static final List<String> ALWAYS =
      List.of(
          "c *:* m",
          "b *:* m",
          "c 1:3 rwm",
          "c 1:5 rwm",
          "c 1:7 rwm",
          "c 1:8 rwm",
          "c 1:9 rwm",
          "c 5:0 rwm",
          "c 5:1 rwm",
          "c 5:2 rwm",
          "c 136:* rwm");

  /** What every container has of its own, or what is no device. */
  private static final Set<String> OWN =
      Set.of("pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console", "ptmx");

  static Devices of(HostSpec host) {
    if (host.privileges().privileged()) {
      return new Devices(everyNode(), List.of("a *:* rwm"));
    }
    var nodes = new ArrayList<Device>();
    var rules = new ArrayList<>(ALWAYS);
    for (var wanted : host.devices().list()) {
      add(wanted, nodes, rules);
    }
    for (String rule : host.devices().rules()) {
      if (!RULE.matcher(rule).matches()) {
        throw new GantryException(INVALID, "invalid device cgroup rule format: '" + rule + "'");
      }
      rules.add(rule);
    }
    return new Devices(nodes, rules);
  }

  private static void add(HostSpec.DeviceRequest wanted, List<Device> nodes, List<String> rules) {
    String inside = wanted.containerPath().isEmpty() ? wanted.hostPath() : wanted.containerPath();
    String permissions = wanted.permissions().isEmpty() ? "rwm" : wanted.permissions();
    if (!PERMISSIONS.matcher(permissions).matches()) {
      throw new GantryException(INVALID, "invalid device permissions: " + permissions);
    }
    if (!Path.of(inside).normalize().startsWith("/dev") || inside.equals("/dev")) {
      throw new GantryException(INVALID, "a device has to be below /dev: " + inside);
    }
    var found = new ArrayList<Device>();
    try {
      var path = Path.of(wanted.hostPath());
      if (Files.isDirectory(path)) {
        try (var children = Files.list(path)) {
          for (var child : children.sorted().toList()) {
            node(child, inside + "/" + child.getFileName(), found);
          }
        }
      } else {
        node(path.toRealPath(), inside, found);
      }
    } catch (NoSuchFileException e) {
      throw gathering(wanted, "no such file or directory");
    } catch (IOException e) {
      throw gathering(wanted, e.getMessage());
    }
    if (found.isEmpty()) {
      throw gathering(wanted, "not a device node");
    }
    for (var device : found) {
      nodes.add(device);
      rules.add(device.type() + " " + device.major() + ":" + device.minor() + " " + permissions);
    }
  }

  private static GantryException gathering(
      HostSpec.DeviceRequest wanted, @org.jspecify.annotations.Nullable String why) {
    return new GantryException(
        INVALID,
        "error gathering device information while adding custom device \""
            + wanted.hostPath()
            + "\": "
            + why);
  }

  private static List<Device> everyNode() {
    var nodes = new ArrayList<Device>();
    try {
      Files.walkFileTree(
          Path.of("/dev"),
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
              return OWN.contains(name(dir))
                  ? FileVisitResult.SKIP_SUBTREE
                  : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              if (attributes.isOther() && !OWN.contains(name(file))) {
                node(file, file.toString(), nodes);
              }
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
              return FileVisitResult.CONTINUE; // it went while we looked
            }
          });
    } catch (IOException e) {
      throw new GantryException(
          GantryException.Kind.INTERNAL, "cannot list the devices of this host", e);
    }
    return nodes;
  }

  private static String name(Path path) {
    return String.valueOf(path.getFileName());
  }

  /** Adds the node; does nothing for what is no device. */
  private static void node(Path path, String inside, List<Device> nodes) throws IOException {
    Map<String, Object> unix = Files.readAttributes(path, "unix:mode,rdev,uid,gid");
    int mode = (int) number(unix, "mode");
    int format = mode & FORMAT;
    if (format != CHARACTER && format != BLOCK) {
      return;
    }
    long rdev = number(unix, "rdev");
    long major = ((rdev >>> 8) & 0xfff) | ((rdev >>> 32) & ~0xfffL);
    long minor = (rdev & 0xff) | ((rdev >>> 12) & 0xffffff00L);
    nodes.add(
        new Device(
            inside,
            format == CHARACTER ? "c" : "b",
            major,
            minor,
            mode & 07777,
            number(unix, "uid"),
            number(unix, "gid")));
  }

  private static long number(Map<String, Object> attributes, String name) {
    return attributes.get(name) instanceof Number number ? number.longValue() : 0;
  }
}

package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.HostSpec;
import io.gantry.spi.GantryException;
import io.gantry.spi.exec.TaskSpec.Device;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Device nodes that a container gets, and what it may open.
 *
 * @param rules {@code c 1:3 rwm}
 */
public record Devices(List<Device> nodes, List<String> rules) {
  public static final Devices NONE = new Devices(List.of(), List.of());

  private static final Pattern PERMISSIONS = Pattern.compile("[rwm]{1,3}");
  private static final int LONGEST_NUMBER = 10;
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

  /** As deep as /dev is, and more; what stands elsewhere may be deeper without end. */
  private static final int MOST_LEVELS = 8;

  /** Of one container, below directories; each is a node to make and a rule to check. */
  private static final int MOST_NODES = 1024;

  /** To look at for them. */
  private static final int MOST_ENTRIES = 16 * 1024;

  /** What every container has of its own, or what is no device. */
  private static final Set<String> OWN =
      Set.of("pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console", "ptmx");

  /** Whether {@link #of} looks at files. */
  public static boolean isFoundOnDisk(HostSpec host) {
    return host.privileges().privileged() || !host.devices().list().isEmpty();
  }

  /**
   * @throws GantryException INVALID for one that is not there, and for a directory with too many
   */
  public static Devices of(HostSpec host) {
    if (host.privileges().privileged()) {
      return new Devices(everyNode(), List.of("a *:* rwm"));
    }
    var nodes = new ArrayList<Device>();
    var rules = new ArrayList<>(ALWAYS);
    var search = new Search();
    for (var wanted : host.devices().list()) {
      search.add(wanted, nodes, rules);
    }
    for (String rule : host.devices().rules()) {
      checkRule(rule);
      rules.add(rule);
    }
    return new Devices(nodes, rules);
  }

  private static void checkRule(String rule) {
    var parts = RULE.matcher(rule);
    if (!parts.matches() || !isNumber(parts.group(1)) || !isNumber(parts.group(2))) {
      throw new GantryException(INVALID, "invalid device cgroup rule format: '" + rule + "'");
    }
  }

  private static boolean isNumber(String text) {
    return text.equals("*")
        || (text.length() <= LONGEST_NUMBER && Long.parseLong(text) <= 0xffff_ffffL);
  }

  /** What can be said against devices without looking at them. */
  static void check(HostSpec.DeviceRequest wanted) {
    String permissions = permissions(wanted);
    if (!PERMISSIONS.matcher(permissions).matches()) {
      throw new GantryException(INVALID, "invalid device permissions: " + permissions);
    }
  }

  private static String permissions(HostSpec.DeviceRequest wanted) {
    return wanted.permissions().isEmpty() ? "rwm" : wanted.permissions();
  }

  /** Looks for the nodes of one container's requests. */
  private static final class Search {
    private int entries;
    private int nodes;

    void add(HostSpec.DeviceRequest wanted, List<Device> all, List<String> rules) {
      String inside = wanted.containerPath().isEmpty() ? wanted.hostPath() : wanted.containerPath();
      var found = find(wanted, inside);
      if (found.isEmpty()) {
        throw gathering(wanted, "not a device node");
      }
      if (!Path.of(inside).normalize().startsWith("/dev") || inside.equals("/dev")) {
        throw new GantryException(INVALID, "a device has to be below /dev: " + inside);
      }
      String permissions = permissions(wanted);
      nodes += found.size();
      for (var device : found) {
        all.add(device);
        rules.add(device.type() + " " + device.major() + ":" + device.minor() + " " + permissions);
      }
    }

    private List<Device> find(HostSpec.DeviceRequest wanted, String inside) {
      var found = new ArrayList<Device>();
      if (!wanted.hostPath().startsWith("/")) { // it would be one of our own directory
        throw gathering(wanted, "no such file or directory");
      }
      try {
        var path = Path.of(wanted.hostPath()).toRealPath();
        if (Files.isDirectory(path)) {
          below(path, inside, MOST_LEVELS, found);
        } else {
          HostDevice.at(path, inside).ifPresent(found::add);
        }
      } catch (NoSuchFileException e) {
        throw gathering(wanted, "no such file or directory");
      } catch (IOException e) {
        throw gathering(wanted, e.getMessage());
      }
      return found;
    }

    /**
     * All nodes in a directory, entry by entry: some of {@code /dev/fd} go while one looks. Links
     * in it lead to what nobody asked for (/dev/fd: our own).
     */
    private void below(Path directory, String inside, int levels, List<Device> found)
        throws IOException {
      if (levels == 0) {
        throw new IOException("more than " + MOST_LEVELS + " directories deep");
      }
      for (Path entry : entries(directory)) {
        String name = inside + "/" + entry.getFileName();
        try {
          if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
            below(entry, name, levels - 1, found);
          } else {
            HostDevice.at(entry, name).ifPresent(found::add);
          }
        } catch (NoSuchFileException e) {
          continue; // it went while we looked
        }
        if (found.size() > MOST_NODES - nodes) {
          throw new IOException("more than " + MOST_NODES + " devices");
        }
      }
    }

    private List<Path> entries(Path directory) throws IOException {
      List<Path> all = new ArrayList<>();
      try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
        for (Path entry : stream) {
          if (++entries > MOST_ENTRIES) {
            throw new IOException("more than " + MOST_ENTRIES + " files to look at");
          }
          all.add(entry);
        }
      } catch (DirectoryIteratorException e) {
        throw e.getCause();
      }
      Collections.sort(all);
      return all;
    }
  }

  private static GantryException gathering(HostSpec.DeviceRequest wanted, @Nullable String why) {
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
                HostDevice.at(file, file.toString()).ifPresent(nodes::add);
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
}

package io.gantry.exec.namespaces;

import io.gantry.spi.Support;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the running kernel can do, as /proc and /sys tell it. */
final class Kernel {

  private static final Pattern RELEASE = Pattern.compile("(\\d+)\\.(\\d+)");

  /** mount_setattr(2), the newest call that the helper cannot do without. */
  private static final int[] OLDEST = {5, 12};

  private static final int MOST_BYTES = 16 << 20;

  private static final List<String> NAMESPACES =
      List.of("mnt", "pid", "uts", "ipc", "net", "cgroup");

  private final Path root;
  private final String release;
  private volatile int lastCapability = -1;
  private volatile List<String> cgroupMounts = List.of();

  /**
   * @param root where proc and sys are found; {@code /} but in tests
   * @param release as uname(2) gives it
   */
  Kernel(Path root, String release) {
    this.root = root;
    this.release = release;
  }

  static Kernel running() {
    return new Kernel(Path.of("/"), System.getProperty("os.version", ""));
  }

  String release() {
    return release;
  }

  Support support() {
    if (!RELEASE.matcher(release).lookingAt()) {
      return Support.no("the kernel's version " + release + " cannot be read");
    }
    if (!isSince(OLDEST[0], OLDEST[1])) {
      return Support.no(
          "the kernel is %s, at least %d.%d is needed".formatted(release, OLDEST[0], OLDEST[1]));
    }
    for (String namespace : NAMESPACES) {
      if (!Files.exists(root.resolve("proc/self/ns/" + namespace))) {
        return Support.no("the kernel has no " + namespace + " namespaces");
      }
    }
    if (!hasSeccomp()) {
      return Support.no("the kernel has no seccomp filters (CONFIG_SECCOMP_FILTER)");
    }
    if ((effectiveCapabilities() >> Capabilities.SYS_ADMIN & 1) == 0) {
      return Support.no("the engine lacks CAP_SYS_ADMIN: it must run as root");
    }
    return Support.yes();
  }

  /** Whether it is that release or a later one; one that cannot be read is none. */
  boolean isSince(int major, int minor) {
    Matcher version = RELEASE.matcher(release);
    if (!version.lookingAt()) {
      return false;
    }
    int its = Integer.parseInt(version.group(1));
    return its > major || (its == major && Integer.parseInt(version.group(2)) >= minor);
  }

  boolean hasSeccomp() {
    return Files.exists(root.resolve("proc/sys/kernel/seccomp/actions_avail"));
  }

  boolean hasAppArmor() {
    return read("sys/module/apparmor/parameters/enabled", "N").startsWith("Y");
  }

  boolean hasKcore() {
    return Files.exists(root.resolve("proc/kcore"));
  }

  /** Does not change while the kernel runs, and each start and exec asks. */
  int lastCapability() {
    int known = lastCapability;
    if (known < 0) {
      known = Integer.parseInt(read("proc/sys/kernel/cap_last_cap", "40"));
      lastCapability = known;
    }
    return known;
  }

  /**
   * Where version 1 hierarchies of control groups are mounted: lines of /proc/self/mountinfo. They
   * stay where they are while an engine runs, and each start asks.
   */
  List<String> cgroupMounts() {
    List<String> known = cgroupMounts;
    if (known.isEmpty()) {
      known =
          read("proc/self/mountinfo", "")
              .lines()
              .filter(line -> line.contains(" - cgroup "))
              .toList();
      cgroupMounts = known;
    }
    return known;
  }

  private long effectiveCapabilities() {
    return read("proc/self/status", "")
        .lines()
        .filter(line -> line.startsWith("CapEff:"))
        .map(line -> Long.parseUnsignedLong(line.substring("CapEff:".length()).strip(), 16))
        .findFirst()
        .orElse(0L);
  }

  /** In large pieces: a file of /proc/sys gives its value to the first read only, however small. */
  private String read(String file, String otherwise) {
    try (InputStream in = Files.newInputStream(root.resolve(file))) {
      return new String(in.readNBytes(MOST_BYTES), StandardCharsets.ISO_8859_1).strip();
    } catch (IOException e) {
      return otherwise; // a kernel without the feature does not have the file
    }
  }
}

package io.gantry.engine.spec;

import io.gantry.api.HostSpec;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What the engine may raise resource limits to: without CAP_SYS_RESOURCE not beyond its own, and
 * open files never beyond fs.nr_open. The helper sets what it can; the client is told here.
 *
 * @param mayRaise the engine has CAP_SYS_RESOURCE
 * @param own hard limits of the engine by name, those that are not unlimited
 * @param openFiles fs.nr_open
 */
public record Ceilings(boolean mayRaise, Map<String, Long> own, long openFiles) {

  private static final int LONGEST = 1 << 16;
  private static final int SYS_RESOURCE = 24;

  /** Lines of /proc/self/limits by the names that getrlimit(2) gives them. */
  private static final Map<String, String> TITLES =
      Map.ofEntries(
          Map.entry("Max cpu time", "cpu"),
          Map.entry("Max file size", "fsize"),
          Map.entry("Max data size", "data"),
          Map.entry("Max stack size", "stack"),
          Map.entry("Max core file size", "core"),
          Map.entry("Max resident set", "rss"),
          Map.entry("Max processes", "nproc"),
          Map.entry("Max open files", "nofile"),
          Map.entry("Max locked memory", "memlock"),
          Map.entry("Max address space", "as"),
          Map.entry("Max file locks", "locks"),
          Map.entry("Max pending signals", "sigpending"),
          Map.entry("Max msgqueue size", "msgqueue"),
          Map.entry("Max nice priority", "nice"),
          Map.entry("Max realtime priority", "rtprio"),
          Map.entry("Max realtime timeout", "rttime"));

  private static final Pattern LINE =
      Pattern.compile("(Max [a-z ]+?) {2,}(?:unlimited|\\d+) +(\\d+)(?: .*)?");

  public Ceilings {
    own = Map.copyOf(own);
  }

  /**
   * Reads them from the kernel.
   *
   * @param capabilities bit set of those the engine has
   */
  public static Ceilings read(long capabilities) {
    try {
      return of(
          (capabilities >>> SYS_RESOURCE & 1) != 0,
          read("/proc/self/limits"),
          read("/proc/sys/fs/nr_open").strip());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** In one read(2): a file of /proc/sys gives its value to the first one only, however small. */
  private static String read(String file) throws IOException {
    try (var in = new FileInputStream(file)) {
      return new String(in.readNBytes(LONGEST), StandardCharsets.US_ASCII);
    }
  }

  static Ceilings of(boolean mayRaise, String limits, String openFiles) {
    var own = new HashMap<String, Long>();
    for (String line : limits.lines().toList()) {
      var matcher = LINE.matcher(line);
      String name = matcher.matches() ? TITLES.get(matcher.group(1)) : null;
      if (name != null) {
        own.put(name, Long.parseLong(matcher.group(2)));
      }
    }
    return new Ceilings(mayRaise, own, Long.parseLong(openFiles));
  }

  /** The warning that a limit is above what can be set. */
  Optional<String> above(HostSpec.Ulimit asked) {
    String name = Rlimits.name(asked);
    long most = mayRaise ? Long.MAX_VALUE : own.getOrDefault(name, Long.MAX_VALUE);
    if (name.equals("nofile")) {
      most = Math.min(most, openFiles);
    }
    long hard = asked.hard() < 0 ? Long.MAX_VALUE : asked.hard();
    return most == Long.MAX_VALUE || hard <= most
        ? Optional.empty()
        : Optional.of(
            "The ulimit " + name + " is above what this engine may set: limited to " + most + ".");
  }
}

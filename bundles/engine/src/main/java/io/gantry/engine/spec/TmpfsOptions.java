package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Options of {@code --tmpfs}: noexec, nosuid and nodev unless taken back; the last one wins. */
final class TmpfsOptions {
  private static final Set<String> VALUED =
      Set.of("mode", "uid", "gid", "size", "nr_inodes", "nr_blocks", "mpol");

  /** Flags by what they contradict. */
  private static final Map<String, String> FLAGS =
      Map.ofEntries(
          Map.entry("ro", "access"),
          Map.entry("rw", "access"),
          Map.entry("exec", "exec"),
          Map.entry("noexec", "exec"),
          Map.entry("suid", "suid"),
          Map.entry("nosuid", "suid"),
          Map.entry("dev", "dev"),
          Map.entry("nodev", "dev"),
          Map.entry("sync", "sync"),
          Map.entry("async", "sync"),
          Map.entry("atime", "atime"),
          Map.entry("noatime", "atime"),
          Map.entry("relatime", "relatime"),
          Map.entry("norelatime", "relatime"),
          Map.entry("diratime", "diratime"),
          Map.entry("nodiratime", "diratime"),
          Map.entry("strictatime", "strictatime"),
          Map.entry("nostrictatime", "strictatime"),
          Map.entry("defaults", "defaults"),
          Map.entry("remount", "remount"),
          Map.entry("mand", "mand"),
          Map.entry("nomand", "mand"),
          Map.entry("dirsync", "dirsync"));

  /** What stands for "as it is anyway" and is not told to the kernel. */
  private static final Set<String> NEUTRAL =
      Set.of(
          "rw",
          "exec",
          "suid",
          "dev",
          "async",
          "atime",
          "relatime",
          "norelatime",
          "diratime",
          "nostrictatime",
          "defaults",
          "remount",
          "nomand");

  private TmpfsOptions() {}

  static List<String> merge(String asked) {
    var chosen = new LinkedHashMap<String, String>();
    for (String option : List.of("noexec", "nosuid", "nodev")) {
      chosen.put(FLAGS.getOrDefault(option, option), option);
    }
    for (String option : asked.split(",", -1)) {
      if (!option.isEmpty()) {
        String key = group(option);
        chosen.remove(key);
        chosen.put(key, option);
      }
    }
    var options = new ArrayList<>(chosen.values());
    options.removeIf(NEUTRAL::contains);
    return List.copyOf(options);
  }

  private static String group(String option) {
    int equals = option.indexOf('=');
    String name = equals < 0 ? option : option.substring(0, equals);
    if (equals > 0 && VALUED.contains(name)) {
      return name;
    }
    String group = equals < 0 ? FLAGS.get(option) : null;
    if (group == null) {
      throw new GantryException(INVALID, "invalid tmpfs option [\"" + option + "\"]");
    }
    return group;
  }
}

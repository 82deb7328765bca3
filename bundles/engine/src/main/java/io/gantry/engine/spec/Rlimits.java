package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.HostSpec;
import io.gantry.spi.GantryException;
import io.gantry.spi.exec.ProcessSpec;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** {@code --ulimit}. */
final class Rlimits {
  private static final Set<String> NAMES =
      Set.of(
          "as",
          "core",
          "cpu",
          "data",
          "fsize",
          "locks",
          "memlock",
          "msgqueue",
          "nice",
          "nofile",
          "nproc",
          "rss",
          "rtprio",
          "rttime",
          "sigpending",
          "stack");

  private Rlimits() {}

  static void check(HostSpec.Ulimit limit) {
    if (!NAMES.contains(name(limit))) {
      throw new GantryException(INVALID, "invalid ulimit type: " + limit.name());
    }
    boolean above = limit.hard() >= 0 && (limit.soft() < 0 || limit.soft() > limit.hard());
    if (above) {
      throw new GantryException(
          INVALID,
          "ulimit soft limit must be less than or equal to hard limit: "
              + limit.soft()
              + " > "
              + limit.hard());
    }
  }

  static List<ProcessSpec.Rlimit> of(List<HostSpec.Ulimit> limits) {
    return limits.stream()
        .map(limit -> new ProcessSpec.Rlimit(name(limit), limit.soft(), limit.hard()))
        .toList();
  }

  static String name(HostSpec.Ulimit limit) {
    return limit.name().toLowerCase(Locale.ROOT);
  }
}

package io.gantry.engine.userns;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.linux.IdMap;
import io.gantry.linux.IdMap.Range;
import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.List;

/** Which numbers a user may give away: {@code /etc/subuid} and {@code /etc/subgid}, subuid(5). */
final class SubIds {
  private static final long LARGEST = 0xffff_fffeL;

  /** The kernel takes no more (Linux 4.15). */
  private static final int MOST_RANGES = 340;

  private SubIds() {}

  /**
   * All ranges of a user, one after the other from 0 on.
   *
   * @param what {@code subuid} or {@code subgid}
   * @param text of the file
   * @throws GantryException INVALID when there is none, or one that cannot be used
   */
  static IdMap map(String what, String text, String name, long uid) {
    List<Range> ranges = new ArrayList<>();
    long next = 0;
    for (String line : text.lines().toList()) {
      String[] fields = line.strip().split(":", -1);
      if (line.isBlank() || line.strip().startsWith("#")) {
        continue;
      }
      if (fields.length != 3) {
        throw refused(what, "invalid line: \"" + line.strip() + '"');
      }
      if (fields[0].equals(name) || fields[0].equals(Long.toString(uid))) {
        Range range = range(what, line, fields, next);
        next += range.length();
        ranges.add(range);
      }
    }
    if (ranges.isEmpty()) {
      throw new GantryException(
          INVALID,
          "Can't create ID mappings: no " + what + " ranges found for user \"" + name + '"');
    }
    check(what, ranges, next);
    return new IdMap(ranges);
  }

  private static Range range(String what, String line, String[] fields, long inside) {
    try {
      var range = new Range(inside, Long.parseLong(fields[1]), Long.parseLong(fields[2]));
      if (range.outside() >= 0
          && range.length() > 0
          && range.length() <= LARGEST
          && range.outside() + range.length() - 1 <= LARGEST) {
        return range;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw refused(what, "invalid range: \"" + line.strip() + '"');
  }

  private static void check(String what, List<Range> ranges, long total) {
    if (ranges.size() > MOST_RANGES || total > LARGEST) {
      throw refused(what, "more ranges or numbers than a user namespace takes");
    }
    for (Range range : ranges) {
      if (range.outside() == 0) {
        throw refused(what, "a range has the host's root in it, whom containers must not be");
      }
      for (Range other : ranges) {
        if (range != other
            && range.outside() < other.outside() + other.length()
            && other.outside() < range.outside() + range.length()) {
          throw refused(what, "ranges overlap");
        }
      }
    }
  }

  private static GantryException refused(String what, String why) {
    return new GantryException(INVALID, "Can't create ID mappings: /etc/" + what + ": " + why);
  }
}

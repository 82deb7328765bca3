package io.gantry.linux;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * How the numbers of users (or groups) in a user namespace are those of the host: pieces of {@code
 * uid_map}, user_namespaces(7).
 */
public record IdMap(List<Range> ranges) {

  /** What a number is shown as that has no other one on this side. */
  public static final long NOBODY = 65534;

  /** Numbers from {@code inside} on are those from {@code outside} on. */
  public record Range(long inside, long outside, long length) {}

  public IdMap {
    ranges = List.copyOf(ranges);
  }

  /**
   * @param lines {@code inside outside length}
   */
  public static IdMap parse(List<String> lines) {
    List<Range> ranges = new ArrayList<>();
    for (String line : lines) {
      String[] words = line.strip().split("\\s+", -1);
      try {
        ranges.add(
            new Range(
                Long.parseLong(words[0]), Long.parseLong(words[1]), Long.parseLong(words[2])));
      } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
        throw new GantryException(Kind.INVALID, "invalid map of users: " + line, e);
      }
    }
    return new IdMap(ranges);
  }

  public List<String> lines() {
    return ranges.stream()
        .map(range -> range.inside() + " " + range.outside() + " " + range.length())
        .toList();
  }

  /** The host's number; empty when the namespace has none for it. */
  public OptionalLong outside(long inside) {
    for (Range range : ranges) {
      if (inside >= range.inside() && inside - range.inside() < range.length()) {
        return OptionalLong.of(range.outside() + (inside - range.inside()));
      }
    }
    return OptionalLong.empty();
  }

  /** The namespace's number, {@link #NOBODY} for a user it does not have. */
  public long inside(long outside) {
    for (Range range : ranges) {
      if (outside >= range.outside() && outside - range.outside() < range.length()) {
        return range.inside() + (outside - range.outside());
      }
    }
    return NOBODY;
  }

  /** The last one of those from root on. */
  public long last() {
    long last = -1;
    for (Range range : ranges) {
      if (range.inside() == last + 1) {
        last += range.length();
      }
    }
    return last;
  }

  /**
   * The host's number of root.
   *
   * @throws GantryException INVALID when the namespace has no root
   */
  public long root() {
    return outside(0)
        .orElseThrow(() -> new GantryException(Kind.INVALID, "a map of users without root"));
  }
}

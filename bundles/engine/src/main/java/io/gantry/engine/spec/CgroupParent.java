package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.regex.Pattern;

/** What {@code --cgroup-parent} takes: a path of groups, or a slice of systemd by its name. */
public final class CgroupParent {
  private static final String SLICE = ".slice";
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-][a-zA-Z0-9_.:@-]{0,200}");
  private static final int DEEPEST = 32;

  private CgroupParent() {}

  /**
   * Names from the root down with slashes between; empty for none. A path has no {@code ..}; the
   * slice {@code a-b.slice} is in {@code a.slice}.
   *
   * @throws GantryException INVALID
   */
  public static String parse(String asked) {
    boolean isSlice = asked.endsWith(SLICE) && asked.indexOf('/') < 0;
    return isSlice ? slices(asked) : path(asked);
  }

  private static String path(String asked) {
    var names = new ArrayList<String>();
    for (String name : asked.split("/", -1)) {
      if (!name.isEmpty() && !name.equals(".")) {
        names.add(checked(name, asked));
      }
    }
    if (names.size() > DEEPEST) {
      throw invalid(asked);
    }
    return String.join("/", names);
  }

  private static String slices(String asked) {
    String name = asked.substring(0, asked.length() - SLICE.length());
    if (name.equals("-")) {
      return "";
    }
    var names = new ArrayList<String>();
    for (int dash = name.indexOf('-'); dash >= 0; dash = name.indexOf('-', dash + 1)) {
      names.add(checked(name.substring(0, dash) + SLICE, asked));
    }
    names.add(checked(asked, asked));
    if (names.size() > DEEPEST || name.isEmpty() || name.contains("--") || name.endsWith("-")) {
      throw invalid(asked);
    }
    return String.join("/", names);
  }

  private static String checked(String name, String asked) {
    if (!NAME.matcher(name).matches()) {
      throw invalid(asked);
    }
    return name;
  }

  private static GantryException invalid(String asked) {
    return new GantryException(
        INVALID,
        "invalid cgroup parent: \""
            + asked.replace("\0", "\\0")
            + "\": it is a path of control groups or named as \"xxx.slice\"");
  }
}

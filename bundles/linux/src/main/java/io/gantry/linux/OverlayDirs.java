package io.gantry.linux;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The directories of an overlay mount, absolute, and how they are spelled in the options of a
 * {@link io.gantry.spi.Mount}: as mount(8) takes them, with a backslash before each colon and
 * backslash.
 *
 * <p>Whoever mounts goes by {@link #common} and the names below it: an option page is 4 KiB, a
 * parameter of fsconfig(2) 255 bytes, and a name that is given relative needs no escapes.
 *
 * @param lower topmost first
 * @param upper empty for a mount that is only read
 * @param work empty without an upper one
 */
public record OverlayDirs(List<String> lower, String upper, String work) {

  private static final String LOWER = "lowerdir=";
  private static final String UPPER = "upperdir=";
  private static final String WORK = "workdir=";

  public OverlayDirs {
    lower = List.copyOf(lower);
  }

  /** What the options of a mount say; other options are passed over. */
  public static OverlayDirs of(List<String> options) {
    List<String> lower = List.of();
    String upper = "";
    String work = "";
    for (String option : options) {
      if (option.startsWith(LOWER)) {
        lower = split(option.substring(LOWER.length()));
      } else if (option.startsWith(UPPER)) {
        upper = String.join(":", split(option.substring(UPPER.length())));
      } else if (option.startsWith(WORK)) {
        work = String.join(":", split(option.substring(WORK.length())));
      }
    }
    return new OverlayDirs(lower, upper, work);
  }

  /** Whether an option names directories and not what else the mount shall be like. */
  public static boolean names(String option) {
    return option.startsWith(LOWER) || option.startsWith(UPPER) || option.startsWith(WORK);
  }

  /** At colons; a backslash takes the next character for what it is. */
  private static List<String> split(String directories) {
    List<String> found = new ArrayList<>();
    StringBuilder one = new StringBuilder();
    for (int i = 0; i < directories.length(); i++) {
      char c = directories.charAt(i);
      if (c == '\\' && i + 1 < directories.length()) {
        one.append(directories.charAt(++i));
      } else if (c == ':') {
        found.add(one.toString());
        one.setLength(0);
      } else {
        one.append(c);
      }
    }
    found.add(one.toString());
    found.removeIf(String::isEmpty);
    return found;
  }

  /** The directories as options. */
  public List<String> options() {
    List<String> options = new ArrayList<>();
    options.add(LOWER + String.join(":", lower.stream().map(OverlayDirs::escaped).toList()));
    if (!upper.isEmpty()) {
      options.add(UPPER + escaped(upper));
      options.add(WORK + escaped(work));
    }
    return options;
  }

  private static String escaped(String directory) {
    return directory.replace("\\", "\\\\").replace(":", "\\:");
  }

  /** The nearest directory that all of them are in. */
  public String common() {
    Path first = Path.of(all().get(0));
    int shared = first.getNameCount() - 1;
    for (String directory : all()) {
      Path path = Path.of(directory);
      shared = Math.min(shared, path.getNameCount() - 1);
      while (shared > 0 && !path.startsWith(Path.of("/").resolve(first.subpath(0, shared)))) {
        shared--;
      }
    }
    return shared > 0 ? "/" + first.subpath(0, shared) : "/";
  }

  /** The same directories by their names below {@code base}, after {@code prefix}. */
  OverlayDirs below(String base, String prefix) {
    int cut = base.endsWith("/") ? base.length() : base.length() + 1;
    return new OverlayDirs(
        lower.stream().map(directory -> prefix + directory.substring(cut)).toList(),
        upper.isEmpty() ? "" : prefix + upper.substring(cut),
        work.isEmpty() ? "" : prefix + work.substring(cut));
  }

  private List<String> all() {
    List<String> all = new ArrayList<>(lower);
    if (!upper.isEmpty()) {
      all.add(upper);
      all.add(work);
    }
    return all;
  }
}

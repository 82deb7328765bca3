package io.gantry.exec.namespaces;

import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import java.util.ArrayList;
import java.util.List;

/** A root on the kernel's overlay file system, from the options that mount(8) takes. */
final class Overlay {

  private Overlay() {}

  static void mount(Mount root, OpProgram program) {
    String upper = "";
    String work = "";
    boolean isVolatile = false;
    List<String> lower = List.of();
    List<String> others = new ArrayList<>();
    for (String option : MountOptions.parse(root.options()).data()) {
      if (option.startsWith("lowerdir=")) {
        lower = split(option.substring("lowerdir=".length()));
      } else if (option.startsWith("upperdir=")) {
        upper = option.substring("upperdir=".length());
      } else if (option.startsWith("workdir=")) {
        work = option.substring("workdir=".length());
      } else if (option.equals("volatile")) {
        isVolatile = true;
      } else {
        others.add(option);
      }
    }
    if (lower.isEmpty()) {
      throw new GantryException(Kind.INVALID, "an overlay root needs the option lowerdir");
    }
    program.rootOverlay(upper, work, isVolatile, others, lower);
  }

  /** At colons; a backslash takes the next character for what it is. */
  private static List<String> split(String directories) {
    List<String> found = new ArrayList<>();
    var one = new StringBuilder();
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
}

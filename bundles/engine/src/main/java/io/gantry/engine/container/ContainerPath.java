package io.gantry.engine.container;

import io.gantry.linux.Names;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A path in a container as clients write it, taken apart as Docker does.
 *
 * @param clean absolute, without dots and without a slash at its end; bytes
 * @param name last one; {@code /} for the root, {@code .} when it was written so
 * @param isDirectory a link at its end is followed, and only a directory will do
 */
record ContainerPath(String clean, String name, boolean isDirectory) {

  static ContainerPath parse(String text) {
    String path = Names.ofText(text);
    Deque<String> names = new ArrayDeque<>();
    for (String name : path.split("/", -1)) {
      if (name.equals("..")) {
        names.pollLast();
      } else if (!name.isEmpty() && !name.equals(".")) {
        names.addLast(name);
      }
    }
    boolean dot = path.equals(".") || path.endsWith("/.");
    String clean = "/" + String.join("/", names);
    String last = names.isEmpty() ? "/" : names.getLast();
    return new ContainerPath(clean, dot ? "." : last, dot || names.isEmpty() || path.endsWith("/"));
  }

  String parent() {
    return clean.substring(0, Math.max(1, clean.lastIndexOf('/')));
  }
}

package io.gantry.engine.container;

import io.gantry.engine.spec.Targets;
import io.gantry.linux.Names;

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
    String clean = Targets.clean(path);
    boolean dot = path.equals(".") || path.endsWith("/.");
    boolean root = clean.equals("/");
    String last = root ? "/" : clean.substring(clean.lastIndexOf('/') + 1);
    return new ContainerPath(clean, dot ? "." : last, dot || root || path.endsWith("/"));
  }

  String parent() {
    return clean.substring(0, Math.max(1, clean.lastIndexOf('/')));
  }
}

package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.util.ArrayDeque;
import java.util.Deque;

/** Where in a container something is mounted, as text: what leads where is seen at the start. */
public final class Targets {

  private Targets() {}

  /**
   * @throws GantryException INVALID
   */
  static String check(String target) {
    if (!target.startsWith("/")) {
      throw new GantryException(
          INVALID, "invalid mount path: '" + target + "' mount path must be absolute");
    }
    if (target.indexOf('\0') >= 0) {
      throw new GantryException(INVALID, "invalid mount path: it holds a zero byte");
    }
    String clean = clean(target);
    if (clean.equals("/")) {
      throw new GantryException(INVALID, "invalid specification: destination can't be '/'");
    }
    return clean;
  }

  /**
   * A directory of the host, as {@link #clean}.
   *
   * @throws GantryException INVALID
   */
  static String source(String path) {
    if (path.indexOf('\0') >= 0) {
      throw new GantryException(INVALID, "invalid mount path: it holds a zero byte");
    }
    return clean(path);
  }

  /** Absolute, without empty names and dots; {@code ..} ends at the root. */
  public static String clean(String path) {
    Deque<String> names = new ArrayDeque<>();
    for (String name : path.split("/", -1)) {
      if (name.equals("..")) {
        names.pollLast();
      } else if (!name.isEmpty() && !name.equals(".")) {
        names.addLast(name);
      }
    }
    return "/" + String.join("/", names);
  }

  /** Whether it stays where it starts: {@code a/../b} does, {@code ../a} does not. */
  static boolean isLocal(String path) {
    int depth = 0;
    for (String name : path.split("/", -1)) {
      if (name.equals("..")) {
        depth--;
      } else if (!name.isEmpty() && !name.equals(".")) {
        depth++;
      }
      if (depth < 0) {
        return false;
      }
    }
    return !path.startsWith("/") && path.indexOf('\0') < 0;
  }
}

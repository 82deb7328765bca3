package io.gantry.linux;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Visits every file of a tree, each directory before and after what is in it, however deep. Links
 * are not followed and mount points not crossed. An interrupt of the thread ends the walk with
 * CANCELLED.
 */
final class TreeWalk {

  /** Who is called on the way; {@code here} is valid during the call only. */
  interface Visitor {
    /** Anything but a directory. */
    void file(Dir here, String name, Stat stat);

    /** Before the walk goes down to {@code name}. */
    void enter(Dir here, String name, Stat stat);

    /** Before the walk leaves {@code here}; also at the very end, from the top. */
    void leave(Dir here, Stat stat);
  }

  private record Level(Stat stat, Deque<String> left) {
    static Level of(Dir dir, Stat stat) {
      return new Level(stat, new ArrayDeque<>(dir.names()));
    }
  }

  private TreeWalk() {}

  static void walk(Dir top, Visitor visitor) {
    Deque<Level> levels = new ArrayDeque<>();
    levels.push(Level.of(top, top.stat()));
    try (Trail trail = new Trail(top)) {
      while (!levels.isEmpty()) {
        checkInterrupt();
        String name = levels.element().left.poll();
        if (name == null) {
          visitor.leave(trail.here(), levels.pop().stat);
          if (!levels.isEmpty()) {
            trail.up();
          }
          continue;
        }
        Stat stat = trail.here().stat(name);
        if (stat.isDirectory()) {
          visitor.enter(trail.here(), name, stat);
          trail.down(name);
          levels.push(Level.of(trail.here(), stat));
        } else {
          visitor.file(trail.here(), name, stat);
        }
      }
    }
  }

  /** The flag stays set: whoever catches this may still want to know. */
  static void checkInterrupt() {
    if (Thread.currentThread().isInterrupted()) {
      throw new GantryException(Kind.CANCELLED, "interrupted");
    }
  }
}

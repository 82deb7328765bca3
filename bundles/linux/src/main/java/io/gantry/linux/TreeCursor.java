package io.gantry.linux;

import io.gantry.spi.GantryException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;

/**
 * Goes through a tree that others may be changing, one file at each call: names in the order of
 * their bytes, a directory before what is in it. Links are not followed. What goes away between two
 * steps is passed over. Holds as many descriptors as the tree is deep, up to a limit.
 *
 * <p>Not thread-safe.
 */
public final class TreeCursor implements AutoCloseable {

  /** Asked before a mount point is entered. */
  @FunctionalInterface
  public interface Crossing {
    boolean enters(Stat from, Stat mountPoint);
  }

  /** More names than that in the directories on the way to one file are refused. */
  static final int MOST_NAMES = 2_000_000;

  private record Level(Stat stat, Deque<String> left) {}

  private final Trail trail;
  private final Crossing crossing;
  private final Deque<Level> levels = new ArrayDeque<>();
  private int pending;
  private String name = "";
  private Stat stat;
  private boolean descends;

  /** Starts before the first name in {@code top}, which stays the caller's. */
  public TreeCursor(Dir top, Crossing crossing) {
    this.trail = new Trail(top, true);
    this.crossing = crossing;
    this.stat = top.stat();
    enter(stat);
  }

  /** Moves to the next file; false at the end. */
  public boolean next() {
    if (descends) {
      descends = false;
      goDown();
    }
    while (!levels.isEmpty()) {
      TreeWalk.checkInterrupt();
      String next = levels.element().left.poll();
      if (next == null) {
        levels.pop();
        if (!levels.isEmpty()) {
          trail.up();
        }
        continue;
      }
      pending--;
      var found = trail.here().find(next);
      if (found.isPresent()) {
        name = next;
        stat = found.get();
        descends =
            stat.isDirectory()
                && (!stat.mountRoot() || crossing.enters(levels.element().stat, stat));
        return true;
      }
    }
    return false;
  }

  private void goDown() {
    try {
      trail.down(name);
    } catch (GantryException e) {
      switch (SyscallError.errno(e)) {
        case ENOENT, ENOTDIR, ELOOP -> {
          return; // gone, or no directory any more
        }
        default -> throw e;
      }
    }
    enter(trail.here().stat());
  }

  private void enter(Stat of) {
    List<String> names = names();
    pending += names.size();
    Collections.sort(names);
    levels.push(new Level(of, new ArrayDeque<>(names)));
  }

  private List<String> names() {
    try {
      return trail.here().names(MOST_NAMES - pending);
    } catch (GantryException e) {
      if (SyscallError.errno(e) == Errno.ENOENT) {
        return new ArrayList<>(); // it has been removed
      }
      throw e;
    }
  }

  /** The next call does not go into the directory one is at. */
  public void skip() {
    descends = false;
  }

  /** The directory that holds the file; valid until the next move. */
  public Dir here() {
    return trail.here();
  }

  public String name() {
    return name;
  }

  /** As it was when the cursor came here. */
  public Stat stat() {
    return stat;
  }

  /** What the file is in, as it was when the cursor went there. */
  public Stat parent() {
    return levels.element().stat;
  }

  /** Path from the top, without a slash at its start. */
  public String path() {
    String parent = trail.path();
    return parent.isEmpty() ? name : parent + "/" + name;
  }

  /** How many directories below the top the file is. */
  public int depth() {
    return trail.depth();
  }

  @Override
  public void close() {
    trail.close();
    levels.clear();
  }
}

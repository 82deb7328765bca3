package io.gantry.linux;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * A place in a tree, moved down and up by one directory at a time. Trees may be deeper than there
 * are descriptors: only the last {@value #HELD} directories are held. Those further up are the
 * parents of what one comes from, if they are still the same; else they are opened again from the
 * top, which would make a tree's depth count with its square.
 */
public final class Trail implements AutoCloseable {

  private static final int HELD = 64;

  /** What openat2(2) resolves in one go: PATH_MAX. */
  private static final int LONGEST_PATH = 4000;

  private final Dir top;
  private final List<String> names = new ArrayList<>();
  private final Deque<Dir> held = new ArrayDeque<>();
  private final Deque<Stat> left = new ArrayDeque<>(); // of those above, from the last on
  private final boolean crossing;

  /** Starts at {@code top}, which stays the caller's. Mount points are not crossed. */
  public Trail(Dir top) {
    this(top, false);
  }

  /**
   * @param crossing whether mount points are crossed
   */
  public Trail(Dir top, boolean crossing) {
    this.top = top;
    this.crossing = crossing;
  }

  /** The directory one is in; valid until the next move. */
  public Dir here() {
    Dir last = held.peekLast();
    return last == null ? top : last;
  }

  public int depth() {
    return names.size();
  }

  public void down(String name) {
    Dir child = open(here(), name);
    names.add(name);
    held.addLast(child);
    if (held.size() > HELD) {
      try (Dir first = held.removeFirst()) {
        left.push(first.stat());
      }
    }
  }

  private Dir open(Dir from, String path) {
    return crossing ? from.dir(path) : from.dirOnSameMount(path);
  }

  /** The path from the top to here; empty at the top. */
  public String path() {
    return String.join("/", names);
  }

  /** Goes up by one and returns the name of the directory left. */
  public String up() {
    String name = names.remove(names.size() - 1);
    try (Dir child = held.removeLast()) {
      if (held.isEmpty() && !names.isEmpty()) {
        held.addLast(child.parentIf(left.pop()).orElseGet(this::reopen));
      }
    }
    return name;
  }

  private Dir reopen() {
    Dir at = top;
    for (int i = 0; i < names.size(); ) {
      StringBuilder path = new StringBuilder(names.get(i++));
      while (i < names.size() && path.length() + names.get(i).length() < LONGEST_PATH) {
        path.append('/').append(names.get(i++));
      }
      Dir from = at;
      try {
        at = open(from, path.toString());
      } finally {
        if (from != top) {
          from.close();
        }
      }
    }
    return at;
  }

  @Override
  public void close() {
    held.forEach(Dir::close);
    held.clear();
  }
}

package io.gantry.linux;

import java.util.HashSet;
import java.util.Set;

/**
 * What a tree holds: the sizes of its files, and inodes; a file of several names counts once. Sizes
 * as they look, as Docker counts them, and not as allocated: the same tree counts the same on any
 * file system. Directories count as inodes only.
 */
public record TreeUsage(long bytes, long inodes) {

  /** Whoever fills a tree chooses how many there are; of further ones each name has its share. */
  private static final int MOST_LINKED = 1 << 18;

  /**
   * Walks the tree, which may be changing: what goes away meanwhile counts or not. Mount points are
   * not crossed; an interrupt ends it with CANCELLED.
   *
   * @throws io.gantry.spi.GantryException EXHAUSTED for more names in one directory than memory is
   *     given to a stranger's tree
   */
  public static TreeUsage of(Dir top) {
    return of(top, MOST_LINKED);
  }

  static TreeUsage of(Dir top, int mostLinked) {
    Counter counter = new Counter(mostLinked);
    try (TreeCursor cursor = new TreeCursor(top, (from, to) -> false)) {
      while (cursor.next()) {
        counter.count(cursor.stat());
      }
    }
    return new TreeUsage(counter.bytes, counter.inodes);
  }

  private static final class Counter {
    private final Set<Stat.FileId> linked = new HashSet<>();
    private final int mostLinked;
    private long bytes;
    private long inodes = 1; // the top

    Counter(int mostLinked) {
      this.mostLinked = mostLinked;
    }

    void count(Stat stat) {
      if (stat.isDirectory()) {
        inodes++;
      } else if (stat.links() > 1
          && linked.size() == mostLinked
          && !linked.contains(stat.fileId())) {
        bytes += stat.size() / stat.links();
      } else if (stat.links() == 1 || linked.add(stat.fileId())) {
        bytes += stat.size();
        inodes++;
      }
    }
  }
}

package io.gantry.linux;

import java.util.HashSet;
import java.util.Set;

/**
 * What a tree takes: allocated bytes, and inodes; a file of several names counts once. Blocks that
 * reflinks share count each time.
 */
public record TreeUsage(long bytes, long inodes) {

  private static final int BLOCK = 512;

  /**
   * Walks the tree; an interrupt ends it with CANCELLED.
   *
   * @throws io.gantry.spi.GantryException NOT_FOUND when a file goes away meanwhile
   */
  public static TreeUsage of(Dir top) {
    Counter counter = new Counter();
    TreeWalk.walk(top, counter);
    return new TreeUsage(counter.blocks * BLOCK, counter.inodes);
  }

  private static final class Counter implements TreeWalk.Visitor {
    private final Set<Stat.FileId> linked = new HashSet<>();
    private long blocks;
    private long inodes;

    @Override
    public void file(Dir here, String name, Stat stat) {
      if (stat.links() == 1 || linked.add(stat.fileId())) {
        count(stat);
      }
    }

    @Override
    public void enter(Dir here, String name, Stat stat) {}

    @Override
    public void leave(Dir here, Stat stat) {
      count(stat);
    }

    private void count(Stat stat) {
      blocks += stat.blocks();
      inodes++;
    }
  }
}

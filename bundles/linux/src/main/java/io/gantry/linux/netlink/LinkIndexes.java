package io.gantry.linux.netlink;

import io.gantry.linux.Errno;
import io.gantry.linux.SyscallError;
import io.gantry.spi.GantryException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntUnaryOperator;

/** Indexes for interfaces on the host, far from those that the kernel counts. */
public final class LinkIndexes {
  private static final int COUNT = 1 << 28;
  private static final int ATTEMPTS = 50;

  private final int first;
  private final AtomicInteger next = new AtomicInteger(ThreadLocalRandom.current().nextInt(COUNT));

  /**
   * @param first at most 7 &lt;&lt; 28
   */
  public LinkIndexes(int first) {
    this.first = first;
  }

  /**
   * Makes an interface, with another index when others turn out to have the one it was to have.
   *
   * @param make of an index; fails with EBUSY when it is taken
   * @return what that returned
   */
  public int make(IntUnaryOperator make) {
    for (int i = 0; ; i++) {
      try {
        return make.applyAsInt(first + Math.floorMod(next.getAndIncrement(), COUNT));
      } catch (GantryException e) {
        if (SyscallError.errno(e) != Errno.EBUSY || i == ATTEMPTS) {
          throw e;
        }
      }
    }
  }
}

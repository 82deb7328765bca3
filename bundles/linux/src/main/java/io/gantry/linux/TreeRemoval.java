package io.gantry.linux;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * Removes a tree that others may be changing. What is gone is passed over; what came back or was
 * added is met in another round, and after {@value #ROUNDS} of them the other side has won.
 */
final class TreeRemoval {

  private static final int ROUNDS = 100;

  private TreeRemoval() {}

  /** Returns false when {@code goOn} said no before all was gone. */
  static boolean remove(Dir parent, String name, BooleanSupplier goOn) {
    for (int round = 0; round < ROUNDS; round++) {
      try {
        return removeOne(parent, name) || round(parent, name, goOn);
      } catch (GantryException e) {
        switch (SyscallError.errno(e)) {
          case ENOENT, ENOTDIR, ENOTEMPTY, EEXIST, ELOOP -> {} // changed under our hands
          default -> throw e;
        }
      }
    }
    throw new GantryException(
        Kind.CONFLICT, "others keep writing to " + Names.printable(parent.at(name)));
  }

  /**
   * Returns false for a directory that is left. Most are empty, and trying costs less than looking.
   */
  private static boolean removeOne(Dir parent, String name) {
    Optional<Errno> failure = parent.tryUnlink(name);
    if (failure.isEmpty()) {
      return true;
    }
    switch (failure.get()) {
      case ENOENT -> {}
      case EISDIR -> {
        return parent.tryRmdir(name);
      }
      default -> parent.unlink(name); // which says what is wrong
    }
    return true;
  }

  private static boolean round(Dir parent, String name, BooleanSupplier goOn) {
    Deque<Deque<String>> left = new ArrayDeque<>();
    try (Trail trail = new Trail(parent)) {
      trail.down(name);
      left.push(new ArrayDeque<>(trail.here().names()));
      while (trail.depth() > 0) {
        if (!goOn.getAsBoolean()) {
          return false;
        }
        String next = left.element().poll();
        if (next == null) {
          left.pop();
          String done = trail.up();
          trail.here().rmdir(done);
        } else if (!removeOne(trail.here(), next)) {
          trail.down(next);
          left.push(new ArrayDeque<>(trail.here().names()));
        }
      }
    }
    return true;
  }
}

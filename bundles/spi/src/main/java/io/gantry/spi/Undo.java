package io.gantry.spi;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Steps that take back what was done so far, run last first unless the whole succeeded.
 *
 * <pre>{@code
 * try (var undo = new Undo()) {
 *   undo.add(() -> cgroups.delete(id)); // first how to undo, then do: half-made things go too
 *   cgroups.create(id);
 *   undo.keep();
 * }
 * }</pre>
 *
 * A step that fails does not keep the others from running; the first failure is thrown with the
 * later ones suppressed. The steps of a thread that was interrupted run as if it were not, and it
 * is interrupted again afterwards: a cancelled call is taken back, too. Not thread-safe.
 */
public final class Undo implements AutoCloseable {

  /** One step back; run at most once. */
  @FunctionalInterface
  public interface Step {
    void run() throws Exception;
  }

  private final Deque<Step> steps = new ArrayDeque<>();

  /** Before the step that it takes back: one that fails half-way is taken back, too. */
  public void add(Step step) {
    steps.push(step);
  }

  /** All went well: nothing is taken back. */
  public void keep() {
    steps.clear();
  }

  /**
   * Takes back all that was not kept.
   *
   * @throws GantryException INTERNAL when a step failed
   */
  @Override
  public void close() {
    boolean cancelled = Thread.interrupted();
    try {
      takeBack();
    } finally {
      if (cancelled) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void takeBack() {
    GantryException failed = null;
    while (!steps.isEmpty()) {
      try {
        steps.pop().run();
      } catch (Exception e) { // any step may fail in its own way; the others must run all the same
        if (failed == null) {
          failed =
              new GantryException(
                  GantryException.Kind.INTERNAL, "clean-up failed: " + e.getMessage(), e);
        } else {
          failed.addSuppressed(e);
        }
      }
    }
    if (failed != null) {
      throw failed;
    }
  }
}

package io.gantry.monitor;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.file.Path;

/**
 * A monitor ended before its container ran, and did not say why: somebody killed it, or the zygote
 * that was about to fork it. The cause of the {@link GantryException} that {@link Monitor#created}
 * and {@link Monitor#started} end with then.
 */
public final class MonitorLost extends Exception {

  private static final long serialVersionUID = 1L;

  private MonitorLost(Throwable reason) {
    super(reason);
  }

  /** Whether that is where a failure came from. Nothing is left of the container then. */
  public static boolean isIn(Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof MonitorLost) {
        return true;
      }
    }
    return false;
  }

  static GantryException of(Path dir, Exception reason) {
    return new GantryException(
        Kind.UNAVAILABLE,
        "the monitor in " + dir + " is gone: " + reason.getMessage(),
        new MonitorLost(reason));
  }
}

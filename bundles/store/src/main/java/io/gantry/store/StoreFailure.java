package io.gantry.store;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;

/** Turns failures of the disk into the one kind that crosses bundles. */
public final class StoreFailure {

  private StoreFailure() {}

  /**
   * @param doing what was tried, with its object: {@code write /var/lib/gantry/…}
   * @return EXHAUSTED for a full disk or quota, CANCELLED for an interrupt, else INTERNAL
   */
  public static GantryException of(String doing, IOException cause) {
    if (isFull(cause)) {
      return new GantryException(
          GantryException.Kind.EXHAUSTED, doing + ": no space left on device", cause);
    }
    if (cause instanceof ClosedByInterruptException) {
      return new GantryException(GantryException.Kind.CANCELLED, doing + ": cancelled", cause);
    }
    return new GantryException(
        GantryException.Kind.INTERNAL, doing + ": " + cause.getMessage(), cause);
  }

  private static boolean isFull(IOException cause) {
    // The JDK has no type for ENOSPC and EDQUOT; the text is strerror's in the C locale it sets.
    String message = String.valueOf(cause.getMessage());
    return message.contains("No space left on device") || message.contains("Disk quota exceeded");
  }
}

package io.gantry.rest.docker;

import static io.gantry.spi.GantryException.Kind.UNSUPPORTED;

import io.gantry.spi.GantryException;

/** What Gantry cannot do yet and must not drop silently. */
public final class NotBuilt {

  private NotBuilt() {}

  /**
   * @param what is asked for, as the subject of a sentence
   * @throws GantryException UNSUPPORTED when it is asked for
   */
  public static void refuse(boolean asked, String what) {
    if (asked) {
      throw new GantryException(UNSUPPORTED, what + " is not built yet");
    }
  }
}

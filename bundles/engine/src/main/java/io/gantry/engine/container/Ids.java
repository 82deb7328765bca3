package io.gantry.engine.container;

import java.security.SecureRandom;
import java.util.HexFormat;

/** Ids: 64 random hex digits. */
final class Ids {
  private static final SecureRandom RANDOM = new SecureRandom();

  private Ids() {}

  /** Its short form is never a number alone: as a host name that would be taken for an address. */
  static String random() {
    while (true) {
      byte[] bytes = new byte[32];
      RANDOM.nextBytes(bytes);
      String id = HexFormat.of().formatHex(bytes);
      if (!id.substring(0, 12).chars().allMatch(Character::isDigit)) {
        return id;
      }
    }
  }
}

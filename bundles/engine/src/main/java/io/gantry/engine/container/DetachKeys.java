package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;

/** The keys that end a terminal session: {@code ctrl-p,ctrl-q}. */
final class DetachKeys {
  private static final String DEFAULT = "ctrl-p,ctrl-q";

  private final byte[] keys;

  private DetachKeys(byte[] keys) {
    this.keys = keys;
  }

  /**
   * @param text empty for the default
   */
  static DetachKeys parse(String text) {
    var keys = new ByteArrayOutputStream();
    for (String key : (text.isEmpty() ? DEFAULT : text).split(",", -1)) {
      keys.write(code(key));
    }
    return new DetachKeys(keys.toByteArray());
  }

  private static int code(String key) {
    if (key.length() == 1) {
      return key.charAt(0);
    }
    if (key.equals("DEL")) {
      return 127;
    }
    if (key.startsWith("ctrl-") && key.length() == 6) {
      char c = key.charAt(5);
      if (c >= 'a' && c <= 'z') {
        return c - 'a' + 1;
      }
      int at = "@[\\]^_".indexOf(c);
      if (at >= 0) {
        return at == 0 ? 0 : 26 + at;
      }
    }
    throw new GantryException(
        INVALID, "Invalid detach keys (" + key + ") provided: Unknown character: '" + key + "'");
  }

  Scan scan() {
    return new Scan();
  }

  /** Looks for the keys in what is typed; those typed so far are held back. One at a time. */
  final class Scan {
    private int matched;

    /** What may go to the process; all of {@code input} is consumed. */
    ByteBuffer pass(ByteBuffer input) {
      var out = ByteBuffer.allocate(input.remaining() + keys.length);
      while (input.hasRemaining() && matched < keys.length) {
        byte typed = input.get();
        if (typed == keys[matched]) {
          matched++;
        } else {
          out.put(keys, 0, matched);
          matched = 0;
          if (typed == keys[0]) {
            matched = 1;
          } else {
            out.put(typed);
          }
        }
      }
      input.position(input.limit());
      return out.flip();
    }

    boolean complete() {
      return matched == keys.length;
    }
  }
}

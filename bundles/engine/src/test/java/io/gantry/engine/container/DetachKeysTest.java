package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class DetachKeysTest {
  @Test
  void theKeysEndTheSessionAlsoInPieces() {
    var scan = DetachKeys.parse("").scan();
    assertEquals("a", pass(scan, "a\u0010"));
    assertFalse(scan.complete());
    assertEquals("", pass(scan, "\u0011never seen"));
    assertTrue(scan.complete());
  }

  @Test
  void halfTheKeysAreTypedAfterAll() {
    var scan = DetachKeys.parse("ctrl-a,d").scan();
    assertEquals("", pass(scan, "\u0001"));
    assertEquals("\u0001x", pass(scan, "x"));
    assertEquals("\u0001", pass(scan, "\u0001\u0001"));
    assertEquals("", pass(scan, "d"));
    assertTrue(scan.complete());
  }

  @Test
  void otherKeysAreRefused() {
    assertThrows(GantryException.class, () -> DetachKeys.parse("ctrl-pq"));
    assertThrows(GantryException.class, () -> DetachKeys.parse("a,,b"));
  }

  private static String pass(DetachKeys.Scan scan, String typed) {
    var input = ByteBuffer.wrap(typed.getBytes(StandardCharsets.ISO_8859_1));
    var passed = StandardCharsets.ISO_8859_1.decode(scan.pass(input)).toString();
    assertFalse(input.hasRemaining());
    return passed;
  }
}

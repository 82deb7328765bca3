package io.gantry.exec.namespaces;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceFilterTest {

  private static final int BLOCK = 1;
  private static final int CHAR = 2;
  private static final int MKNOD = 1;
  private static final int READ = 2;
  private static final int WRITE = 4;

  /** Runs the few instructions that the filters are made of. */
  private static boolean allows(List<String> rules, int type, int access, int major, int minor) {
    ByteBuffer program = DeviceFilter.compile(rules).buffer().order(ByteOrder.LITTLE_ENDIAN);
    int[] context = {access << 16 | type, major, minor};
    int[] registers = new int[11];
    for (int at = 0; ; at++) {
      int code = Byte.toUnsignedInt(program.get(at * 8));
      int to = program.get(at * 8 + 1) & 15;
      int from = program.get(at * 8 + 1) >> 4;
      int offset = program.getShort(at * 8 + 2);
      int k = program.getInt(at * 8 + 4);
      switch (code) {
        case 0x61 -> registers[to] = context[offset / 4];
        case 0x54 -> registers[to] &= k;
        case 0x74 -> registers[to] >>>= k;
        case 0xb4 -> registers[to] = k;
        case 0xbc -> registers[to] = registers[from];
        case 0x56 -> at += registers[to] != k ? offset : 0;
        case 0x95 -> {
          return registers[0] == 1;
        }
        default -> throw new AssertionError("instruction 0x" + Integer.toHexString(code));
      }
    }
  }

  @Test
  void whatNoRuleCoversIsRefused() {
    assertFalse(allows(List.of(), CHAR, READ, 1, 3));
    assertFalse(allows(List.of("c 1:3 rwm"), CHAR, READ, 1, 5));
    assertFalse(allows(List.of("c 1:3 rwm"), BLOCK, READ, 1, 3));
  }

  @Test
  void aRuleAllowsItsAccessesOnly() {
    List<String> rules = List.of("c 10:229 r", "c *:* m", "b 7:* rw");
    assertTrue(allows(rules, CHAR, READ, 10, 229));
    assertFalse(allows(rules, CHAR, WRITE, 10, 229));
    assertFalse(allows(rules, CHAR, READ | WRITE, 10, 229));
    assertTrue(allows(rules, CHAR, MKNOD, 250, 9));
    assertFalse(allows(rules, BLOCK, MKNOD, 7, 1));
    assertTrue(allows(rules, BLOCK, READ | WRITE, 7, 200));
  }

  @Test
  void everythingMayBeAllowed() {
    assertTrue(allows(List.of("a *:* rwm"), BLOCK, READ | WRITE | MKNOD, 8, 0));
  }

  /** The kernel refuses a program that has any. */
  @Test
  void nothingFollowsWhatAllowsEverything() {
    var alone = DeviceFilter.compile(List.of("a *:* rwm"));
    var followed = DeviceFilter.compile(List.of("a *:* rwm", "c 1:3 rwm"));
    assertEquals(alone, followed);
    assertEquals(6 * 8, alone.length(), "look at the type, then: yes");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "c 1:3", "x 1:3 r", "c 1:3 rwx", "c 99999999999:1 r", "c -1:3 r"})
  void aMalformedRuleIsRefused(String rule) {
    var failure = assertThrows(GantryException.class, () -> DeviceFilter.compile(List.of(rule)));
    assertEquals(Kind.INVALID, failure.kind());
  }
}

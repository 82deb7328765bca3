package io.gantry.exec.namespaces.seccomp;

import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Assembles classic BPF from its end to its beginning: jumps go forward only, so the place of a
 * target is known before the jump to it is written. A conditional jump reaches 255 instructions;
 * for farther targets a plain jump is put behind it. A place is the count of instructions from its
 * own to the end.
 */
final class Bpf {

  static final int EQUAL = 0x15;
  static final int GREATER = 0x25;
  static final int GREATER_OR_EQUAL = 0x35;

  private static final int LOAD = 0x20;
  private static final int AND = 0x54;
  private static final int RETURN = 0x06;
  private static final int JUMP = 0x05;
  private static final int REACH = 255;

  /** BPF_MAXINSNS. */
  private static final int MOST = 4096;

  private static final int INSTRUCTION_BYTES = 8;

  private record Instruction(int code, int ifTrue, int ifFalse, int k) {}

  private final List<Instruction> reversed = new ArrayList<>();
  private final Map<Integer, Integer> returns = new HashMap<>();

  /** Place of a return of this value; one near enough is used again. */
  int returns(int value) {
    Integer known = returns.get(value);
    if (known != null && reversed.size() - known < REACH) {
      return known;
    }
    int place = add(new Instruction(RETURN, 0, 0, value));
    returns.put(value, place);
    return place;
  }

  /** Loads a word of the call's description and goes on at the place. */
  int load(int offset, int next) {
    fallThrough(next);
    return add(new Instruction(LOAD, 0, 0, offset));
  }

  /** Masks what was loaded and goes on at the place. */
  int and(int mask, int next) {
    fallThrough(next);
    return add(new Instruction(AND, 0, 0, mask));
  }

  /** Goes on at one of two places by a comparison of what was loaded with a number, unsigned. */
  int branch(int comparison, int k, int ifTrue, int ifFalse) {
    int yes = near(ifTrue, 1);
    int no = near(ifFalse, 0);
    return add(new Instruction(comparison, distance(yes), distance(no), k));
  }

  /** The program, beginning at what was written last. */
  Bytes assemble() {
    if (reversed.size() > MOST) {
      throw new GantryException(
          Kind.INVALID,
          "the seccomp profile is too long: " + reversed.size() + " instructions, at most " + MOST);
    }
    ByteBuffer program =
        ByteBuffer.allocate(reversed.size() * INSTRUCTION_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = reversed.size() - 1; i >= 0; i--) {
      Instruction instruction = reversed.get(i);
      program
          .putShort((short) instruction.code)
          .put((byte) instruction.ifTrue)
          .put((byte) instruction.ifFalse)
          .putInt(instruction.k);
    }
    return Bytes.copyOf(program.flip());
  }

  /**
   * @param more instructions that may still be put in between
   */
  private int near(int place, int more) {
    return distance(place) + more <= REACH ? place : jump(place);
  }

  private void fallThrough(int next) {
    if (distance(next) != 0) {
      jump(next);
    }
  }

  private int jump(int place) {
    return add(new Instruction(JUMP, 0, 0, distance(place)));
  }

  /** Instructions between one that is added now and the place. */
  private int distance(int place) {
    return reversed.size() - place;
  }

  private int add(Instruction instruction) {
    reversed.add(instruction);
    return reversed.size();
  }
}

package io.gantry.exec.namespaces;

import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which devices a container may open, as a program for the unified hierarchy
 * (BPF_PROG_TYPE_CGROUP_DEVICE): the first rule that covers device and access allows it, what no
 * rule covers is refused.
 */
final class DeviceFilter {

  private static final Pattern RULE = Pattern.compile("([acb]) (\\*|\\d+):(\\*|\\d+) ([rwm]{1,3})");

  /** Fields of struct bpf_cgroup_dev_ctx. */
  private static final int ACCESS_TYPE = 0;

  private static final int MAJOR = 4;
  private static final int MINOR = 8;

  private static final int TYPE_BLOCK = 1;
  private static final int TYPE_CHAR = 2;
  private static final int ACCESS_MKNOD = 1;
  private static final int ACCESS_READ = 2;
  private static final int ACCESS_WRITE = 4;
  private static final int ACCESS_ALL = ACCESS_MKNOD | ACCESS_READ | ACCESS_WRITE;

  /** Opcodes of struct bpf_insn; all operate on 32 bits. */
  private static final int LOAD = 0x61;

  private static final int AND = 0x54;
  private static final int SHIFT_RIGHT = 0x74;
  private static final int MOVE = 0xb4;
  private static final int MOVE_REGISTER = 0xbc;
  private static final int JUMP_NOT_EQUAL = 0x56;
  private static final int EXIT = 0x95;

  private static final int RESULT = 0;
  private static final int CONTEXT = 1;
  private static final int TYPE = 2;
  private static final int ACCESS = 3;
  private static final int SCRATCH = 6;

  private static final int INSTRUCTION_BYTES = 8;

  private record Instruction(int code, int to, int from, int offset, int k) {}

  private final List<Instruction> program = new ArrayList<>();

  private DeviceFilter() {}

  /**
   * @param rules as in {@link io.gantry.spi.exec.TaskSpec.Cgroup#deviceRules}
   */
  static Bytes compile(List<String> rules) {
    var filter = new DeviceFilter();
    filter.add(LOAD, TYPE, CONTEXT, ACCESS_TYPE, 0);
    filter.add(MOVE_REGISTER, ACCESS, TYPE, 0, 0);
    filter.add(AND, TYPE, 0, 0, 0xffff);
    filter.add(SHIFT_RIGHT, ACCESS, 0, 0, 16);
    for (String rule : rules) {
      if (filter.allow(rule)) {
        return filter.assemble(); // the kernel refuses programs with a part that is never reached
      }
    }
    filter.end(0);
    return filter.assemble();
  }

  /** Returns whether it allows everything. */
  private boolean allow(String rule) {
    Matcher parts = RULE.matcher(rule);
    if (!parts.matches()) {
      throw new GantryException(Kind.INVALID, "invalid device rule: " + rule);
    }
    int first = program.size();
    switch (parts.group(1)) {
      case "b" -> skipUnless(TYPE, TYPE_BLOCK);
      case "c" -> skipUnless(TYPE, TYPE_CHAR);
      default -> {
        // of any type
      }
    }
    int refused = ACCESS_ALL & ~access(parts.group(4));
    if (refused != 0) {
      add(MOVE_REGISTER, SCRATCH, ACCESS, 0, 0);
      add(AND, SCRATCH, 0, 0, refused);
      skipUnless(SCRATCH, 0);
    }
    skipUnlessNumber(MAJOR, parts.group(2), rule);
    skipUnlessNumber(MINOR, parts.group(3), rule);
    end(1);
    boolean always = true;
    for (int i = first; i < program.size(); i++) {
      Instruction jump = program.get(i);
      if (jump.code == JUMP_NOT_EQUAL) { // to behind this rule
        always = false;
        program.set(i, new Instruction(jump.code, jump.to, 0, program.size() - i - 1, jump.k));
      }
    }
    return always;
  }

  private void skipUnlessNumber(int field, String number, String rule) {
    if (!number.equals("*")) {
      add(LOAD, SCRATCH, CONTEXT, field, 0);
      try {
        skipUnless(SCRATCH, Integer.parseUnsignedInt(number));
      } catch (NumberFormatException e) {
        throw new GantryException(Kind.INVALID, "invalid device rule: " + rule, e);
      }
    }
  }

  private void skipUnless(int register, int value) {
    add(JUMP_NOT_EQUAL, register, 0, 0, value);
  }

  private void end(int result) {
    add(MOVE, RESULT, 0, 0, result);
    add(EXIT, 0, 0, 0, 0);
  }

  private void add(int code, int to, int from, int offset, int k) {
    program.add(new Instruction(code, to, from, offset, k));
  }

  private static int access(String letters) {
    return (letters.contains("r") ? ACCESS_READ : 0)
        | (letters.contains("w") ? ACCESS_WRITE : 0)
        | (letters.contains("m") ? ACCESS_MKNOD : 0);
  }

  private Bytes assemble() {
    ByteBuffer out =
        ByteBuffer.allocate(program.size() * INSTRUCTION_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (Instruction i : program) {
      out.put((byte) i.code)
          .put((byte) (i.from << 4 | i.to))
          .putShort((short) i.offset)
          .putInt(i.k);
    }
    return Bytes.copyOf(out.flip());
  }
}

package io.gantry.exec.namespaces.seccomp;

/**
 * A comparison with an argument of a system call, all unsigned.
 *
 * @param index 0 to 5
 * @param value for MASKED_EQ the mask
 * @param valueTwo what the masked argument equals, for MASKED_EQ only
 */
record Condition(int index, Comparison comparison, long value, long valueTwo) {

  enum Comparison {
    NE,
    LT,
    LE,
    EQ,
    GE,
    GT,
    MASKED_EQ
  }

  static Condition isEqual(int index, long value) {
    return new Condition(index, Comparison.EQ, value, 0);
  }
}

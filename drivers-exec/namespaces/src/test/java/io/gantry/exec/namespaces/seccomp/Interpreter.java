package io.gantry.exec.namespaces.seccomp;

import io.gantry.spi.Bytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Runs classic BPF over struct seccomp_data as the kernel does, and refuses what it would refuse.
 */
final class Interpreter {

  private static final int DATA_BYTES = 64;

  private final int[] codes;
  private final int[] ifTrue;
  private final int[] ifFalse;
  private final int[] constants;

  Interpreter(Bytes program) {
    ByteBuffer in = program.buffer().order(ByteOrder.LITTLE_ENDIAN);
    int count = in.remaining() / 8;
    codes = new int[count];
    ifTrue = new int[count];
    ifFalse = new int[count];
    constants = new int[count];
    for (int i = 0; i < count; i++) {
      codes[i] = Short.toUnsignedInt(in.getShort());
      ifTrue[i] = Byte.toUnsignedInt(in.get());
      ifFalse[i] = Byte.toUnsignedInt(in.get());
      constants[i] = in.getInt();
    }
  }

  int length() {
    return codes.length;
  }

  /** The verdict on one call. */
  int run(int audit, long number, long... arguments) {
    ByteBuffer data = ByteBuffer.allocate(DATA_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    data.putInt((int) number).putInt(audit).putLong(0);
    for (long argument : arguments) {
      data.putLong(argument);
    }
    int a = 0;
    for (int at = 0; ; at++) {
      int k = constants[at];
      switch (codes[at]) {
        case 0x20 -> a = data.getInt(k);
        case 0x54 -> a &= k;
        case 0x05 -> at += k;
        case 0x15 -> at += a == k ? ifTrue[at] : ifFalse[at];
        case 0x25 -> at += Integer.compareUnsigned(a, k) > 0 ? ifTrue[at] : ifFalse[at];
        case 0x35 -> at += Integer.compareUnsigned(a, k) >= 0 ? ifTrue[at] : ifFalse[at];
        case 0x06 -> {
          return k;
        }
        default -> throw new AssertionError("instruction 0x" + Integer.toHexString(codes[at]));
      }
    }
  }
}

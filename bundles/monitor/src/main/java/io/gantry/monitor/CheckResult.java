package io.gantry.monitor;

import io.gantry.spi.Bytes;
import java.net.ProtocolException;
import java.time.Instant;

/**
 * How one health check went.
 *
 * @param status that it ended with; says nothing otherwise
 * @param output the beginning of what it printed; of one that could not be run, why
 * @param cut it printed more
 */
public record CheckResult(
    Instant begin, Instant end, Outcome outcome, int status, Bytes output, boolean cut) {

  /** What became of it. */
  public enum Outcome {
    /** It ended by itself. */
    ENDED,
    /** It took too long and was killed. */
    LATE,
    /** Its command could not be run. */
    NOT_RUN
  }

  private static final int FLAG_CUT = 1;

  /** Reads the value of a RESULT. */
  static CheckResult of(Bytes value) throws ProtocolException {
    Message inner = Message.parse(MessageType.CHECKED, value.buffer());
    return new CheckResult(
        ExitRecord.at(inner.number(Tag.BEGIN_NS)),
        ExitRecord.at(inner.number(Tag.TIME_NS)),
        inner.constant(Tag.OUTCOME, Outcome.values()),
        (int) inner.number(Tag.STATUS),
        inner.bytes(Tag.BYTES),
        (inner.number(Tag.FLAGS) & FLAG_CUT) != 0);
  }
}

package io.gantry.monitor;

import java.net.ProtocolException;
import java.time.Instant;

/**
 * How an exec'ed process ended.
 *
 * @param status 0 to 255; 128 + signal when one ended it
 * @param signal that ended it, or 0
 */
public record ExecExit(String execId, int status, int signal, Instant time) {

  static ExecExit of(Message message) throws ProtocolException {
    return new ExecExit(
        message.text(Tag.EXEC_ID),
        (int) message.number(Tag.STATUS),
        (int) message.number(Tag.SIGNAL),
        ExitRecord.at(message.number(Tag.TIME_NS)));
  }
}

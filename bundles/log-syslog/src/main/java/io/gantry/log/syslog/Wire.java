package io.gantry.log.syslog;

import java.io.IOException;
import java.util.List;

/** A connection to a syslog server. Used by one thread at a time. */
interface Wire extends AutoCloseable {

  /**
   * Hands messages to the kernel, all of them.
   *
   * @throws IOException when the other end does not take them in time, or is gone
   */
  void send(List<byte[]> messages) throws IOException;

  /** Whether the other end is known to be gone; what was sent last may not have arrived. */
  boolean isBroken();

  @Override
  void close();
}

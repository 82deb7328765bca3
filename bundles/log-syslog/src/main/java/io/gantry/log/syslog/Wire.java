package io.gantry.log.syslog;

import java.io.IOException;
import java.util.List;

/** A connection to a syslog server. Used by one thread at a time. */
interface Wire extends AutoCloseable {
  /**
   * Bytes that a stream lets the kernel hold. It says that there is room again when a third is
   * free: what grew by itself would look stuck while a slow server reads.
   */
  int SEND_BUFFER = 128 * 1024;

  /**
   * Hands messages to the kernel, all of them.
   *
   * @throws IOException when the other end does not take them within the wire's patience, or is
   *     gone
   */
  void send(List<byte[]> messages) throws IOException;

  /** How many bytes of messages are worth one {@link #send}; a larger message goes alone. */
  int atOnce();

  /** Whether the other end is known to be gone; what was sent last may not have arrived. */
  boolean isBroken();

  @Override
  void close();
}

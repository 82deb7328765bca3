package io.gantry.monitor;

import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import org.jspecify.annotations.Nullable;

/**
 * Cuts messages out of a connection that may turn into something else. Takes no byte beyond the
 * message it is asked for, so that what follows (the raw bytes of a stream) stays in the socket.
 */
final class MessageReader {
  private final ByteBuffer head = ByteBuffer.allocate(Message.HEAD).order(ByteOrder.LITTLE_ENDIAN);
  private @Nullable ByteBuffer payload;
  private boolean ended;

  /**
   * The next message, or null when it has not arrived whole ({@link #ended} tells whether it ever
   * will).
   */
  @Nullable Message next(ReadableByteChannel channel) throws IOException {
    if (payload == null) {
      if (!fill(channel, head)) {
        return null;
      }
      int length = head.getInt(4);
      if (length < 0 || length > Message.MAX_PAYLOAD) {
        throw new ProtocolException("message of " + Integer.toUnsignedString(length) + " bytes");
      }
      payload = ByteBuffer.allocate(length);
    }
    ByteBuffer body = payload;
    if (!fill(channel, body)) {
      return null;
    }
    int type = Byte.toUnsignedInt(head.get(0));
    head.clear();
    payload = null;
    return Message.parse(type, body.flip());
  }

  /** Whether the other side has closed. */
  boolean ended() {
    return ended;
  }

  private boolean fill(ReadableByteChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      int count = channel.read(buffer);
      if (count < 0) {
        ended = true;
        return false;
      }
      if (count == 0) {
        return false;
      }
    }
    return true;
  }
}

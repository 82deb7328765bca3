package io.gantry.monitor;

import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import org.jspecify.annotations.Nullable;

/**
 * Cuts messages out of a connection that carries nothing else. Reads whatever has arrived at once,
 * mostly a message or two, and so with one system call; between messages it holds no memory.
 */
final class MessageIntake {
  private static final int ROOM = 1024;

  private @Nullable ByteBuffer arrived; // from position to limit; null: nothing
  private boolean drained;
  private boolean ended;

  /**
   * The next message, or null when it has not arrived whole ({@link #ended} tells whether it ever
   * will). What arrives meanwhile, the end too, makes the socket readable once more.
   */
  @Nullable Message next(ReadableByteChannel channel) throws IOException {
    Message message = cut();
    while (message == null && !drained && read(channel)) {
      message = cut();
    }
    if (message == null) {
      drained = false;
    }
    return message;
  }

  /** Whether the other side has closed. */
  boolean ended() {
    return ended;
  }

  private @Nullable Message cut() throws ProtocolException {
    var from = arrived;
    if (from == null || from.remaining() < wanted(from)) {
      return null;
    }
    int start = from.position();
    int end = start + wanted(from);
    int type = Byte.toUnsignedInt(from.get(start));
    var message = Message.parse(type, from.slice(start + Message.HEAD, end - start - Message.HEAD));
    from.position(end);
    if (!from.hasRemaining()) {
      arrived = null;
    }
    return message;
  }

  /** Of the message that comes next, as far as is known. */
  private static int wanted(ByteBuffer from) throws ProtocolException {
    if (from.remaining() < Message.HEAD) {
      return Message.HEAD;
    }
    int length = from.getInt(from.position() + 4);
    if (length < 0 || length > Message.MAX_PAYLOAD) {
      throw new ProtocolException("message of " + Integer.toUnsignedString(length) + " bytes");
    }
    return Message.HEAD + length;
  }

  private boolean read(ReadableByteChannel channel) throws IOException {
    var before = arrived;
    int size = before == null ? ROOM : Math.max(ROOM, wanted(before));
    var into = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    if (before != null) {
      into.put(before.duplicate());
    }
    int count = channel.read(into);
    ended = count < 0;
    drained = into.hasRemaining(); // there was no more
    if (count > 0) {
      arrived = into.flip();
    }
    return count > 0;
  }
}

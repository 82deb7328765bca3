package io.gantry.engine.container;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;

/** The beginning of what a health check prints, taken out of its frames; read by any thread. */
final class HealthOutput {
  static final int MOST_BYTES = 4096;
  private static final int HEAD = 8;

  private final ReentrantLock lock = new ReentrantLock();
  private final ByteArrayOutputStream kept = new ByteArrayOutputStream(64); // guarded by lock
  private final byte[] head = new byte[HEAD];
  private int headBytes;
  private long left;
  private boolean cut; // guarded by lock

  /** Takes the next bytes of the stream, wherever in a frame they begin and end. */
  void take(ByteBuffer bytes) {
    while (bytes.hasRemaining()) {
      if (left == 0) {
        head[headBytes++] = bytes.get();
        if (headBytes == HEAD) {
          headBytes = 0;
          left = Integer.toUnsignedLong(ByteBuffer.wrap(head, 4, 4).getInt());
        }
        continue;
      }
      int length = (int) Math.min(left, bytes.remaining());
      keep(bytes, length);
      left -= length;
    }
  }

  private void keep(ByteBuffer bytes, int length) {
    lock.lock();
    try {
      byte[] part = new byte[Math.min(length, MOST_BYTES - kept.size())];
      bytes.get(part);
      kept.writeBytes(part);
      cut |= part.length < length;
      bytes.position(bytes.position() + length - part.length);
    } finally {
      lock.unlock();
    }
  }

  String text() {
    lock.lock();
    try {
      return text(ByteBuffer.wrap(kept.toByteArray()), cut);
    } finally {
      lock.unlock();
    }
  }

  /** As users see it. */
  static String text(ByteBuffer printed, boolean cut) {
    String text = StandardCharsets.UTF_8.decode(printed).toString();
    return cut ? text + "..." : text;
  }

  /** What is said of a check that took too long. */
  static String late(Duration timeout, String printed) {
    return "Health check exceeded timeout ("
        + GoDuration.text(timeout)
        + ")"
        + (printed.isEmpty() ? "" : ": " + printed);
  }
}

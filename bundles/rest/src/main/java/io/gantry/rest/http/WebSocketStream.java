package io.gantry.rest.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.gantry.api.ByteStream;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A stream inside the messages of a WebSocket (RFC 6455): what it gives goes out as binary messages
 * without Docker's own frames, the data of text and binary messages goes in. Nothing is collected:
 * a message may be as long as its sender likes. Each direction is used by one caller at a time.
 */
final class WebSocketStream implements ByteStream {

  private static final String GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  private static final ByteBuffer END = ByteBuffer.allocate(0);

  private static final int FINAL = 0x80;
  private static final int MASKED = 0x80;
  private static final int CONTINUATION = 0;
  private static final int TEXT = 1;
  private static final int BINARY = 2;
  private static final int CLOSE = 8;
  private static final int PING = 9;
  private static final int PONG = 10;
  private static final int MOST_CONTROL_BYTES = 125;

  private static final int NORMAL = 1000;
  private static final int PROTOCOL_ERROR = 1002;

  private final ByteStream stream;
  private final DockerFrames frames = new DockerFrames();

  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable CompletableFuture<ByteBuffer> inner; // guarded by lock
  private @Nullable CompletableFuture<ByteBuffer> reader; // guarded by lock
  private @Nullable ByteBuffer control; // guarded by lock; the last one counts
  private boolean over; // guarded by lock

  // Of the writer: one at a time.
  private final ByteBuffer head = ByteBuffer.allocate(14);
  private final byte[] mask = new byte[4];
  private int opcode;
  private boolean inPieces; // the last frame of a message is still to come
  private long left;
  private int masked;
  private ByteBuffer controlData = END;

  WebSocketStream(ByteStream stream) {
    this.stream = stream;
  }

  /** The header that answers a client's {@code Sec-WebSocket-Key}. */
  static String accept(String key) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-1").digest((key + GUID).getBytes(ISO_8859_1));
      return Base64.getEncoder().encodeToString(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-1", e);
    }
  }

  /** Raw: what goes out is made of messages already. */
  @Override
  public boolean terminal() {
    return true;
  }

  @Override
  public CompletionStage<ByteBuffer> read() {
    var next = new CompletableFuture<ByteBuffer>();
    CompletableFuture<ByteBuffer> asked;
    boolean heard;
    lock.lock();
    try {
      var first = control;
      if (first != null) {
        control = null;
        return CompletableFuture.completedFuture(first);
      }
      if (over) {
        return CompletableFuture.completedFuture(END);
      }
      reader = next;
      heard = inner != null;
      asked = ask();
    } finally {
      lock.unlock();
    }
    if (heard && !asked.isDone()) {
      return next; // who waits since before serves this one: a client may send pings without end
    }
    asked.whenComplete((bytes, failure) -> arrived(asked, bytes, failure));
    return next;
  }

  /** The lock is held. */
  private CompletableFuture<ByteBuffer> ask() {
    var asked = inner;
    if (asked == null) {
      asked = stream.read().toCompletableFuture();
      inner = asked;
    }
    return asked;
  }

  private void arrived(
      CompletableFuture<ByteBuffer> asked,
      @Nullable ByteBuffer bytes,
      @Nullable Throwable failure) {
    boolean ends = failure != null || bytes == null || !bytes.hasRemaining();
    CompletableFuture<ByteBuffer> waiting;
    ByteBuffer message;
    CompletableFuture<ByteBuffer> again = null;
    lock.lock();
    try {
      waiting = reader;
      if (inner != asked || waiting == null) {
        return; // the next read finds it
      }
      inner = null;
      message = ends ? closing(NORMAL) : message(BINARY, data(bytes));
      over |= ends;
      if (!ends && message.limit() == 2) { // the head of a frame alone
        again = ask();
      } else {
        reader = null;
      }
    } finally {
      lock.unlock();
    }
    if (again != null) {
      var next = again;
      next.whenComplete((more, failed) -> arrived(next, more, failed));
    } else {
      waiting.complete(message);
    }
  }

  private ByteBuffer data(@Nullable ByteBuffer bytes) {
    if (bytes == null) {
      return END;
    }
    return stream.terminal() ? bytes : frames.strip(bytes);
  }

  private static ByteBuffer message(int opcode, ByteBuffer data) {
    int length = data.remaining();
    var message = ByteBuffer.allocate(length + 10);
    message.put((byte) (FINAL | opcode));
    if (length <= MOST_CONTROL_BYTES) {
      message.put((byte) length);
    } else if (length < 1 << 16) {
      message.put((byte) 126).putShort((short) length);
    } else {
      message.put((byte) 127).putLong(length);
    }
    return message.put(data).flip();
  }

  private static ByteBuffer closing(int code) {
    return message(CLOSE, ByteBuffer.allocate(2).putShort((short) code).flip());
  }

  @Override
  public CompletionStage<Void> write(ByteBuffer input) {
    var data = ByteBuffer.allocate(input.remaining());
    while (input.hasRemaining()) {
      if (left == 0 && !readHead(input)) {
        break; // it goes on with the next bytes
      }
      take(input, data);
      if (left == 0) {
        answerControl();
      }
    }
    return data.flip().hasRemaining()
        ? stream.write(data)
        : CompletableFuture.completedFuture(null);
  }

  /** True when a frame's head is complete and its data comes next. */
  private boolean readHead(ByteBuffer input) {
    while (head.position() < 2 || head.position() < headBytes()) {
      if (!input.hasRemaining()) {
        return false;
      }
      head.put(input.get());
    }
    int first = head.get(0) & 0xff;
    int form = head.get(1) & 0x7f;
    left = form == 126 ? head.getShort(2) & 0xffff : form == 127 ? head.getLong(2) : form;
    head.get(head.position() - 4, mask);
    masked = 0;
    opcode = first & 0x0f;
    boolean isMasked = (head.get(1) & MASKED) != 0;
    head.clear();
    if (!isMasked || (first & 0x70) != 0 || left < 0 || !isKnown(first) || !isInOrder(first)) {
      end(PROTOCOL_ERROR);
      left = Long.MAX_VALUE; // whatever else comes is dropped
      opcode = PONG;
      controlData = END;
      return true;
    }
    if (opcode >= CLOSE) {
      controlData = ByteBuffer.allocate((int) left);
    }
    return true;
  }

  /** A message in pieces goes on, and no other one begins in it; control frames come in between. */
  private boolean isInOrder(int first) {
    if (opcode >= CLOSE) {
      return true;
    }
    boolean isSo = (opcode == CONTINUATION) == inPieces;
    inPieces = (first & FINAL) == 0;
    return isSo;
  }

  private int headBytes() {
    int form = head.get(1) & 0x7f;
    return 2 + (form == 126 ? 2 : form == 127 ? 8 : 0) + 4;
  }

  private boolean isKnown(int first) {
    return switch (opcode) {
      case CONTINUATION, TEXT, BINARY -> true;
      case CLOSE, PING, PONG -> (first & FINAL) != 0 && left <= MOST_CONTROL_BYTES;
      default -> false;
    };
  }

  private void take(ByteBuffer input, ByteBuffer data) {
    int length = (int) Math.min(left, input.remaining());
    var target = opcode >= CLOSE ? controlData : data;
    for (int i = 0; i < length; i++) {
      byte plain = (byte) (input.get() ^ mask[masked++ & 3]);
      if (target.hasRemaining()) {
        target.put(plain);
      }
    }
    left -= length;
  }

  /** At the end of a frame: it may be one that controls the connection. */
  private void answerControl() {
    if (opcode == PING) {
      say(message(PONG, controlData.flip()), false);
    } else if (opcode == CLOSE) {
      end(NORMAL);
    }
  }

  private void end(int code) {
    say(closing(code), true);
  }

  private void say(ByteBuffer message, boolean last) {
    CompletableFuture<ByteBuffer> waiting;
    lock.lock();
    try {
      if (over) {
        return;
      }
      over = last;
      waiting = reader;
      reader = null;
      if (waiting == null) {
        control = message;
      }
    } finally {
      lock.unlock();
    }
    if (waiting != null) {
      waiting.complete(message);
    }
  }

  @Override
  public CompletionStage<Void> closeInput() {
    return stream.closeInput();
  }

  @Override
  public void close() {
    stream.close();
  }

  /** Takes Docker's frames away, wherever they are cut. */
  private static final class DockerFrames {
    private static final int HEAD = 8;

    private final ByteBuffer head = ByteBuffer.allocate(HEAD);
    private long left;

    ByteBuffer strip(ByteBuffer bytes) {
      var data = ByteBuffer.allocate(bytes.remaining());
      while (bytes.hasRemaining()) {
        if (left == 0) {
          head.put(bytes.get());
          if (!head.hasRemaining()) {
            left = Integer.toUnsignedLong(head.getInt(4));
            head.clear();
          }
          continue;
        }
        int length = (int) Math.min(left, bytes.remaining());
        data.put(bytes.slice(bytes.position(), length));
        bytes.position(bytes.position() + length);
        left -= length;
      }
      return data.flip();
    }
  }
}

package io.gantry.linux.netlink;

import io.gantry.linux.NetlinkSocket;
import io.gantry.linux.SyscallError;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Requests and their answers on one socket, one request at a time. The kernel has carried a request
 * out when it is sent, so whatever it answers is there to be read: nothing here waits.
 */
final class Exchange implements AutoCloseable {

  /**
   * A message that the kernel sent, to be read at once: the next ones take its place.
   *
   * @param body what follows the head
   */
  record Answer(int type, ByteBuffer body) {

    Attributes attributes(int skip) {
      return Attributes.of(body.slice(skip, Math.max(0, body.limit() - skip)));
    }
  }

  private static final int ANSWERS = 64 << 10; // twice what the kernel makes of a dump at a time
  private static final int QUESTIONS = 4 << 10;
  private static final int ERROR = 2;
  private static final int DONE = 3;
  private static final int CAPPED = 0x100;
  private static final int WITH_ATTRIBUTES = 0x200;
  private static final int INTERRUPTED = 0x10;
  private static final int SAID = 1;
  private static final int RETRIES = 20;

  private final NetlinkSocket socket;
  private final ReentrantLock lock = new ReentrantLock();
  private final ByteBuffer answers = direct(ANSWERS); // guarded by lock
  private ByteBuffer questions = direct(QUESTIONS); // guarded by lock
  private int sequence; // guarded by lock
  private boolean changing; // guarded by lock; the dump is of two states
  private volatile int port;

  Exchange(NetlinkSocket socket) {
    this.socket = socket;
  }

  /**
   * Has messages carried out.
   *
   * @throws GantryException about the first that failed, which for rtnetlink does not keep the
   *     later ones from being tried
   */
  void carryOut(MessageWriter messages) {
    ask(messages, answer -> Optional.empty());
  }

  /**
   * Has a request carried out and gathers what of its answers {@code reading} makes something of.
   */
  <T> List<T> ask(MessageWriter messages, Function<Answer, Optional<T>> reading) {
    lock.lock();
    try {
      for (int i = 0; ; i++) {
        var found = askOnce(messages, reading);
        if (!changing || i == RETRIES) {
          return found;
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private <T> List<T> askOnce(MessageWriter messages, Function<Answer, Optional<T>> reading) {
    byte[] bytes = messages.bytes();
    var outcome = new Outcome<T>(messages, sequence, reading);
    sequence += messages.count();
    changing = false;
    socket.send(request(bytes, outcome.base));
    while (!outcome.whole && socket.receive(answers)) {
      if (port == 0 && answers.remaining() >= MessageWriter.HEAD) {
        port = answers.getInt(12);
      }
      while (answers.remaining() >= MessageWriter.HEAD && outcome.read(answers)) {
        changing |= outcome.interrupted;
      }
    }
    return outcome.found();
  }

  /** The number that the kernel knows the socket by; 0 until it has answered. */
  int port() {
    return port;
  }

  /** What the answers to a request come to. */
  private static final class Outcome<T> {
    private final MessageWriter messages;
    private final int base; // the numbers of the messages follow it
    private final Function<Answer, Optional<T>> reading;
    private final List<T> found = new ArrayList<>();
    private @Nullable GantryException failure;
    private boolean ended; // something was acknowledged or refused
    private boolean whole; // nothing more will come
    private boolean interrupted;

    Outcome(MessageWriter messages, int base, Function<Answer, Optional<T>> reading) {
      this.messages = messages;
      this.base = base;
      this.reading = reading;
    }

    /** Reads the next answer; false when there is none whole. */
    boolean read(ByteBuffer from) {
      int start = from.position();
      int length = from.getInt(start);
      if (length < MessageWriter.HEAD || length > from.remaining()) {
        return false;
      }
      int flags = from.getShort(start + 6);
      int of = from.getInt(start + 8) - base;
      var body = from.slice(start + MessageWriter.HEAD, length - MessageWriter.HEAD);
      from.position(Math.min(from.limit(), start + (length + 3 & ~3)));
      if (of >= 1 && of <= messages.count()) { // else of a request whose answers nobody read
        interrupted |= (flags & INTERRUPTED) != 0;
        int type = from.getShort(start + 4);
        take(type, flags, messages.name(of), body.order(from.order()));
        whole |= type == DONE || (type == ERROR && of == messages.last());
      }
      return true;
    }

    private void take(int type, int flags, String name, ByteBuffer body) {
      if (type == ERROR) {
        var told = failure(name, flags, body);
        failure = failure == null ? told : failure;
        ended = true;
      } else if (type == DONE) {
        ended = true;
        if (body.remaining() >= 4 && body.getInt(0) < 0) {
          failure = SyscallError.told(name, -body.getInt(0), "");
        }
      } else {
        reading.apply(new Answer(type, body)).ifPresent(found::add);
      }
    }

    List<T> found() {
      if (failure != null) {
        throw failure;
      }
      if (!ended) {
        throw new GantryException(Kind.INTERNAL, "no answer: " + messages.name(messages.count()));
      }
      return found;
    }
  }

  /** The messages, numbered on from {@code base}. */
  private ByteBuffer request(byte[] bytes, int base) {
    if (questions.capacity() < bytes.length) {
      questions = direct(bytes.length);
    }
    questions.clear().put(bytes).flip();
    for (int at = 0; at < bytes.length; at += questions.getInt(at) + 3 & ~3) {
      questions.putInt(at + 8, questions.getInt(at + 8) + base);
    }
    return questions;
  }

  private static ByteBuffer direct(int size) {
    return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
  }

  /** Null for an acknowledgement. */
  private static @Nullable GantryException failure(String name, int flags, ByteBuffer body) {
    int number = -body.getInt(0);
    if (number == 0) {
      return null;
    }
    String words = "";
    if ((flags & WITH_ATTRIBUTES) != 0) {
      int request = (flags & CAPPED) != 0 ? MessageWriter.HEAD : body.getInt(4) + 3 & ~3;
      int skip = Math.min(body.limit(), 4 + request);
      words = Attributes.of(body.slice(skip, body.limit() - skip)).text(SAID);
    }
    return SyscallError.told(name, number, words);
  }

  @Override
  public void close() {
    socket.close();
  }
}

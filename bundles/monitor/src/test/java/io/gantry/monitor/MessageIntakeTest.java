package io.gantry.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class MessageIntakeTest {
  private final List<String> texts = List.of("", "one", "x".repeat(5000), "another", "last");

  /** A socket on which so much arrives at a time, and then nothing, or the end. */
  private static final class Source implements ReadableByteChannel {
    private final ByteBuffer all;
    private final int atATime;
    private boolean ends;
    private int given;
    private int reads;

    Source(byte[] all, int atATime) {
      this.all = ByteBuffer.wrap(all);
      this.atATime = atATime;
    }

    void more() {
      given = Math.min(all.capacity(), given + atATime);
    }

    @Override
    public int read(ByteBuffer into) {
      reads++;
      all.limit(Math.min(given, all.position() + into.remaining()));
      int count = all.remaining();
      into.put(all);
      return count == 0 && ends && given == all.capacity() ? -1 : count;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }

  private byte[] messages() {
    var all = new ByteArrayOutputStream();
    for (String text : texts) {
      var bytes = Message.of(MessageType.HELLO).text(Tag.TEXT, text).build();
      all.write(bytes.array(), 0, bytes.remaining());
    }
    return all.toByteArray();
  }

  @Test
  void messagesAreTheSameHoweverTheyArrive() throws Exception {
    for (int atATime : new int[] {1, 3, 7, 8, 9, 1000, 1024, 6000, 1 << 20}) {
      var source = new Source(messages(), atATime);
      var intake = new MessageIntake();
      var seen = new ArrayList<String>();
      while (source.given < source.all.capacity()) {
        source.more();
        // As often as the socket is readable.
        while (source.all.position() < source.given) {
          for (var m = intake.next(source); m != null; m = intake.next(source)) {
            seen.add(m.text(Tag.TEXT));
          }
        }
      }
      assertEquals(texts, seen, atATime + " bytes at a time");
      assertFalse(intake.ended());
      source.ends = true;
      assertNull(intake.next(source));
      assertTrue(intake.ended());
    }
  }

  @Test
  void whatArrivesTogetherIsReadAtOnce() throws Exception {
    var bytes = Message.of(MessageType.HELLO).text(Tag.TEXT, "one").build();
    var twice = ByteBuffer.allocate(2 * bytes.remaining());
    twice.put(bytes.duplicate()).put(bytes.duplicate());
    var source = new Source(twice.array(), 1 << 20);
    source.more();
    var intake = new MessageIntake();
    assertEquals("one", java.util.Objects.requireNonNull(intake.next(source)).text(Tag.TEXT));
    assertEquals("one", java.util.Objects.requireNonNull(intake.next(source)).text(Tag.TEXT));
    assertNull(intake.next(source));
    assertEquals(1, source.reads);
  }

  @Test
  void aLengthBeyondAllMessagesIsRefused() {
    var source = new Source(new byte[] {1, 0, 0, 0, 1, 0, 64, 0}, 8);
    source.more();
    assertThrows(ProtocolException.class, () -> new MessageIntake().next(source));
  }
}

package io.gantry.linux.netlink;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * Netlink messages, one after the other in one buffer, as netlink(7) has them: a head, a body of
 * the family's, and attributes that may hold attributes. Numbered from 1; the last one asks for an
 * acknowledgement, the others are heard of only when they fail.
 */
final class MessageWriter {
  static final int REQUEST = 0x1;
  static final int ACK = 0x4;
  static final int REPLACE = 0x100;
  static final int DUMP = 0x300;
  static final int EXCLUSIVE = 0x200;
  static final int CREATE = 0x400;
  static final int APPEND = 0x800;

  static final int HEAD = 16;
  private static final int NESTED = 0x8000;
  private static final int MOST_OF_ATTRIBUTE = 0xffff;

  private ByteBuffer buffer = ByteBuffer.allocate(512).order(ByteOrder.nativeOrder());
  private final Deque<Integer> nests = new ArrayDeque<>();
  private final List<String> names = new ArrayList<>();
  private int message = -1; // where the one begins that is being written
  private int last = -1; // and the last one that asks for something
  private int lastNumber;

  /** Ends the message before and begins the next. */
  MessageWriter begin(int type, int flags, String name) {
    mark(type, flags, name);
    last = message;
    lastNumber = names.size();
    return this;
  }

  /** A message that frames others and is not acknowledged. */
  MessageWriter mark(int type, int flags, String name) {
    end();
    names.add(name);
    message = buffer.position();
    room(HEAD);
    buffer.putInt(0).putShort((short) type).putShort((short) (REQUEST | flags));
    buffer.putInt(names.size()).putInt(0);
    return this;
  }

  private void end() {
    if (message < 0) {
      return;
    }
    if (!nests.isEmpty()) {
      throw new IllegalStateException("an attribute is open");
    }
    buffer.putInt(message, buffer.position() - message);
    message = -1;
  }

  /** Number of the one that is acknowledged, which the kernel does last. */
  int last() {
    return lastNumber;
  }

  int count() {
    return names.size();
  }

  /**
   * @param number from 1
   */
  String name(int number) {
    return number > 0 && number <= names.size() ? names.get(number - 1) : "netlink";
  }

  /** All of them; nothing more can be added to the last one. */
  byte[] bytes() {
    end();
    if (last >= 0) {
      short flags = buffer.getShort(last + 6);
      if ((flags & DUMP) != DUMP) {
        buffer.putShort(last + 6, (short) (flags | ACK));
      }
    }
    return Arrays.copyOf(buffer.array(), buffer.position());
  }

  // Bodies

  MessageWriter u8(int value) {
    room(1);
    buffer.put((byte) value);
    return this;
  }

  MessageWriter u16(int value) {
    room(2);
    buffer.putShort((short) value);
    return this;
  }

  MessageWriter be16(int value) {
    return u8(value >> 8).u8(value);
  }

  MessageWriter u32(long value) {
    room(4);
    buffer.putInt((int) value);
    return this;
  }

  /** Changes a number of the body of the message that is being written. */
  void or32(int offset, int bits) {
    int at = message + HEAD + offset;
    buffer.putInt(at, buffer.getInt(at) | bits);
  }

  // Attributes

  MessageWriter attribute(int type, byte[] value) {
    if (value.length + 4 > MOST_OF_ATTRIBUTE) {
      throw new GantryException(Kind.INVALID, "too long for netlink: " + value.length + " bytes");
    }
    int padded = value.length + 3 & ~3;
    room(4 + padded);
    buffer.putShort((short) (4 + value.length)).putShort((short) type).put(value);
    while (buffer.position() % 4 != 0) {
      buffer.put((byte) 0);
    }
    return this;
  }

  MessageWriter attribute8(int type, int value) {
    return attribute(type, new byte[] {(byte) value});
  }

  MessageWriter attribute16(int type, int value) {
    var bytes = ByteBuffer.allocate(2).order(ByteOrder.nativeOrder()).putShort((short) value);
    return attribute(type, bytes.array());
  }

  MessageWriter attribute32(int type, long value) {
    room(8);
    buffer.putShort((short) 8).putShort((short) type).putInt((int) value);
    return this;
  }

  MessageWriter attributeBe32(int type, long value) {
    return attribute(type, be32(value));
  }

  /** A string that ends with NUL. */
  MessageWriter attribute(int type, String value) {
    byte[] bytes = value.getBytes(ISO_8859_1);
    return attribute(type, Arrays.copyOf(bytes, bytes.length + 1));
  }

  MessageWriter nest(int type) {
    room(4);
    nests.push(buffer.position());
    buffer.putShort((short) 0).putShort((short) (type | NESTED));
    return this;
  }

  MessageWriter close() {
    int at = nests.pop();
    int length = buffer.position() - at;
    if (length > MOST_OF_ATTRIBUTE) {
      throw new GantryException(Kind.INVALID, "too long for netlink: " + length + " bytes");
    }
    buffer.putShort(at, (short) length);
    return this;
  }

  static byte[] be32(long value) {
    return ByteBuffer.allocate(4).putInt((int) value).array();
  }

  private void room(int bytes) {
    if (buffer.remaining() < bytes) {
      int size = Math.max(buffer.capacity() * 2, buffer.position() + bytes);
      var larger = ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
      buffer = larger.put(buffer.flip());
    }
  }
}

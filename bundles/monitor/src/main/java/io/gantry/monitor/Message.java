package io.gantry.monitor;

import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.ByteArrayOutputStream;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One message of the helper's protocol: a type and attributes, in the byte form of {@code
 * PROTOCOL.md}. Attributes whose tag is unknown are kept and never asked for.
 */
record Message(int type, List<Attribute> attributes) {

  /** Bytes in front of every payload: type, flags, zero, length. */
  static final int HEAD = 8;

  /** A payload is never longer. */
  static final int MAX_PAYLOAD = 4 << 20;

  private static final int ATTRIBUTE_HEAD = 8;

  record Attribute(int tag, Bytes value) {}

  Message {
    attributes = List.copyOf(attributes);
  }

  static Builder of(int type) {
    return new Builder(type);
  }

  /**
   * Reads the attributes of a payload.
   *
   * @throws ProtocolException when the lengths do not add up
   */
  static Message parse(int type, ByteBuffer payload) throws ProtocolException {
    ByteBuffer in = payload.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    List<Attribute> attributes = new ArrayList<>();
    while (in.hasRemaining()) {
      if (in.remaining() < ATTRIBUTE_HEAD) {
        throw new ProtocolException("message " + type + " ends inside an attribute");
      }
      int tag = Short.toUnsignedInt(in.getShort());
      in.getShort();
      int length = in.getInt();
      if (length < 0 || padded(length) > in.remaining()) {
        throw new ProtocolException("message " + type + " ends inside attribute " + tag);
      }
      ByteBuffer value = in.slice(in.position(), length);
      attributes.add(new Attribute(tag, Bytes.copyOf(value)));
      in.position(in.position() + (int) padded(length));
    }
    return new Message(type, attributes);
  }

  boolean has(Tag tag) {
    return find(tag) != null;
  }

  /** A number, 0 when the attribute is absent. */
  long number(Tag tag) throws ProtocolException {
    Bytes value = find(tag);
    if (value == null) {
      return 0;
    }
    if (value.length() != Long.BYTES) {
      throw new ProtocolException(tag + " of message " + type + " is not a number");
    }
    return value.buffer().order(ByteOrder.LITTLE_ENDIAN).getLong();
  }

  /** The constant that a number stands for. */
  <T> T constant(Tag tag, T[] constants) throws ProtocolException {
    long number = number(tag);
    if (number < 0 || number >= constants.length) {
      throw new ProtocolException("unknown " + tag + " " + number);
    }
    return constants[(int) number];
  }

  /** Bytes, none when the attribute is absent. */
  Bytes bytes(Tag tag) {
    Bytes value = find(tag);
    return value == null ? Bytes.EMPTY : value;
  }

  /** A string, empty when the attribute is absent. */
  String text(Tag tag) {
    Bytes value = find(tag);
    return value == null ? "" : text(value);
  }

  List<String> texts(Tag tag) {
    return all(tag).stream().map(Message::text).toList();
  }

  List<Bytes> all(Tag tag) {
    List<Bytes> all = new ArrayList<>();
    for (Attribute attribute : attributes) {
      if (attribute.tag == tag.number) {
        all.add(attribute.value);
      }
    }
    return all;
  }

  private @Nullable Bytes find(Tag tag) {
    for (Attribute attribute : attributes) {
      if (attribute.tag == tag.number) {
        return attribute.value;
      }
    }
    return null;
  }

  private static String text(Bytes value) {
    return new String(value.toArray(), StandardCharsets.UTF_8);
  }

  private static long padded(long length) {
    return (length + 3) & ~3L;
  }

  /** Collects attributes in order. */
  static final class Builder {
    private final int type;
    private final ByteArrayOutputStream payload = new ByteArrayOutputStream();

    private Builder(int type) {
      this.type = type;
    }

    Builder number(Tag tag, long value) {
      ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      return bytes(tag, bytes.putLong(value).array());
    }

    Builder text(Tag tag, String value) {
      return bytes(tag, value.getBytes(StandardCharsets.UTF_8));
    }

    Builder texts(Tag tag, List<String> values) {
      values.forEach(value -> text(tag, value));
      return this;
    }

    Builder bytes(Tag tag, byte[] value) {
      ByteBuffer head = ByteBuffer.allocate(ATTRIBUTE_HEAD).order(ByteOrder.LITTLE_ENDIAN);
      head.putShort((short) tag.number).putShort((short) 0).putInt(value.length);
      payload.writeBytes(head.array());
      payload.writeBytes(value);
      payload.writeBytes(new byte[(int) padded(value.length) - value.length]);
      return this;
    }

    /** The whole message, ready to be written. */
    ByteBuffer build() {
      if (payload.size() > MAX_PAYLOAD) {
        throw new GantryException(
            Kind.INVALID,
            "the description of the process is too long: "
                + payload.size()
                + " bytes, at most "
                + MAX_PAYLOAD);
      }
      ByteBuffer whole = ByteBuffer.allocate(HEAD + payload.size());
      return whole.put(head(type, payload.size())).put(payload.toByteArray()).flip();
    }
  }

  /** Only the head of a message whose payload follows. */
  static ByteBuffer head(int type, int length) {
    return ByteBuffer.allocate(HEAD)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put((byte) type)
        .put((byte) 0)
        .putShort((short) 0)
        .putInt(length)
        .flip();
  }
}

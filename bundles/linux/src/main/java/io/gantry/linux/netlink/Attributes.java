package io.gantry.linux.netlink;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The attributes of a message, by type; of those that occur more than once, the last. */
final class Attributes {
  private static final int TYPE = 0x3fff; // without the flags for nesting and byte order

  private final Map<Integer, ByteBuffer> values = new HashMap<>();

  private Attributes() {}

  static Attributes of(ByteBuffer bytes) {
    var attributes = new Attributes();
    for (var left = at(bytes); left.remaining() >= 4; ) {
      int length = Short.toUnsignedInt(left.getShort(left.position()));
      if (length < 4 || length > left.remaining()) {
        break;
      }
      int type = left.getShort(left.position() + 2) & TYPE;
      attributes.values.put(type, at(left.slice(left.position() + 4, length - 4)));
      left.position(Math.min(left.limit(), left.position() + (length + 3 & ~3)));
    }
    return attributes;
  }

  /** What a list holds, whose members all have one type. */
  static List<Attributes> list(@Nullable ByteBuffer bytes) {
    var members = new ArrayList<Attributes>();
    for (var left = bytes == null ? null : at(bytes); left != null && left.remaining() >= 4; ) {
      int length = Short.toUnsignedInt(left.getShort(left.position()));
      if (length < 4 || length > left.remaining()) {
        break;
      }
      members.add(of(left.slice(left.position() + 4, length - 4)));
      left.position(Math.min(left.limit(), left.position() + (length + 3 & ~3)));
    }
    return members;
  }

  private static ByteBuffer at(ByteBuffer bytes) {
    return bytes.slice().order(ByteOrder.nativeOrder());
  }

  @Nullable ByteBuffer raw(int type) {
    return values.get(type);
  }

  boolean has(int type) {
    return values.containsKey(type);
  }

  /** Empty when there is none. */
  byte[] bytes(int type) {
    ByteBuffer value = values.get(type);
    if (value == null) {
      return new byte[0];
    }
    byte[] bytes = new byte[value.remaining()];
    value.get(value.position(), bytes);
    return bytes;
  }

  /** Empty when there is none. */
  String text(int type) {
    String text = new String(bytes(type), ISO_8859_1);
    int end = text.indexOf(0);
    return end < 0 ? text : text.substring(0, end);
  }

  /** 0 when there is none. */
  int number(int type) {
    ByteBuffer value = values.get(type);
    if (value == null) {
      return 0;
    }
    return switch (value.remaining()) {
      case 1 -> value.get(0);
      case 4 -> value.getInt(0);
      default -> 0;
    };
  }

  /** 0 when there is none. */
  int be32(int type) {
    ByteBuffer value = values.get(type);
    return value == null || value.remaining() < 4
        ? 0
        : value.duplicate().order(ByteOrder.BIG_ENDIAN).getInt(0);
  }

  Attributes nested(int type) {
    ByteBuffer value = values.get(type);
    return value == null ? new Attributes() : of(value);
  }
}

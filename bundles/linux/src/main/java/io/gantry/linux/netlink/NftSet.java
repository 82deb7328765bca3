package io.gantry.linux.netlink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A set or a map of nf_tables.
 *
 * @param keys what stands side by side in its elements
 * @param data what they map to; none for a set
 * @param ranges whether its elements are ranges: of several keys, each by itself
 */
public record NftSet(String name, List<Type> keys, List<Type> data, boolean ranges) {

  /** Types of values, with their numbers in nft(8), which it lists them by. */
  public enum Type {
    IPV4(7, 4, 2),
    IPV6(8, 16, 2),
    PROTOCOL(12, 1, 2),
    PORT(13, 2, 2),
    INTERFACE(41, 16, 1),
    /** What becomes of a packet; of a map only. */
    VERDICT(0xffffff00, 0, 0);

    final int number;
    final int bytes;
    private final int order; // of its bytes, as nft(8) notes it: 1 the host's, 2 the network's

    Type(int number, int bytes, int order) {
      this.number = number;
      this.bytes = bytes;
      this.order = order;
    }
  }

  private static final int BITS_OF_TYPE = 6;

  public NftSet {
    keys = List.copyOf(keys);
    data = List.copyOf(data);
  }

  public static NftSet of(String name, Type... keys) {
    return new NftSet(name, List.of(keys), List.of(), false);
  }

  /** A set of networks, or of what stands side by side from one value to another. */
  public static NftSet ofRanges(String name, Type... keys) {
    return new NftSet(name, List.of(keys), List.of(), true);
  }

  boolean hasFields() {
    return ranges && keys.size() > 1;
  }

  /** A map from networks. */
  public static NftSet mapOfRanges(String name, Type key, Type data) {
    return new NftSet(name, List.of(key), List.of(data), true);
  }

  public static NftSet map(String name, List<Type> keys, Type... data) {
    return new NftSet(name, keys, List.of(data), false);
  }

  static int number(List<Type> types) {
    int number = 0;
    for (Type type : types) {
      number = number << BITS_OF_TYPE | type.number;
    }
    return number;
  }

  /** What nft(8) needs for listing them: which order the bytes of keys and data have. */
  byte[] userData() {
    var notes = ByteBuffer.allocate(data.isEmpty() ? 6 : 12).order(ByteOrder.nativeOrder());
    notes.put((byte) 0).put((byte) 4).putInt(order(keys));
    if (!data.isEmpty()) {
      notes.put((byte) 1).put((byte) 4).putInt(order(data));
    }
    return notes.array();
  }

  private static int order(List<Type> types) {
    return types.size() == 1 ? types.get(0).order : 0;
  }

  static int bytes(List<Type> types) {
    return types.size() == 1
        ? types.get(0).bytes
        : types.stream().mapToInt(type -> type.bytes + 3 & ~3).sum();
  }
}

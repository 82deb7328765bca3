package io.gantry.image.layer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.gantry.store.Digest;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Arrays;

/**
 * Which paths a layer has made so far, and by which entry: 12 bytes for each, however long the path
 * is. A path is known by 64 bits of its SHA-256: should two ever meet, a tar made again from the
 * recipe fails its check, and nothing else.
 */
final class PathIndex {

  /** Not made by this layer, or gone again. */
  static final int ABSENT = -1;

  /** Made by this layer, without content of its own. */
  static final int NO_CONTENT = -2;

  private static final int FREE = 0;

  private final MessageDigest hash = Digest.Algorithm.SHA256.hash();
  private long[] keys = new long[1 << 10];
  private int[] values = new int[1 << 10]; // FREE, or a value shifted by 3
  private int used;

  int get(String path) {
    int value = values[slot(keys, values, key(path))];
    return value == FREE ? ABSENT : value - 3;
  }

  void put(String path, int entry) {
    long key = key(path);
    int slot = slot(keys, values, key);
    if (values[slot] == FREE) {
      if (++used > keys.length / 2) {
        grow();
        slot = slot(keys, values, key);
      }
      keys[slot] = key;
    }
    values[slot] = entry + 3;
  }

  boolean has(String path) {
    return get(path) != ABSENT;
  }

  private void grow() {
    long[] newKeys = new long[keys.length * 2];
    int[] newValues = new int[keys.length * 2];
    for (int i = 0; i < keys.length; i++) {
      if (values[i] != FREE) {
        int slot = slot(newKeys, newValues, keys[i]);
        newKeys[slot] = keys[i];
        newValues[slot] = values[i];
      }
    }
    keys = newKeys;
    values = newValues;
  }

  private static int slot(long[] keys, int[] values, long key) {
    int mask = keys.length - 1;
    int slot = (int) key & mask;
    while (values[slot] != FREE && keys[slot] != key) {
      slot = slot + 1 & mask;
    }
    return slot;
  }

  private long key(String path) {
    hash.update(path.getBytes(ISO_8859_1));
    return ByteBuffer.wrap(Arrays.copyOf(hash.digest(), 8)).getLong();
  }
}

package io.gantry.linux;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel counts under names, in its order. Immutable; the names are shared by all samples
 * of one kind of file, since there are dozens of them and they are read every second.
 */
final class Counters extends AbstractMap<String, Long> {

  /** The names of one kind of file. */
  static final class Names {
    private final List<String> names;
    private final byte[][] bytes;
    private final Map<String, Integer> places = new HashMap<>();

    /**
     * @param inOrder each once
     */
    Names(Collection<String> inOrder) {
      names = List.copyOf(inOrder);
      names.forEach(name -> places.put(name, places.size()));
      bytes = names.stream().map(name -> name.getBytes(ISO_8859_1)).toArray(byte[][]::new);
    }

    int size() {
      return bytes.length;
    }

    /** How long the name at that place is, when it is what begins there; otherwise -1. */
    int match(int place, byte[] text, int from, int to) {
      byte[] name = bytes[place];
      int end = from + name.length;
      return end < to && text[end] == ' ' && Arrays.equals(name, 0, name.length, text, from, end)
          ? name.length
          : -1;
    }
  }

  private final Names names;
  private final long[] values;

  /**
   * @param values one for each name; not changed any more
   */
  Counters(Names names, long[] values) {
    this.names = names;
    this.values = values;
  }

  @Override
  public @Nullable Long get(@Nullable Object name) {
    Integer place = names.places.get(name);
    return place == null ? null : values[place];
  }

  @Override
  public boolean containsKey(@Nullable Object name) {
    return names.places.containsKey(name);
  }

  @Override
  public Set<Entry<String, Long>> entrySet() {
    return new AbstractSet<>() {
      @Override
      public Iterator<Entry<String, Long>> iterator() {
        return IntStream.range(0, values.length)
            .mapToObj(place -> Map.entry(names.names.get(place), values[place]))
            .iterator();
      }

      @Override
      public int size() {
        return values.length;
      }
    };
  }
}

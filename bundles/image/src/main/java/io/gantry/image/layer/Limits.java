package io.gantry.image.layer;

/**
 * How much an archive may ask for before it is taken for a bomb.
 *
 * @param maxBytes of the archive once decompressed, and of the files in it with their holes; the
 *     free space of the disk is a good value
 * @param freeBytes up to this many decompressed bytes, {@code maxRatio} is not looked at
 * @param maxRatio decompressed to compressed bytes
 * @param maxEntries files, directories and all else
 */
public record Limits(long maxBytes, long freeBytes, int maxRatio, int maxEntries) {

  /** For layers: everything that fits on the disk, as long as it is no bomb. */
  public static Limits layer(long freeSpace) {
    return new Limits(freeSpace, 4L << 30, 200, 2_000_000);
  }
}

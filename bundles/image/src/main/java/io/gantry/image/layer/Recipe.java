package io.gantry.image.layer;

import io.gantry.linux.Dir;
import io.gantry.linux.File;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * How a layer's tar is made again from its tree: everything that is not content of files, in order,
 * and where the contents go.
 *
 * <p>Form (gzip): {@code GYR1}, then segments: {@code R} length bytes; {@code F} entry offset
 * length path: bytes of a file of the tree; {@code E} count (entry digest)…: the end, and which
 * entries' contents are no longer in the tree since a later entry replaced them, but in a blob.
 * Numbers are big-endian.
 */
final class Recipe {

  private static final int MAGIC = 0x47595231;
  private static final int LONGEST_PATH = 1 << 16;
  private static final int LONGEST_RAW = 1 << 16;

  private Recipe() {}

  /** Writes a recipe while its layer is applied. */
  static final class Writer implements TarReader.Raw, AutoCloseable {

    private final GZIPOutputStream gzip;
    private final DataOutputStream out;
    private final byte[] raw = new byte[LONGEST_RAW];
    private int pending;
    private final Map<Integer, Digest> displaced = new HashMap<>();
    private final List<Digest> blobs;

    /**
     * @param blobs gets every blob the recipe needs, as soon as it does
     */
    Writer(OutputStream out, List<Digest> blobs) throws IOException {
      this.blobs = blobs;
      this.gzip = new GZIPOutputStream(new KeptOpen(out), 1 << 13);
      this.out = new DataOutputStream(new BufferedOutputStream(gzip));
      this.out.writeInt(MAGIC);
    }

    @Override
    public void raw(byte[] bytes, int length) throws IOException {
      for (int from = 0; from < length; ) {
        int n = Math.min(length - from, raw.length - pending);
        System.arraycopy(bytes, from, raw, pending, n);
        pending += n;
        from += n;
        if (pending == raw.length) {
          flushRaw();
        }
      }
    }

    private void flushRaw() throws IOException {
      if (pending > 0) {
        out.writeByte('R');
        out.writeInt(pending);
        out.write(raw, 0, pending);
        pending = 0;
      }
    }

    /** Content that is in the tree from now on. */
    void file(int entry, String path, long offset, long length) throws IOException {
      flushRaw();
      out.writeByte('F');
      out.writeInt(entry);
      out.writeLong(offset);
      out.writeLong(length);
      byte[] name = path.getBytes(StandardCharsets.ISO_8859_1);
      out.writeInt(name.length);
      out.write(name);
    }

    /** The content of an entry went out of the tree into a blob. */
    void displaced(int entry, Digest blob) {
      displaced.put(entry, blob);
      blobs.add(blob);
    }

    /** All has been written; the stream below stays open. */
    void finish() throws IOException {
      flushRaw();
      out.writeByte('E');
      out.writeInt(displaced.size());
      for (var entry : displaced.entrySet()) {
        out.writeInt(entry.getKey());
        out.writeUTF(entry.getValue().toString());
      }
      out.flush();
      gzip.finish();
    }

    /** Lets go of the compressor. */
    @Override
    public void close() throws IOException {
      gzip.close();
    }
  }

  /** The recipe's end is not yet the end of its blob. */
  private static final class KeptOpen extends FilterOutputStream {

    KeptOpen(OutputStream out) {
      super(out);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      out.write(bytes, offset, length);
    }

    @Override
    public void close() {}
  }

  /**
   * Makes the tar again.
   *
   * @param recipe opens the recipe; done twice
   * @param tree of the layer
   * @throws GantryException INTERNAL when recipe or tree have been damaged
   */
  static void play(
      Supplier<InputStream> recipe, Dir tree, Function<Digest, InputStream> blobs, OutputStream tar)
      throws IOException {
    Map<Integer, Digest> displaced = new HashMap<>();
    try (DataInputStream in = open(recipe)) {
      new Player(in, displaced, Optional.empty(), blobs, OutputStream.nullOutputStream()).play();
    }
    try (DataInputStream in = open(recipe)) {
      new Player(in, displaced, Optional.of(tree), blobs, tar).play();
    }
  }

  /** How long the tar is that the recipe makes. */
  static long tarBytes(Supplier<InputStream> recipe) throws IOException {
    try (DataInputStream in = open(recipe)) {
      var player =
          new Player(
              in,
              new HashMap<>(),
              Optional.empty(),
              blob -> InputStream.nullInputStream(),
              OutputStream.nullOutputStream());
      return player.play();
    }
  }

  private static DataInputStream open(Supplier<InputStream> recipe) throws IOException {
    var in =
        new DataInputStream(new BufferedInputStream(new GZIPInputStream(recipe.get(), 1 << 13)));
    if (in.readInt() != MAGIC) {
      throw damaged();
    }
    return in;
  }

  private static GantryException damaged() {
    return new GantryException(Kind.INTERNAL, "the recipe of a layer is damaged");
  }

  /** One pass; without a tree it only finds out what has been displaced. */
  private record Player(
      DataInputStream in,
      Map<Integer, Digest> displaced,
      Optional<Dir> tree,
      Function<Digest, InputStream> blobs,
      OutputStream tar) {

    /** Tells the length of the tar. */
    long play() throws IOException {
      byte[] buffer = new byte[LONGEST_RAW];
      long bytes = 0;
      while (true) {
        switch (in.readByte()) {
          case 'R' -> {
            int length = bounded(in.readInt(), buffer.length);
            in.readFully(buffer, 0, length);
            tar.write(buffer, 0, length);
            bytes += length;
          }
          case 'F' -> bytes += file(buffer);
          case 'E' -> {
            for (int count = in.readInt(); count > 0; count--) {
              displaced.put(in.readInt(), Digest.parse(in.readUTF()));
            }
            return bytes;
          }
          default -> throw damaged();
        }
      }
    }

    private long file(byte[] buffer) throws IOException {
      int entry = in.readInt();
      long offset = in.readLong();
      long length = in.readLong();
      byte[] name = new byte[bounded(in.readInt(), LONGEST_PATH)];
      in.readFully(name);
      if (tree.isEmpty()) {
        return length;
      }
      Digest blob = displaced.get(entry);
      if (blob != null) {
        try (InputStream content = blobs.apply(blob)) {
          content.skipNBytes(offset);
          copy(content, length, buffer);
        }
        return length;
      }
      String path = new String(name, StandardCharsets.ISO_8859_1);
      try (File content = tree.get().open(path)) {
        content.position(offset);
        copy(content, path, length, buffer);
      }
      return length;
    }

    private void copy(InputStream content, long length, byte[] buffer) throws IOException {
      for (long left = length; left > 0; ) {
        int n = content.read(buffer, 0, (int) Math.min(left, buffer.length));
        if (n < 0) {
          throw damaged();
        }
        tar.write(buffer, 0, n);
        left -= n;
      }
    }

    private void copy(File content, String path, long length, byte[] buffer) throws IOException {
      ByteBuffer view = ByteBuffer.wrap(buffer);
      for (long left = length; left > 0; ) {
        view.clear().limit((int) Math.min(left, buffer.length));
        int n = content.read(view);
        if (n < 0) {
          throw new GantryException(
              Kind.INTERNAL, "a file of a layer has become shorter: " + BadTar.quoted(path));
        }
        tar.write(buffer, 0, n);
        left -= n;
      }
    }

    private static int bounded(int length, int longest) {
      if (length < 0 || length > longest) {
        throw damaged();
      }
      return length;
    }
  }
}

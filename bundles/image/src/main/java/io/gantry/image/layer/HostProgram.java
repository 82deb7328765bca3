package io.gantry.image.layer;

import io.airlift.compress.zstd.ZstdOutputStream;
import io.gantry.image.layer.BoxedProgram.Box;
import io.gantry.image.layer.BoxedProgram.Feed;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * One program of the host for one thing, and whether it can be used: it has to turn a sample into
 * what Java makes of it, in the box. Asked again when its file is another one. Thread-safe.
 */
final class HostProgram {

  /** Java's way. */
  interface Java {
    byte[] apply(byte[] sample) throws IOException;
  }

  private static final byte[] SAMPLE = sample();

  private final List<String> command;
  private final Java before;
  private final Java after;

  /** What was found out, of which file. */
  private record Finding(@Nullable FileTime modified, @Nullable Object key, String problem) {}

  private volatile @Nullable Finding finding; // written under the lock of this

  /**
   * @param command the program by its absolute path, and its arguments
   * @param before makes of the sample what the program gets
   * @param after makes the sample of what the program gives
   */
  HostProgram(List<String> command, Java before, Java after) {
    this.command = List.copyOf(command);
    this.before = before;
    this.after = after;
  }

  private static byte[] sample() {
    byte[] sample = new byte[100_000];
    for (int i = 0; i < sample.length; i++) {
      sample[i] = (byte) (i * i >> 8);
    }
    return sample;
  }

  String path() {
    return command.get(0);
  }

  BoxedProgram start(Box box, Feed feed) throws IOException {
    return BoxedProgram.start(box, command, feed);
  }

  /** The command, and which file it was found to work with. */
  String form() {
    Finding known = finding;
    return String.join(" ", command) + " of " + (known == null ? "" : known.modified);
  }

  /** What {@link #problem} said last; asks nobody. */
  Optional<String> known() {
    return Optional.ofNullable(finding).map(Finding::problem);
  }

  /** Why it cannot be used; empty when it can. */
  synchronized String problem(Box box) {
    FileTime modified = null;
    Object key = null;
    try {
      var file = Files.readAttributes(Path.of(path()), BasicFileAttributes.class);
      modified = file.lastModifiedTime();
      key = file.fileKey();
    } catch (IOException e) {
      // There is none, most of the time.
    }
    Finding known = finding;
    if (known == null
        || !Objects.equals(known.modified, modified)
        || !Objects.equals(known.key, key)) {
      known = new Finding(modified, key, key == null ? "no " + path() : tried(box));
      finding = known;
    }
    return known.problem;
  }

  private String tried(Box box) {
    try {
      byte[] given = before.apply(SAMPLE);
      try (InputStream in = start(box, out -> out.write(given))) {
        boolean isGood = Arrays.equals(after.apply(in.readAllBytes()), SAMPLE);
        return isGood ? "" : path() + " does not give back what it should";
      }
    } catch (IOException | RuntimeException e) {
      return String.valueOf(e.getMessage());
    }
  }

  static byte[] gzip(byte[] plain) throws IOException {
    var out = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(plain);
    }
    return out.toByteArray();
  }

  static byte[] gunzip(byte[] packed) throws IOException {
    try (InputStream in = new Gunzip(new ByteArrayInputStream(packed))) {
      return in.readAllBytes();
    }
  }

  static byte[] zstd(byte[] plain) throws IOException {
    var out = new ByteArrayOutputStream();
    try (OutputStream zstd = new ZstdOutputStream(out)) {
      zstd.write(plain);
    }
    return out.toByteArray();
  }

  static byte[] same(byte[] bytes) {
    return bytes;
  }
}

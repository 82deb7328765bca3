package io.gantry.image.layer;

import io.airlift.compress.zstd.ZstdInputStream;
import io.gantry.image.layer.BoxedProgram.Box;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * What decompresses and compresses layers: programs of the host, in the helper's box, where they
 * are and work, else Java. Either decoder gives equal bytes, and equal sentences for what is
 * damaged; compressors differ.
 *
 * <p>Programs are looked for when they are needed, and again when their file has changed.
 * Thread-safe.
 */
public final class Codecs implements AutoCloseable {

  /**
   * What does a thing.
   *
   * @param name {@code decoder.gzip}, {@code decoder.zstd} or {@code encoder.gzip}
   * @param by path of the program; else {@code Java}, and why
   */
  public record Use(String name, String by) {}

  /** What is to be compressed. */
  public interface Plain {

    /** May be on another thread than who asked for it. */
    void writeTo(OutputStream out) throws IOException;
  }

  /** Compresses by gzip, always in the same way: equal input becomes equal bytes. */
  public interface Encoder {

    /** What another one, or another version of it, has not. */
    String form();

    /**
     * @param out is written to on the caller's thread, and left open
     */
    void encode(Plain plain, OutputStream out) throws IOException;
  }

  /** After which they are looked for, unless they are needed before: the engine's start is over. */
  private static final int LOOK_SECONDS = 10;

  /** What ends before this much has come is not worth a process, which takes some milliseconds. */
  static final int SMALL = 512 << 10;

  static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final String IGZIP = "/usr/bin/igzip";
  private static final String ZSTD = "/usr/bin/zstd";

  /**
   * Measured: half the time of zlib's usual 6, for 3 % more bytes; 1 would save 30 % of it, for 8
   * %. igzip's 3, its best, is 2 % more than zlib's 4, in an eighth of the time.
   */
  private static final int LEVEL = 4;

  private static final int BUFFER = 1 << 16;

  /** What decoders say of data that ends too early: igzip's and the JVM's of zstd. */
  private static final List<String> CUT = List.of("complete gzip file", "Not enough input");

  private final HostProgram gunzip =
      new HostProgram(List.of(IGZIP, "-d", "-c"), HostProgram::gzip, HostProgram::same);
  private final HostProgram unzstd =
      new HostProgram(
          List.of(ZSTD, "-d", "-c", "-q", "--no-asyncio", "--memory=8MB"),
          HostProgram::zstd,
          HostProgram::same);
  private final HostProgram gzip =
      new HostProgram(List.of(IGZIP, "-3", "-n", "-c"), HostProgram::same, HostProgram::gunzip);

  private final @Nullable ScheduledThreadPoolExecutor watch;
  private final @Nullable Box box;
  private volatile boolean isOn = true;

  /** Java alone. */
  public Codecs() {
    watch = null;
    box = null;
  }

  /**
   * @param helper the native helper
   */
  public Codecs(Path helper) {
    this(helper, PATIENCE);
  }

  /**
   * @param patience how long a program may do nothing
   */
  Codecs(Path helper, Duration patience) {
    var executor =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              var thread = new Thread(task, "image-codec-watch");
              thread.setDaemon(true);
              return thread;
            });
    executor.setRemoveOnCancelPolicy(true);
    watch = executor;
    box = new Box(helper.toString(), executor, patience);
    executor.schedule(this::look, LOOK_SECONDS, TimeUnit.SECONDS);
  }

  /**
   * Whether programs of the host are used where they are; what is under way goes on as it began.
   */
  public void useHost(boolean on) {
    isOn = on;
  }

  /** Looks for programs of the host before they are needed, so that {@link #uses} knows of them. */
  void look() {
    Box in = box;
    if (in != null) {
      List.of(gunzip, unzstd, gzip).forEach(program -> program.problem(in));
    }
  }

  /** What is used, as far as it is known; asks nobody. */
  public List<Use> uses() {
    return List.of(
        use("decoder.gzip", gunzip), use("decoder.zstd", unzstd), use("encoder.gzip", gzip));
  }

  private Use use(String name, HostProgram program) {
    Box in = box;
    if (in == null || !isOn) {
      return new Use(name, "Java (programs of the host are switched off)");
    }
    return new Use(
        name,
        program
            .known()
            .map(problem -> problem.isEmpty() ? program.path() : "Java (" + problem + ")")
            .orElse("not known yet"));
  }

  /** The box, if the program is to be used and works. */
  private Optional<Box> boxFor(HostProgram program) {
    Box in = box;
    return in != null && isOn && program.problem(in).isEmpty() ? Optional.of(in) : Optional.empty();
  }

  /** As {@link Decoder#open(InputStream, Limits)}. */
  public InputStream open(InputStream in, Limits limits) {
    return Decoder.open(in, limits, this);
  }

  /**
   * @param in at the first member; closed with the answer
   */
  InputStream gunzip(InputStream in) throws IOException {
    Optional<Box> with = boxFor(gunzip);
    if (with.isEmpty()) {
      return javaGzip(in);
    }
    byte[] head = in.readNBytes(SMALL);
    var all = new SequenceInputStream(new ByteArrayInputStream(head), in);
    return head.length < SMALL
        ? javaGzip(all)
        : new Decoded("gzip", gunzip.start(with.get(), program -> copy(all, program)), all);
  }

  /**
   * @param in at the first frame; closed with the answer
   */
  InputStream unzstd(InputStream in) throws IOException {
    Optional<Box> with = boxFor(unzstd);
    if (with.isEmpty()) {
      return javaZstd(in);
    }
    byte[] head = in.readNBytes(SMALL);
    var all = new SequenceInputStream(new ByteArrayInputStream(head), in);
    if (head.length < SMALL) {
      return javaZstd(all);
    }
    var frames = new ZstdFrames(new BufferedInputStream(all, BUFFER));
    return new Decoded("zstd", unzstd.start(with.get(), program -> copy(frames, program)), frames);
  }

  private static void copy(InputStream from, OutputStream to) throws IOException {
    byte[] buffer = new byte[BUFFER];
    for (int n; (n = from.read(buffer)) >= 0; ) {
      to.write(buffer, 0, n);
    }
  }

  private static InputStream javaGzip(InputStream in) {
    return new Decoded("gzip", new Gunzip(in), in);
  }

  private static InputStream javaZstd(InputStream in) {
    var frames = new ZstdFrames(new BufferedInputStream(in, BUFFER));
    return new Decoded("zstd", new ZstdInputStream(frames), frames);
  }

  /** Says the same of damaged data, whoever has found it. */
  private static final class Decoded extends FilterInputStream {
    private final String format;
    private final InputStream source;

    Decoded(String format, InputStream plain, InputStream source) {
      super(plain);
      this.format = format;
      this.source = source;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      try {
        return in.read(into, offset, length);
      } catch (GantryException | EOFException e) {
        throw e;
      } catch (IOException | RuntimeException e) { // decoders fail in any way on hostile data
        throw explained(e);
      }
    }

    private IOException explained(Exception e) {
      if (e instanceof BoxedProgram.Failed failed && failed.isRefusal()) {
        throw new GantryException(Kind.INTERNAL, String.valueOf(e.getMessage()), e);
      }
      boolean isCut = CUT.stream().anyMatch(String.valueOf(e.getMessage())::contains);
      return isCut
          ? (IOException) new EOFException().initCause(e)
          : new IOException("its " + format + " data is corrupt", e);
    }

    @Override
    public void close() throws IOException {
      try (source) {
        in.close();
      }
    }
  }

  /** What compresses now; it stays what it is, so that bytes are equal each time it is used. */
  public Encoder encoder() {
    Optional<Box> with = boxFor(gzip);
    return with.isPresent() ? new HostEncoder(gzip, with.get(), gzip.form()) : new JavaEncoder();
  }

  private record HostEncoder(HostProgram program, Box box, String form) implements Encoder {
    @Override
    public void encode(Plain plain, OutputStream out) throws IOException {
      try (InputStream packed = program.start(box, plain::writeTo)) {
        copy(packed, out);
      } catch (BoxedProgram.Failed e) {
        throw new GantryException(Kind.INTERNAL, "compress a layer: " + e.getMessage(), e);
      }
    }
  }

  private record JavaEncoder() implements Encoder {

    /** The JDK's compressor is another one with another JDK. */
    private static final String FORM = "gzip %d of Java %s".formatted(LEVEL, Runtime.version());

    @Override
    public String form() {
      return FORM;
    }

    @Override
    public void encode(Plain plain, OutputStream out) throws IOException {
      var gzip = new Deflating(out);
      try {
        plain.writeTo(gzip);
        gzip.finish();
      } finally {
        gzip.end();
      }
    }
  }

  /** Writes no time and no name, so equal input is equal output. */
  private static final class Deflating extends GZIPOutputStream {
    Deflating(OutputStream out) throws IOException {
      super(out, BUFFER);
      def.setLevel(LEVEL);
    }

    /** Lets go of the compressor, and leaves the stream below open. */
    void end() {
      def.end();
    }
  }

  /** Nothing may be decoded or encoded any more. */
  @Override
  public void close() {
    if (watch != null) {
      watch.shutdownNow();
    }
  }
}

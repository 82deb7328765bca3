package io.gantry.image.layer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.gantry.linux.Pipe;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Undo;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What a program of the host makes of a stream, in the helper's box, while it makes it. A thread of
 * its own starts the program, feeds it and waits for its end, since the kernel ends the program
 * with the thread that started it; the caller reads.
 *
 * <p>The program's end and what it says are looked at when its output ends: an output that ends is
 * a good one only then. One that neither takes nor gives anything, though it could, is ended.
 */
final class BoxedProgram extends InputStream {

  /** Gives the program its input; runs on another thread than the caller's. */
  interface Feed {

    /**
     * @throws IOException goes to who reads, as do {@code RuntimeException}s
     */
    void writeTo(OutputStream program) throws IOException;
  }

  /**
   * What runs programs.
   *
   * @param helper by its path
   * @param watch looks now and then for those that do nothing
   * @param patience how long one may do nothing
   */
  record Box(String helper, ScheduledExecutorService watch, Duration patience) {}

  private static final int BUFFER = 1 << 17;
  private static final int MOST_WORDS = 1 << 10;

  /** Larger pieces of input are not copied together. */
  private static final int SMALL_WRITES = 1 << 14;

  private static final int END_SECONDS = 10;
  private static final int SIGNALLED = 128;
  private static final int MOST_SIGNALS = 64;

  private final Box box;
  private final List<String> command;
  private final Feed feed;
  private final FileChannel output;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER).limit(0);
  private final Thread feeder;
  private final CountDownLatch begun = new CountDownLatch(1); // it runs, or there is a failure
  private boolean ended;

  private volatile @Nullable Process process;
  private volatile @Nullable Throwable failure; // of what it is fed with, or of its start
  private volatile boolean closing;
  private volatile boolean hung;

  // When the last wait for the program began, in nanoseconds; 0 while there is none.
  private volatile long feedsSince;
  private volatile long readsSince;

  private BoxedProgram(Box box, List<String> command, Feed feed, Pipe in, Pipe out)
      throws IOException {
    this.box = box;
    this.command = command;
    this.feed = feed;
    this.output = out.reading();
    this.feeder = new Thread(() -> run(in, out), "image-codec");
    this.feeder.setDaemon(true);
  }

  /**
   * @param command the program, by its absolute path, and its arguments
   */
  static BoxedProgram start(Box box, List<String> command, Feed feed) throws IOException {
    try (var undo = new Undo()) {
      Pipe in = Pipe.open();
      undo.add(in::close);
      Pipe out = Pipe.open();
      undo.add(out::close);
      var boxed = new BoxedProgram(box, command, feed, in, out);
      boxed.feeder.start();
      undo.keep(); // the thread closes them
      return boxed;
    }
  }

  private void run(Pipe in, Pipe out) {
    ScheduledFuture<?> watched = null;
    try (FileChannel input = begin(in, out)) {
      begun.countDown();
      long period = Math.max(1, box.patience().toMillis() / 4);
      watched =
          box.watch().scheduleWithFixedDelay(this::look, period, period, TimeUnit.MILLISECONDS);
      feed(input);
    } catch (IOException | RuntimeException | Error e) {
      failure = e;
      kill();
    } finally {
      begun.countDown();
      awaitEnd();
      if (watched != null) {
        watched.cancel(false);
      }
    }
  }

  private FileChannel begin(Pipe in, Pipe out) {
    List<String> all = new ArrayList<>(List.of(box.helper(), "box"));
    all.addAll(command);
    try (in;
        out) {
      FileChannel input = in.writing();
      process =
          new ProcessBuilder(all).redirectInput(in.source()).redirectOutput(out.sink()).start();
      return input;
    } catch (IOException e) {
      throw new GantryException(
          Kind.INTERNAL, "cannot run " + program() + ": " + e.getMessage(), e);
    }
  }

  private String program() {
    return command.get(0);
  }

  /**
   * Takes note of a failure before the program sees the end of its input, which may be a good one.
   */
  private void feed(FileChannel input) {
    var program = new BufferedOutputStream(new Input(input), SMALL_WRITES);
    try {
      feed.writeTo(program);
      program.flush();
    } catch (Refused e) {
      // It has ended, and its status says why; or the caller has closed it.
    } catch (IOException | RuntimeException | Error e) {
      failure = e;
      kill();
    }
  }

  /** The program ends with this thread, so the thread stays. */
  private void awaitEnd() {
    feedsSince = System.nanoTime() | 1;
    Process it = process;
    while (it != null && it.isAlive()) {
      if (closing) {
        kill();
      }
      try {
        it.waitFor();
      } catch (InterruptedException e) {
        // it is being closed
      }
    }
  }

  private void look() {
    long fed = feedsSince;
    long read = readsSince;
    long now = System.nanoTime();
    if (fed != 0
        && read != 0
        && now - fed > box.patience().toNanos()
        && now - read > box.patience().toNanos()) {
      hung = true;
      kill();
    }
  }

  private void kill() {
    Process it = process;
    if (it != null) {
      it.destroyForcibly();
    }
  }

  /** The program takes no more. */
  private static final class Refused extends IOException {
    private static final long serialVersionUID = 1;

    Refused(IOException cause) {
      super(cause);
    }
  }

  private final class Input extends OutputStream {
    private final OutputStream out;

    Input(FileChannel channel) {
      out = Channels.newOutputStream(channel);
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      feedsSince = System.nanoTime() | 1;
      try {
        out.write(bytes, offset, length);
      } catch (IOException e) {
        throw new Refused(e);
      } finally {
        feedsSince = 0;
      }
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  /**
   * @throws Failed when the program ends in another way than it should
   * @throws GantryException CANCELLED on an interrupt; what the feed throws, too
   */
  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (!buffer.hasRemaining() && !fill()) {
      return -1;
    }
    int n = Math.min(length, buffer.remaining());
    buffer.get(into, offset, n);
    return n;
  }

  private boolean fill() throws IOException {
    if (ended) {
      return false;
    }
    buffer.clear();
    readsSince = System.nanoTime() | 1;
    try {
      int n = output.read(buffer);
      if (n < 0) {
        finish();
        ended = true;
      }
      return n >= 0;
    } catch (ClosedByInterruptException e) {
      Thread.interrupted(); // what is undone now must not be disturbed by it
      throw new GantryException(Kind.CANCELLED, "cancelled", e);
    } finally {
      readsSince = 0;
      buffer.flip();
    }
  }

  private void finish() throws IOException {
    Process it = ended();
    throwFailure();
    if (it == null) {
      throw new GantryException(Kind.INTERNAL, program() + " has closed its output and goes on");
    }
    if (hung) {
      throw new GantryException(
          Kind.INTERNAL, program() + " has done nothing for " + box.patience().toSeconds() + " s");
    }
    int status = it.exitValue();
    if (status > SIGNALLED && status <= SIGNALLED + MOST_SIGNALS) {
      throw new GantryException(
          Kind.INTERNAL, program() + " was ended by signal " + (status - SIGNALLED));
    }
    if (status != 0) {
      throw new Failed(program(), status, words(it));
    }
  }

  private @Nullable Process ended() {
    try {
      begun.await();
      Process it = process;
      return it != null && it.waitFor(END_SECONDS, TimeUnit.SECONDS) ? it : null;
    } catch (InterruptedException e) {
      throw new GantryException(Kind.CANCELLED, "cancelled", e);
    }
  }

  private void throwFailure() throws IOException {
    Throwable failed = failure;
    if (failed instanceof IOException e) {
      throw e;
    }
    if (failed instanceof RuntimeException e) {
      throw e;
    }
    if (failed instanceof Error e) {
      throw e;
    }
  }

  private static String words(Process ended) throws IOException {
    try (InputStream in = ended.getErrorStream()) {
      return new String(in.readNBytes(MOST_WORDS), ISO_8859_1).strip();
    }
  }

  /** The program has ended with a status that is not 0. */
  static final class Failed extends IOException {
    private static final long serialVersionUID = 1;

    private static final int REFUSAL = 64;

    final int status;
    final String words;

    Failed(String program, int status, String words) {
      super(program + " has ended with status " + status + ": " + words);
      this.status = status;
      this.words = words;
    }

    /** Whether the box was not made, and the program not run. */
    boolean isRefusal() {
      return status >= REFUSAL && words.startsWith("gantry-helper ");
    }
  }

  /** Ends the program, and returns when nothing is fed to it any more. May be repeated. */
  @Override
  public void close() throws IOException {
    closing = true;
    ended = true;
    output.close();
    kill();
    boolean interrupted = false;
    while (feeder.isAlive()) {
      feeder.interrupt();
      try {
        feeder.join(TimeUnit.SECONDS.toMillis(END_SECONDS));
        break; // whoever feeds does not heed it; the caller closes what it reads from
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}

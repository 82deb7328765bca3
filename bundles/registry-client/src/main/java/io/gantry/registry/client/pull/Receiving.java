package io.gantry.registry.client.pull;

import io.gantry.image.manifest.Descriptor;
import io.gantry.registry.client.v2.Repository;
import io.gantry.registry.client.wire.Patience;
import io.gantry.registry.client.wire.Reply;
import io.gantry.registry.client.wire.Session;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import io.gantry.store.Ingest;
import io.gantry.store.StoreFailure;
import java.io.EOFException;
import java.io.IOException;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Receives a blob: goes on with what is there, again and again when the registry hangs up, and
 * takes nothing that is not the blob.
 */
final class Receiving {

  /** From one telling of progress to the next. */
  private static final long STEP = 512 << 10;

  private static final long STEP_NANOS = 100_000_000;

  /** With so much more than at the last failure, counting attempts begins anew. */
  private static final long MUCH = 1 << 20;

  private static final Pattern RANGE = Pattern.compile("bytes (\\d{1,18})-\\d{1,18}/.*");

  /** Hears of it, on the receiving thread. */
  interface Progress {
    /** So many bytes can be read. */
    void written(long bytes);

    /** As {@link #written}, now and then: for people. */
    void tell(long bytes);

    /** An overloaded registry is waited for. */
    void pauses(Duration pause);

    void verifies();

    void completed();
  }

  /** The cause of a failure that another attempt does not have: a former one's rest was damaged. */
  static final class DamagedRest extends Exception {
    private static final long serialVersionUID = 1;
  }

  /** The registry has hung up or stalls; what has arrived is good. */
  private static final class Interruption extends Exception {
    private static final long serialVersionUID = 1;
    private final transient GantryException failure;

    Interruption(GantryException failure) {
      super(failure);
      this.failure = failure;
    }
  }

  private final Repository repository;
  private final Descriptor blob;
  private final Progress progress;
  private final byte[] buffer = new byte[1 << 16];

  Receiving(Repository repository, Descriptor blob, Progress progress) {
    this.repository = repository;
    this.blob = blob;
    this.progress = progress;
  }

  /**
   * Fills an ingest and verifies it; one that is not the blob is forgotten.
   *
   * @throws GantryException INVALID for what is not the blob; as {@link Repository#blob}; EXHAUSTED
   *     when it does not fit; CANCELLED on an interrupt
   */
  void into(Ingest in) {
    boolean isRest = in.offset() > 0;
    progress.written(in.offset());
    if (isRest) {
      progress.tell(in.offset());
    }
    receiveAll(in);
    progress.verifies();
    Digest actual = in.finish();
    if (!actual.equals(blob.digest())) {
      in.forget();
      throw new GantryException(
          Kind.INVALID,
          "filesystem layer verification failed for digest %s: it has %s"
              .formatted(blob.digest(), actual),
          isRest ? new DamagedRest() : null);
    }
    progress.completed();
  }

  private void receiveAll(Ingest in) {
    Patience patience = repository.session().patience();
    long lastFailure = in.offset();
    for (int failures = 0; in.offset() < blob.size(); ) {
      try (Reply reply = repository.blob(blob.digest(), in.offset(), progress::pauses)) {
        receive(reply, in);
      } catch (Interruption e) {
        failures = in.offset() - lastFailure >= MUCH ? 1 : failures + 1;
        lastFailure = in.offset();
        if (failures >= patience.attempts()) {
          throw e.failure;
        }
        repository.session().counts().retried();
        Session.pause(patience.before(failures + 1));
      }
    }
  }

  private void receive(Reply reply, Ingest in) throws Interruption {
    skip(reply, in.offset());
    long told = in.offset();
    long toldAt = System.nanoTime();
    for (int n; (n = read(reply, buffer.length)) >= 0; ) {
      if (n > blob.size() - in.offset()) {
        throw new GantryException(
            Kind.INVALID,
            "blob %s is larger than the %d bytes that its manifest says"
                .formatted(blob.digest(), blob.size()));
      }
      write(in, n);
      progress.written(in.offset());
      long now = System.nanoTime();
      boolean isDue = in.offset() - told >= STEP && now - toldAt >= STEP_NANOS;
      if (isDue || in.offset() == blob.size()) {
        told = in.offset();
        toldAt = now;
        progress.tell(told);
      }
    }
    if (in.offset() < blob.size()) {
      throw cutOff(reply);
    }
  }

  private static Interruption cutOff(Reply reply) {
    return new Interruption(reply.failure(new EOFException("the body ends before its time")));
  }

  /** A registry may not know ranges; one that sends another than was asked for is refused. */
  private void skip(Reply reply, long offset) throws Interruption {
    if (reply.status() == 206) {
      Matcher range = RANGE.matcher(reply.header("content-range").orElse(""));
      if (!range.matches() || Long.parseLong(range.group(1)) != offset) {
        throw new GantryException(
            Kind.INVALID, reply.asked() + ": the registry sends another range than was asked for");
      }
      return;
    }
    for (long left = offset; left > 0; ) {
      int n = read(reply, (int) Math.min(buffer.length, left));
      if (n < 0) {
        throw cutOff(reply);
      }
      left -= n;
    }
  }

  private int read(Reply reply, int length) throws Interruption {
    try {
      return reply.body().read(buffer, 0, length);
    } catch (IOException e) {
      GantryException failure = reply.failure(e);
      if (failure.kind() == Kind.CANCELLED) {
        throw failure;
      }
      throw new Interruption(failure);
    }
  }

  private void write(Ingest in, int length) {
    if (Thread.interrupted()) {
      throw new GantryException(Kind.CANCELLED, "cancelled");
    }
    try {
      in.write(buffer, 0, length);
    } catch (IOException e) {
      throw StoreFailure.of("write a blob", e);
    }
  }
}

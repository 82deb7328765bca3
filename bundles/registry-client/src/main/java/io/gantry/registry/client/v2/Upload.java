package io.gantry.registry.client.v2;

import io.gantry.registry.client.wire.Body;
import io.gantry.registry.client.wire.Reply;
import io.gantry.registry.client.wire.Session;
import io.gantry.registry.client.wire.Session.Ask;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import io.gantry.store.StoreFailure;
import java.io.IOException;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A blob on its way into a repository, in an upload session of the registry: begun by POST, filled
 * by PATCH, ended by PUT with the digest, or by DELETE when it is closed before that.
 *
 * <p>It is sent in one piece as long as all goes well. After a failure the registry is asked what
 * it has, and the rest goes out in chunks that say where they belong; also from the beginning on
 * where a registry wants chunks. A session that the registry has lost is begun anew. One that is
 * written down, and was left by an engine that ended amid it, is gone on with in the same way.
 */
public final class Upload implements AutoCloseable {

  static final int USUAL_CHUNK = 8 << 20;

  /** Chunks are in memory. Who wants larger ones gets all in one piece. */
  private static final int LARGEST_CHUNK = 16 << 20;

  /**
   * MiB that the chunks of all uploads have together; who finds none left waits for others. What
   * goes out in one piece needs none: no more than a few hundred KiB of it are on their way.
   */
  private static final Semaphore ROOM = new Semaphore(64, true);

  /** With so much more than at the last failure, counting failures begins anew. */
  private static final long MUCH = 1 << 20;

  /** Besides 5xx: no such session, no length, another range, too many requests. */
  private static final Set<Integer> MAY_PASS = Set.of(404, 411, 416, 429);

  /** To what has been sent: not this digest, no such session, another length. */
  private static final Set<Integer> NO_SUCH_BLOB = Set.of(400, 404, 409, 416, 422);

  private static final Pattern RANGE = Pattern.compile("(?:bytes[= ])?0-(\\d{1,18})");

  /** The registry has hung up, is overloaded, or has another part than we believe. */
  private static final class Interruption extends Exception {
    private static final long serialVersionUID = 1;
    private final transient GantryException failure;

    Interruption(GantryException failure) {
      super(failure);
      this.failure = failure;
    }
  }

  /** The registry has less than it had: all has to go out again. */
  private static final class Lost extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  private final Repository repository;
  private final Session session;
  private final Digest.Algorithm algorithm;

  /** Where it is written down, or null. */
  private final UnfinishedUploads.@Nullable Claim claim;

  /** Where the registry wants the next request. */
  private String place = "";

  /** So many bytes the registry has. */
  private long received;

  /** Bytes of a chunk; 0 for all in one piece. */
  private int chunk;

  /** Since it went on for the last time. */
  private int failures;

  /** How often the registry had less than before. */
  private int losses;

  private boolean isOpen = true;

  /** Whether what the registry has is what was sent before this engine began. */
  private boolean isTakenUp;

  private Upload(
      Repository repository, Digest.Algorithm algorithm, UnfinishedUploads.@Nullable Claim claim) {
    this.repository = repository;
    this.session = repository.session();
    this.algorithm = algorithm;
    this.claim = claim;
  }

  /** Goes on with the upload that is written down, or begins one. */
  static Upload open(
      Repository repository, Digest.Algorithm algorithm, UnfinishedUploads.@Nullable Claim claim) {
    var upload = new Upload(repository, algorithm, claim);
    if (claim == null || claim.find().filter(upload::takesUp).isEmpty()) {
      upload.beginAnew();
    }
    return upload;
  }

  /**
   * One that has just begun.
   *
   * @param begun the registry's answer to the POST
   */
  static Upload begun(Repository repository, Digest.Algorithm algorithm, Reply begun) {
    var upload = new Upload(repository, algorithm, null);
    upload.begun(begun);
    return upload;
  }

  /**
   * @return false when there is nothing to go on with
   */
  private boolean takesUp(UnfinishedUploads.Unfinished former) {
    if (!session.mayAsk(former.place())) {
      return false;
    }
    place = former.place();
    boolean isSame = claim != null && claim.continues(former);
    if (!isSame || !knowsWhatIsThere()) {
      cancel();
      return false;
    }
    chunk = Math.max(former.chunk(), USUAL_CHUNK);
    isTakenUp = true;
    session.counts().retried();
    return true;
  }

  private String place(Reply reply) {
    return session
        .place(reply)
        .orElseThrow(
            () ->
                new GantryException(
                    Kind.INVALID, reply.asked() + ": the registry does not say where to upload"));
  }

  private static int chunk(Reply begun) {
    String least = begun.header("oci-chunk-min-length").orElse("").strip();
    if (!least.matches("\\d{1,18}") || Long.parseLong(least) > LARGEST_CHUNK) {
      return 0;
    }
    return Math.max(USUAL_CHUNK, Integer.parseInt(least));
  }

  /**
   * Sends all of a blob, and makes a blob of it; it may be asked for its bytes several times.
   *
   * @param digest of what has been written last
   * @throws GantryException UNAVAILABLE after too many failures, INVALID when the registry has
   *     something else than was sent, CANCELLED on an interrupt, or as the registry says
   */
  public void send(Body whole, Supplier<Digest> digest) {
    sendAll(whole);
    if (!commit(digest.get())) {
      cancel();
      beginAnew();
      sendAll(whole);
      commit(digest.get());
    }
  }

  private void sendAll(Body whole) {
    while (true) {
      try {
        if (chunk == 0) {
          stream(whole);
        } else {
          inChunks(whole);
        }
        return;
      } catch (Interruption e) {
        recover(e);
      } catch (Lost e) {
        continue; // from what the registry has now
      }
    }
  }

  private void stream(Body whole) throws Interruption {
    long[] bytes = {0};
    Body counted =
        new Body() {
          @Override
          public long length() {
            return whole.length();
          }

          @Override
          public void writeTo(OutputStream out) throws IOException {
            bytes[0] = 0;
            whole.writeTo(new Counted(out, bytes));
          }
        };
    patch(counted, Map.of(), bytes);
    if (received != bytes[0]) {
      throw new Interruption(
          new GantryException(
              Kind.UNAVAILABLE,
              "%s has %d of the %d bytes of a blob"
                  .formatted(session.address().registry(), received, bytes[0])));
    }
  }

  private static final class Counted extends OutputStream {
    private final OutputStream out;
    private final long[] bytes;

    Counted(OutputStream out, long[] bytes) {
      this.out = out;
      this.bytes = bytes;
    }

    @Override
    public void write(int b) throws IOException {
      out.write(b);
      bytes[0]++;
    }

    @Override
    public void write(byte[] buffer, int offset, int length) throws IOException {
      out.write(buffer, offset, length);
      bytes[0] += length;
    }
  }

  private void inChunks(Body whole) {
    int mebibytes = (chunk >> 20) + 1;
    try {
      ROOM.acquire(mebibytes);
    } catch (InterruptedException e) {
      throw new GantryException(Kind.CANCELLED, "cancelled", e);
    }
    try {
      var chunks = new Chunks();
      whole.writeTo(chunks);
      chunks.send();
    } catch (IOException e) {
      throw StoreFailure.of("read what is to be sent", e);
    } finally {
      ROOM.release(mebibytes);
    }
  }

  /** Collects what the registry does not have, and sends it piece by piece. */
  private final class Chunks extends OutputStream {
    private final byte[] buffer = new byte[chunk];
    private long skipped; // bytes seen so far
    private long at = received; // where the buffer belongs
    private int filled;

    @Override
    public void write(int b) {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      int known = skipped < at ? (int) Math.min(length, at - skipped) : 0;
      skipped += length;
      for (int from = offset + known, left = length - known; left > 0; ) {
        int n = Math.min(left, buffer.length - filled);
        System.arraycopy(bytes, from, buffer, filled, n);
        filled += n;
        from += n;
        left -= n;
        if (filled == buffer.length) {
          send();
        }
      }
    }

    /** Until the registry has all that has been collected. */
    void send() {
      while (received < at + filled) {
        int from = (int) (received - at);
        try {
          patchChunk(buffer, from, filled - from);
          failures = 0;
        } catch (Interruption e) {
          recover(e);
        }
        if (received < at) {
          throw new Lost();
        }
      }
      at += filled;
      filled = 0;
    }
  }

  private void patchChunk(byte[] buffer, int from, int length) throws Interruption {
    Body body =
        new Body() {
          @Override
          public long length() {
            return length;
          }

          @Override
          public void writeTo(OutputStream out) throws IOException {
            out.write(buffer, from, length);
          }
        };
    long before = received;
    String range = before + "-" + (before + length - 1);
    patch(body, Map.of("Content-Range", range), new long[] {length});
    if (received == before) {
      throw new Interruption(
          new GantryException(
              Kind.UNAVAILABLE,
              session.address().registry() + " takes nothing of the blob that is sent to it"));
    }
  }

  /**
   * @param bytes how long the body was, when it has been written
   */
  private void patch(Body body, Map<String, String> more, long[] bytes) throws Interruption {
    Map<String, String> headers = new HashMap<>(more);
    headers.put("Content-Type", "application/octet-stream");
    var ask = new Ask("PATCH", place, headers, repository.scopes(), false, body);
    try (Reply reply = session.send(ask)) {
      int status = reply.status();
      if (MAY_PASS.contains(status) || status >= 500) {
        throw new Interruption(reply.failure());
      }
      repository.check(reply);
      reply.drain();
      at(session.place(reply).orElse(place));
      long before = received;
      long most = before + bytes[0];
      received = range(reply).orElse(most);
      if (received > most) {
        throw new GantryException(
            Kind.INVALID, reply.asked() + ": the registry has more of the blob than was sent");
      }
      if (received < before && ++losses >= session.patience().attempts()) {
        throw new GantryException(
            Kind.UNAVAILABLE,
            reply.asked() + ": the registry loses again and again what it has been sent");
      }
    } catch (GantryException e) {
      if (!session.mayPass(e)) {
        throw e;
      }
      throw new Interruption(e);
    }
  }

  /** {@code 0-0} is both: nothing, and one byte. */
  private static Optional<Long> range(Reply reply) {
    Matcher range = RANGE.matcher(reply.header("range").orElse(""));
    if (!range.matches()) {
      return Optional.empty();
    }
    long last = Long.parseLong(range.group(1));
    return last == 0 ? Optional.empty() : Optional.of(last + 1);
  }

  private void recover(Interruption e) {
    int attempts = session.patience().attempts();
    if (++failures >= attempts) {
      throw e.failure;
    }
    session.counts().retried();
    Session.pause(session.patience().before(failures + 1));
    long before = received;
    askWhatIsThere();
    if (received - before >= MUCH) {
      failures = 0;
    } else if (received < before && ++losses >= attempts) {
      throw e.failure;
    }
    chunk = Math.max(chunk, USUAL_CHUNK);
  }

  private void askWhatIsThere() {
    if (!knowsWhatIsThere()) {
      cancel();
      beginAnew();
    }
  }

  /**
   * @return false when the registry does not say
   */
  private boolean knowsWhatIsThere() {
    try (Reply reply = session.send(new Ask("GET", place, Map.of(), repository.scopes(), true))) {
      Optional<Long> there = reply.isSuccess() ? range(reply) : Optional.empty();
      if (there.isPresent()) {
        at(session.place(reply).orElse(place));
        received = there.get();
      }
      return there.isPresent();
    }
  }

  private void beginAnew() {
    try (Reply reply = repository.begin(Repository.query(algorithm), repository.scopes())) {
      repository.check(reply);
      reply.drain();
      begun(reply);
    }
  }

  private void begun(Reply reply) {
    isTakenUp = false;
    received = 0;
    chunk = Math.max(chunk, chunk(reply));
    at(place(reply));
  }

  private void at(String next) {
    place = next;
    if (claim != null) {
      claim.at(next, chunk);
    }
  }

  /**
   * Makes what has been sent a blob.
   *
   * @return false when what was there from before is not the beginning of it
   */
  private boolean commit(Digest digest) {
    String end = place + (place.indexOf('?') < 0 ? "?" : "&") + "digest=" + digest;
    try (Reply reply = session.send(new Ask("PUT", end, Map.of(), repository.scopes(), true))) {
      boolean isThere = reply.status() == 404 && repository.size(digest).isPresent();
      if (isTakenUp && !isThere && NO_SUCH_BLOB.contains(reply.status())) {
        return false;
      }
      if (!isThere) { // else a former attempt has ended it, and its answer was lost
        repository.check(reply);
        Repository.checkDigest(reply, digest, "blob");
      }
      isOpen = false;
      drop();
      return true;
    }
  }

  private void drop() {
    if (claim != null) {
      claim.drop();
    }
  }

  /** Has the registry forget what has been sent, unless it has become a blob. */
  @Override
  public void close() {
    if (isOpen) {
      isOpen = false;
      cancel();
    }
  }

  private void cancel() {
    try {
      session.sendLast(new Ask("DELETE", place, Map.of(), repository.scopes(), true));
      drop();
    } catch (GantryException e) {
      // Who is asked for the same again goes on with it, or the registry forgets it.
    }
  }
}

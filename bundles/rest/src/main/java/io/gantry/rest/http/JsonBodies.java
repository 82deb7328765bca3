package io.gantry.rest.http;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.spi.GantryException;
import java.io.ByteArrayOutputStream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.thread.Invocable;
import org.jspecify.annotations.Nullable;

/**
 * Reads JSON bodies without a thread. A body has a limit, and what is large of all bodies together
 * has one too, else clients that send nearly all of theirs and wait would fill the memory.
 */
final class JsonBodies {

  static final int MAX_BYTES = 4 * 1024 * 1024;

  /** So much of each body counts for nothing: ordinary requests always get through. */
  static final int FREE_BYTES = 16 * 1024;

  static final int MAX_BYTES_OF_ALL = 8 * MAX_BYTES;

  private final Semaphore room = new Semaphore(MAX_BYTES_OF_ALL);

  /** A body that was read; what it takes of the room is given back by {@link #close}, once. */
  final class Body implements AutoCloseable {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private int taken;

    private void add(byte[] more) {
      int size = bytes.size() + more.length;
      if (size > MAX_BYTES) {
        throw tooLarge();
      }
      int needed = size - FREE_BYTES - taken;
      if (needed > 0) {
        if (!room.tryAcquire(needed)) {
          throw new GantryException(
              UNAVAILABLE, "too many large requests are under way: try again");
        }
        taken += needed;
      }
      bytes.writeBytes(more);
    }

    String text() {
      return bytes.toString(UTF_8);
    }

    @Override
    public void close() {
      room.release(taken);
      taken = 0;
    }
  }

  static GantryException tooLarge() {
    return new GantryException(
        INVALID, "the request's body could not be read or is larger than " + MAX_BYTES + " bytes");
  }

  /**
   * The body once it is here; fails with a GantryException. Whoever gets it closes it when the
   * request has been carried out.
   */
  CompletableFuture<Body> read(Request request) {
    var future = new CompletableFuture<Body>();
    new Reading(request, new Body(), future).run();
    return future;
  }

  private static final class Reading implements Invocable.Task {
    private final Request request;
    private final Body body;
    private final CompletableFuture<Body> future;

    Reading(Request request, Body body, CompletableFuture<Body> future) {
      this.request = request;
      this.body = body;
      this.future = future;
    }

    @Override
    public InvocationType getInvocationType() {
      return InvocationType.NON_BLOCKING;
    }

    @Override
    public void run() {
      try {
        while (true) {
          Content.@Nullable Chunk chunk = request.read();
          if (chunk == null) {
            request.demand(this);
            return;
          }
          if (Content.Chunk.isFailure(chunk)) {
            throw tooLarge();
          }
          byte[] bytes = new byte[chunk.remaining()];
          chunk.getByteBuffer().get(bytes);
          chunk.release();
          body.add(bytes);
          if (chunk.isLast()) {
            future.complete(body);
            return;
          }
        }
      } catch (RuntimeException e) {
        body.close();
        future.completeExceptionally(e);
      }
    }
  }
}

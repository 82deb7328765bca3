package io.gantry.monitor;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/** A connection for one request, which is answered by OK or ERROR. */
final class Errand extends Control {

  private final CompletableFuture<Void> done;

  private Errand(Path socket, MonitorLoop loop, Message.Builder request) {
    super(socket, loop, loop.patience());
    done = request(request);
    listen();
  }

  /**
   * Asks, and waits for the answer.
   *
   * @throws GantryException what the other side says is wrong, with the {@link HelperError}
   */
  static void run(Path socket, MonitorLoop loop, Message.Builder request, String what) {
    var errand = new Errand(socket, loop, request);
    try {
      loop.await(errand.done, what);
    } finally {
      errand.disconnect();
    }
  }

  @Override
  void event(Message message) {
    // nothing was asked for that is told of
  }

  @Override
  void failed(HelperError error) {
    done.completeExceptionally(error.asGantryException());
  }

  @Override
  void lost(IOException reason) {
    // whoever waits is told by the caller of this
  }
}

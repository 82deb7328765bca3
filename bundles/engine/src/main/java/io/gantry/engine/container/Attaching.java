package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.UNSUPPORTED;

import io.gantry.api.AttachOptions;
import io.gantry.api.ByteStream;
import io.gantry.api.LogQuery;
import io.gantry.engine.log.LogStream;
import io.gantry.monitor.Streams;
import io.gantry.spi.GantryException;
import java.util.List;

/** Streams of containers: what they say now, and what they said. */
final class Attaching {
  private final Workshop shop;
  private final Logging logging;
  private final Teller teller;

  Attaching(Workshop shop, Logging logging, Teller teller) {
    this.shop = shop;
    this.logging = logging;
    this.teller = teller;
  }

  ByteStream attach(Container container, AttachOptions options) {
    var keys = DetachKeys.parse(options.detachKeys());
    var process = container.record().spec().process();
    if (container.run().paused()) {
      throw new GantryException(
          CONFLICT,
          "container "
              + container.record().name()
              + " is paused, unpause the container before attach");
    }
    ByteStream stream =
        options.stream() && (options.stdin() || options.stdout() || options.stderr())
            ? live(container, options)
            : new FixedStream(process.terminal(), List.of());
    if (options.logs() && logging.isReadable(container)) {
      var query =
          new LogQuery(options.stdout(), options.stderr(), false, false, false, null, null, -1);
      stream = new JoinedStream(open(container, query), stream);
    }
    teller.tell(container.record(), "attach");
    if (process.terminal() && options.stdin()) {
      return new DetachableStream(stream, keys, () -> teller.tell(container.record(), "detach"));
    }
    return stream;
  }

  /** The lock: a start that is under way is over when we look. */
  private static ByteStream live(Container container, AttachOptions options) {
    var process = container.record().spec().process();
    var stream =
        new LateStream(
            process.terminal(),
            new Streams(
                options.stdin() && process.openStdin(), options.stdout(), options.stderr()));
    container.hold();
    try {
      container.requireThere();
      var running = container.running();
      if (running == null) {
        container.pending.add(stream);
      } else if (!stream.connect(running.monitor())) {
        stream.end();
      }
    } finally {
      container.lock.unlock();
    }
    return stream;
  }

  ByteStream logs(Container container, LogQuery query) {
    if (!query.stdout() && !query.stderr()) {
      throw new GantryException(INVALID, "Bad parameters: you must choose at least one stream");
    }
    if (container.isRemoving()) {
      throw new GantryException(
          CONFLICT, "can not get logs from container which is dead or marked for removal");
    }
    if (!logging.isReadable(container)) {
      throw new GantryException(UNSUPPORTED, "configured logging driver does not support reading");
    }
    return open(container, query);
  }

  private ByteStream open(Container container, LogQuery query) {
    return LogStream.open(
        shop.place().log(container.id),
        query,
        container.record().spec().process().terminal(),
        () -> container.run().running(),
        shop.follower(),
        shop.damages());
  }
}

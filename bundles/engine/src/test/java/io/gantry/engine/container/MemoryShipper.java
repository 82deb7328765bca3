package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.log.LogBatch;
import io.gantry.spi.log.LogDriver;
import io.gantry.spi.log.LogTarget;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Keeps what it is given; its other end can be away. */
final class MemoryShipper implements LogDriver {
  final List<String> lines = new CopyOnWriteArrayList<>();
  final Set<String> open = ConcurrentHashMap.newKeySet();
  volatile boolean away;
  volatile CompletableFuture<Void> hangsUntil = CompletableFuture.completedFuture(null);

  @Override
  public Support probe() {
    return Support.yes();
  }

  @Override
  public void check(Map<String, String> options) {
    if (options.containsKey("bad")) {
      throw new GantryException(INVALID, "unknown log opt 'bad' for memory log driver");
    }
  }

  @Override
  public void open(LogTarget target, Map<String, String> options) {
    open.add(target.container());
  }

  @Override
  public void append(String container, LogBatch batch) {
    if (!open.contains(container)) {
      throw new GantryException(NOT_FOUND, "not open: " + container);
    }
    hangsUntil.join();
    if (away) {
      throw new GantryException(UNAVAILABLE, "away");
    }
    for (var line : batch.lines()) {
      lines.add(line.stream() + " " + new String(line.text().toArray(), UTF_8));
    }
  }

  @Override
  public void close(String container) {
    open.remove(container);
  }

  @Override
  public LogBatch read(String container, String after, int maxLines) {
    throw new GantryException(GantryException.Kind.UNSUPPORTED, "it cannot read");
  }

  @Override
  public Recovery recover(Set<String> expected) {
    return new Recovery(expected, Set.of());
  }
}

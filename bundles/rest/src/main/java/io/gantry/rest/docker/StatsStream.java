package io.gantry.rest.docker;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.api.ByteStream;
import io.gantry.api.ContainerStats;
import io.gantry.api.StatsFeed;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Samples as JSON lines, for one client. */
public final class StatsStream implements ByteStream {

  private static final ByteBuffer END = ByteBuffer.allocate(0);

  private final StatsFeed feed;
  private final boolean oneOnly;
  private boolean given;

  private StatsStream(StatsFeed feed, boolean oneOnly) {
    this.feed = feed;
    this.oneOnly = oneOnly;
  }

  public static StatsStream all(StatsFeed feed) {
    return new StatsStream(feed, false);
  }

  /** The first sample that has one before it. */
  public static StatsStream one(StatsFeed feed) {
    return new StatsStream(feed, true);
  }

  @Override
  public boolean terminal() {
    return true;
  }

  @Override
  public CompletionStage<ByteBuffer> read() {
    if (!oneOnly) {
      return feed.next().thenApply(StatsStream::line);
    }
    if (given) {
      return CompletableFuture.completedFuture(END);
    }
    given = true;
    return feed.next()
        .thenCompose(
            first -> first.isEmpty() ? CompletableFuture.completedFuture(first) : feed.next())
        .thenApply(StatsStream::line);
  }

  private static ByteBuffer line(Optional<ContainerStats> stats) {
    return stats
        .map(sample -> ByteBuffer.wrap((StatsJson.of(sample) + "\n").getBytes(UTF_8)))
        .orElse(END);
  }

  @Override
  public void close() {
    feed.close();
  }
}

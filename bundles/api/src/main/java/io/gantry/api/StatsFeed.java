package io.gantry.api;

import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * Samples of one container, about one a second. Who is slow misses some. Waiting holds no thread.
 */
public interface StatsFeed extends AutoCloseable {

  /**
   * The next one; empty when the container is gone or the feed closed. Not to be called again
   * before it is there.
   */
  CompletionStage<Optional<ContainerStats>> next();

  @Override
  void close();
}

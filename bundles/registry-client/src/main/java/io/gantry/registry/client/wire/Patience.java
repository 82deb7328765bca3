package io.gantry.registry.client.wire;

import java.time.Duration;

/**
 * How long is waited for registries.
 *
 * @param connect for a connection
 * @param ping for the first answer of a registry, connection and TLS included: one that may have no
 *     TLS is tried with it first
 * @param answer for the first byte of an answer
 * @param stall for the next bytes of a body
 * @param document for all of a small answer: manifests, tokens, errors
 * @param pause before the second attempt; twice as long before each further one
 * @param attempts in all
 */
public record Patience(
    Duration connect,
    Duration ping,
    Duration answer,
    Duration stall,
    Duration document,
    Duration pause,
    int attempts) {

  public static final Patience USUAL =
      new Patience(
          Duration.ofSeconds(30),
          Duration.ofSeconds(10),
          Duration.ofSeconds(60),
          Duration.ofSeconds(60),
          Duration.ofSeconds(120),
          Duration.ofMillis(500),
          5);

  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(60);

  /** Before attempt {@code next}, the second being 2. */
  public Duration before(int next) {
    Duration pause = this.pause.multipliedBy(1L << Math.min(next - 2, 16));
    return pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
  }
}

package io.gantry.spi.log;

import io.gantry.spi.Driver;
import io.gantry.spi.Recovery;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Ships container output elsewhere. The monitor's spool holds every line; the engine tails it from
 * a durable cursor and hands over batches, so nothing is lost when a driver or the engine is away.
 *
 * <p>Features: {@code read}.
 */
@ConsumerType
public interface LogDriver extends Driver {
  /** Before the other end is found to be away, what was taken so shortly may not have arrived. */
  Duration DOUBTFUL = Duration.ofSeconds(1);

  /**
   * Checks what a client asks for, before there is a container; reaches for nothing.
   *
   * @throws io.gantry.spi.GantryException INVALID, naming the option
   */
  default void check(Map<String, String> options) {}

  /**
   * Checks the options and gets ready for a container's lines; may be repeated.
   *
   * @throws io.gantry.spi.GantryException INVALID, naming the option
   */
  void open(LogTarget target, Map<String, String> options);

  /**
   * Takes a batch; returns when it is as safe as the driver can make it. The same batch id again
   * must not ship twice where the other end can tell. A failure means that the batch is not taken,
   * or not known to be: it comes again, with what came since waiting behind it.
   *
   * @throws io.gantry.spi.GantryException NOT_FOUND when the container has not been opened;
   *     UNAVAILABLE when the other end cannot be reached, or has gone: what was taken within {@link
   *     #DOUBTFUL} before this call comes again, too, whichever instance of the driver took it;
   *     EXHAUSTED when the other end takes too little of it within a few seconds: it comes again
   *     alone, and the driver may go on in the middle of it
   */
  void append(String container, LogBatch batch);

  /** No more lines for now; may be repeated, and for what was never opened. */
  void close(String container);

  /**
   * Reads back, newest last; only with the feature {@code read}.
   *
   * @param after id of the last batch seen, or empty
   */
  LogBatch read(String container, String after, int maxLines);

  /** Takes over: which of the containers have open targets is the engine's knowledge. */
  Recovery recover(Set<String> expected);
}

package io.gantry.rest.http;

import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;

/**
 * Lets so many clients hold a connection for as long as they like (events, logs, stats, waits,
 * attached containers, execs): each takes a file or more of those that the engine may open, and
 * containers, images and other clients need some, too.
 */
final class Holds {

  /** A stream to a container takes two, and this is to be half of what there are. */
  private static final int SHARE = 4;

  private static final int LEAST = 16;
  private static final Path LIMITS = Path.of("/proc/self/limits");
  private static final Pattern FILES = Pattern.compile("(?m)^Max open files +(\\d+) ");

  private final int most;
  private final Semaphore free;

  Holds(int most) {
    this.most = most;
    this.free = new Semaphore(most);
  }

  /** What goes with the limit of open files that this process has. */
  static int ofThisProcess() {
    try {
      return of(Files.readString(LIMITS));
    } catch (IOException e) {
      return Integer.MAX_VALUE; // nobody knows of a limit
    }
  }

  static int of(String limits) {
    var files = FILES.matcher(limits);
    return files.find()
        ? (int) Math.min(Integer.MAX_VALUE, Math.max(LEAST, number(files.group(1)) / SHARE))
        : Integer.MAX_VALUE;
  }

  private static long number(String digits) {
    return digits.length() > 18 ? Long.MAX_VALUE : Long.parseLong(digits);
  }

  /**
   * Gives one; what is returned gives it back and may be called again.
   *
   * @throws GantryException UNAVAILABLE when all are taken
   */
  Runnable take() {
    if (!free.tryAcquire()) {
      throw new GantryException(
          UNAVAILABLE,
          "too many connections are held (for events, logs, stats, waits, attached containers and"
              + " execs): at most %d, a quarter of the files that the engine may open; end some,"
                  .formatted(most)
              + " or raise that limit (ulimit -n, LimitNOFILE)");
    }
    var given = new AtomicBoolean();
    return () -> {
      if (given.compareAndSet(false, true)) {
        free.release();
      }
    };
  }
}

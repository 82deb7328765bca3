package io.gantry.engine.volume;

import static io.gantry.spi.GantryException.Kind.CANCELLED;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.spi.GantryException;
import io.gantry.spi.volume.Volume;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One name of a volume. Who changes it, or calls a driver about it, holds its lock; who looks reads
 * without. A record of null means that there is no such volume, for now or any more.
 */
final class VolumeState {
  /** A driver may keep others waiting for less than this. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** A copy of an image's content takes as long as it takes, within reason. */
  private static final Duration UNTIL_FILLED = Duration.ofMinutes(30);

  final String name;
  final ReentrantLock lock = new ReentrantLock();

  /** Ids of containers that have it; changed by who holds the lock. */
  final Set<String> users = new ConcurrentSkipListSet<>();

  /** Whom the driver mounts it for; changed by who holds the lock. */
  final Set<String> holders = new ConcurrentSkipListSet<>();

  boolean forgotten; // guarded by lock

  /** The container that it was made for, while nobody else has asked for it; empty for none. */
  String maker = ""; // guarded by lock

  /** The driver that containers on record say it is of, for one without a record of its own. */
  String saidDriver = ""; // of recovery

  private final Semaphore fillWaits;
  private volatile String filledFor = "";
  private volatile @Nullable VolumeRecord record;
  private volatile String path = "";
  private volatile Map<String, String> status = Map.of();

  /**
   * @param fillWaits so many, of all volumes, may wait for as long as one is being filled
   */
  VolumeState(String name, Semaphore fillWaits) {
    this.name = name;
    this.fillWaits = fillWaits;
  }

  @Nullable VolumeRecord record() {
    return record;
  }

  void record(@Nullable VolumeRecord changed) {
    record = changed;
  }

  String path() {
    return path;
  }

  void path(String now) {
    path = now;
  }

  Map<String, String> status() {
    return status;
  }

  /** What its driver says of it. */
  void learn(Volume volume) {
    path = volume.path();
    status = volume.status();
  }

  /** There is no such volume any more. */
  void gone() {
    record = null;
    path = "";
    status = Map.of();
  }

  /** The container for which content of its image is copied into it now; empty for none. */
  void filledFor(String container) {
    filledFor = container;
  }

  /**
   * Takes the lock. That may take as long as a copy does, for a few: who waits is a client's
   * request, and there must be threads left for all others.
   *
   * @throws GantryException UNAVAILABLE when a driver keeps it too long, or it is being filled and
   *     enough others wait for that
   */
  void hold() {
    if (lock.tryLock() || (filledFor.isEmpty() && isHeldWithin(PATIENCE))) {
      return;
    }
    String container = filledFor;
    if (!container.isEmpty() && isHeldWhenFilled()) {
      return;
    }
    throw new GantryException(
        UNAVAILABLE,
        container.isEmpty()
            ? "volume " + name + " is busy: its driver does not answer; try again"
            : "volume "
                + name
                + " is being filled with content of the image of container "
                + container
                + ": try again when that is done");
  }

  private boolean isHeldWhenFilled() {
    if (!fillWaits.tryAcquire()) {
      return false;
    }
    try {
      return isHeldWithin(UNTIL_FILLED);
    } finally {
      fillWaits.release();
    }
  }

  boolean isHeldWithin(Duration patience) {
    try {
      return lock.tryLock(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "cancelled", e);
    }
  }

  /** Whether there is such a volume. */
  boolean isThere() {
    var now = record;
    return now != null && !now.removing();
  }

  /**
   * @throws GantryException NOT_FOUND
   */
  VolumeRecord require() {
    var now = record;
    if (now == null || now.removing()) {
      throw new GantryException(NOT_FOUND, "get " + name + ": no such volume");
    }
    return now;
  }
}

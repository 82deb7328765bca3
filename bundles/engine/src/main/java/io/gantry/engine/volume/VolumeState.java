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
  private static final int MOST_PATIENCES = 60;

  final String name;
  final ReentrantLock lock = new ReentrantLock();

  /** Ids of containers that have it; changed by who holds the lock. */
  final Set<String> users = new ConcurrentSkipListSet<>();

  /** Whom the driver mounts it for; changed by who holds the lock. */
  final Set<String> holders = new ConcurrentSkipListSet<>();

  boolean forgotten; // guarded by lock

  /** The container that it was made for, while nobody else has asked for it; empty for none. */
  String maker = ""; // guarded by lock

  private volatile @Nullable VolumeRecord record;
  private volatile String path = "";
  private volatile Map<String, String> status = Map.of();

  VolumeState(String name) {
    this.name = name;
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

  /**
   * Takes the lock.
   *
   * @throws GantryException UNAVAILABLE when a driver keeps it too long
   */
  void hold() {
    for (int i = 0; i == 0 || (isFilling() && i < MOST_PATIENCES); i++) {
      if (tryHold()) {
        return;
      }
    }
    throw new GantryException(
        UNAVAILABLE, "volume " + name + " is busy: its driver does not answer; try again");
  }

  private boolean tryHold() {
    try {
      return lock.tryLock(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "cancelled", e);
    }
  }

  private boolean isFilling() {
    var now = record;
    return now != null && now.filling();
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

package io.gantry.registry.client.v2;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.spi.GantryException;
import io.gantry.store.Digest;
import io.gantry.store.Durability;
import io.gantry.store.Form;
import io.gantry.store.RecordStore;
import io.gantry.store.Schema;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Uploads that are under way, on disk: an engine that was killed amid a blob goes on where the
 * registry says. A day after the last word about it an upload is forgotten, as registries forget
 * it. This is only an aid: what cannot be written down is sent from its beginning.
 */
public final class UnfinishedUploads {

  static final int MOST = 500;
  static final Duration LONGEST = Duration.ofDays(1);
  private static final System.Logger log = System.getLogger("io.gantry.registry.client");

  private final RecordStore<Unfinished> records;
  private final InstantSource clock;
  private final ReentrantLock lock = new ReentrantLock();

  /** The one heard of longest ago comes first. Guarded by lock. */
  private final Map<String, Unfinished> byKey = new LinkedHashMap<>();

  private final Set<String> claimed = new HashSet<>(); // guarded by lock
  private boolean isLoaded; // guarded by lock

  /**
   * An upload.
   *
   * @param place where the registry wants the next request: absolute, maybe with a signature
   * @param form what the bytes are made by; those of another one do not continue them
   * @param chunk bytes of a chunk, 0 for all in one piece
   * @param heard when the registry said so
   */
  record Unfinished(String place, String form, int chunk, Instant heard) {}

  /**
   * @param folder needs no disk space until something is sent
   */
  public UnfinishedUploads(Path folder, InstantSource clock) {
    this.clock = clock;
    records = new RecordStore<>(folder, new Schema("blob upload", 1, 0), Form.of(Unfinished.class));
  }

  /**
   * The record of an upload, for one who sends it. Of two who send the same at once the second gets
   * one that remembers nothing.
   *
   * @param content what is sent: another of its forms is another blob
   * @param form of its bytes: who says the same sends the same
   */
  public Claim claim(Repository repository, Digest content, String form) {
    return claim(key(repository, content), form);
  }

  private static String key(Repository repository, Digest content) {
    return "%s %s %s".formatted(repository.session().address().base(), repository.path(), content);
  }

  Claim claim(String key, String form) {
    lock.lock();
    try {
      load();
      forget();
      return new Claim(claimed.add(key) ? key : null, form);
    } finally {
      lock.unlock();
    }
  }

  /** The repository has it, so nobody goes on with it, unless somebody is about it now. */
  public void forget(Repository repository, Digest content) {
    String key = key(repository, content);
    lock.lock();
    try {
      load();
      if (!claimed.contains(key) && byKey.remove(key) != null) {
        remove(key);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Lets go of those of which nothing has been heard for long. */
  public void expire() {
    lock.lock();
    try {
      load();
      forget();
    } finally {
      lock.unlock();
    }
  }

  private void load() {
    if (isLoaded) {
      return;
    }
    isLoaded = true;
    try {
      var loaded = records.load();
      loaded.records().entrySet().stream()
          .sorted(Map.Entry.comparingByValue((a, b) -> a.heard().compareTo(b.heard())))
          .forEach(entry -> byKey.put(entry.getKey(), entry.getValue()));
      loaded.problems().stream().filter(problem -> !problem.newer()).forEach(this::discard);
    } catch (GantryException e) {
      log.log(WARNING, "uploads are not gone on with: {0}", e.getMessage());
    }
  }

  /** Nobody can mend it, and nothing is lost with it. */
  private void discard(RecordStore.Problem problem) {
    log.log(WARNING, problem.reason());
    try {
      Files.deleteIfExists(problem.file());
    } catch (IOException e) {
      // it is looked at the next time
    }
  }

  private void forget() {
    Instant oldest = clock.instant().minus(LONGEST);
    Iterator<Map.Entry<String, Unfinished>> all = byKey.entrySet().iterator();
    while (all.hasNext()) {
      var next = all.next();
      boolean isOld = next.getValue().heard().isBefore(oldest);
      if (isOld || byKey.size() > MOST) {
        all.remove();
        remove(next.getKey());
      }
    }
  }

  private void remove(String key) {
    try {
      records.remove(key, Durability.LAZY);
    } catch (GantryException e) {
      log.log(WARNING, "an upload cannot be forgotten: {0}", e.getMessage());
    }
  }

  /** What is written down of one upload; nobody else's until it is closed. */
  public final class Claim implements AutoCloseable {
    private final @Nullable String key;
    private final String form;

    private Claim(@Nullable String key, String form) {
      this.key = key;
      this.form = form;
    }

    /** The upload as it was left. */
    Optional<Unfinished> find() {
      lock.lock();
      try {
        return Optional.ofNullable(key == null ? null : byKey.get(key));
      } finally {
        lock.unlock();
      }
    }

    /** Whether bytes of now continue that upload. */
    boolean continues(Unfinished upload) {
      return upload.form().equals(form);
    }

    /** The registry wants the next request there. */
    void at(String place, int chunk) {
      if (key == null) {
        return;
      }
      var upload = new Unfinished(place, form, chunk, clock.instant());
      lock.lock();
      try {
        byKey.remove(key); // it goes to the end
        byKey.put(key, upload);
        records.put(key, upload, Durability.LAZY);
        forget();
      } catch (GantryException e) {
        log.log(WARNING, "an upload cannot be written down: {0}", e.getMessage());
      } finally {
        lock.unlock();
      }
    }

    /** There is nothing to go on with. */
    void drop() {
      lock.lock();
      try {
        if (key != null && byKey.remove(key) != null) {
          remove(key);
        }
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void close() {
      lock.lock();
      try {
        claimed.remove(key);
      } finally {
        lock.unlock();
      }
    }
  }
}

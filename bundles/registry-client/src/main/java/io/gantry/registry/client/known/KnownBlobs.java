package io.gantry.registry.client.known;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.image.layer.Layer;
import io.gantry.spi.GantryException;
import io.gantry.store.Digest;
import io.gantry.store.Durability;
import io.gantry.store.Form;
import io.gantry.store.RecordStore;
import io.gantry.store.Schema;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Which blobs a layer is in which repositories, learnt from pulls and pushes: so that a push sends
 * nothing that a registry has. It may be wrong about a registry, never about the layer, and is only
 * an aid: what cannot be written is forgotten with the process.
 */
public final class KnownBlobs {

  private static final System.Logger log = System.getLogger("io.gantry.registry.client");
  private static final int MOST_LAYERS = 2000;
  private static final int MOST_OF_A_LAYER = 20;

  private final RecordStore<Places> records;
  private final ReentrantLock lock = new ReentrantLock();

  /** By diff id; the one used longest ago comes first. Guarded by lock. */
  private final Map<Digest, List<KnownBlob>> byDiff = new LinkedHashMap<>(16, 0.75f, true);

  private boolean isLoaded; // guarded by lock

  /**
   * What is on disk of a layer, under its diff id.
   *
   * @param blobs the newest first
   */
  record Places(List<KnownBlob> blobs) {

    Places {
      blobs = List.copyOf(blobs);
    }
  }

  /**
   * @param folder needs no disk space until something is learnt
   */
  public KnownBlobs(Path folder) {
    records = new RecordStore<>(folder, new Schema("known blob", 1, 0), Form.of(Places.class));
  }

  /** Of the layer with a diff id, the one learnt last first. */
  public List<KnownBlob> of(Digest diff) {
    lock.lock();
    try {
      load();
      return byDiff.getOrDefault(diff, List.of());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whether a blob's content has been compared with a layer's diff id, here or before. What a
   * manifest says of a layer that was here already need not be true.
   */
  public boolean isProved(Layer layer, Digest blob) {
    return blob.equals(layer.diff())
        || layer.received().contains(blob)
        || of(layer.diff()).stream().anyMatch(known -> known.digest().equals(blob));
  }

  /** Remembers a blob that is proved. */
  public void learn(Digest diff, KnownBlob blob) {
    lock.lock();
    try {
      load();
      List<KnownBlob> former = byDiff.getOrDefault(diff, List.of());
      if (!former.isEmpty() && former.get(0).equals(blob)) {
        return;
      }
      List<KnownBlob> blobs = new ArrayList<>(former);
      blobs.remove(blob);
      blobs.add(0, blob);
      put(diff, blobs.subList(0, Math.min(blobs.size(), MOST_OF_A_LAYER)));
    } finally {
      lock.unlock();
    }
  }

  /** A registry says that it has no such blob there. */
  public void unlearn(Digest diff, KnownBlob blob) {
    lock.lock();
    try {
      load();
      List<KnownBlob> blobs = new ArrayList<>(byDiff.getOrDefault(diff, List.of()));
      if (blobs.remove(blob)) {
        put(diff, blobs);
      }
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
      loaded.records().forEach((key, places) -> load(key, places.blobs()));
      loaded.problems().forEach(problem -> log.log(WARNING, problem.reason()));
    } catch (GantryException e) {
      log.log(WARNING, "what registries have is not known any more: {0}", e.getMessage());
    }
  }

  private void load(String key, List<KnownBlob> blobs) {
    Digest.find(key).ifPresent(diff -> byDiff.put(diff, List.copyOf(blobs)));
  }

  private void put(Digest diff, List<KnownBlob> blobs) {
    try {
      if (blobs.isEmpty()) {
        byDiff.remove(diff);
        records.remove(diff.toString(), Durability.LAZY);
        return;
      }
      byDiff.put(diff, List.copyOf(blobs));
      records.put(diff.toString(), new Places(blobs), Durability.LAZY);
      while (byDiff.size() > MOST_LAYERS) {
        Digest oldest = byDiff.keySet().iterator().next();
        byDiff.remove(oldest);
        records.remove(oldest.toString(), Durability.LAZY);
      }
    } catch (GantryException e) {
      log.log(WARNING, "what registries have cannot be written down: {0}", e.getMessage());
    }
  }
}

package io.gantry.registry.client.v1;

import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.spi.GantryException;
import io.gantry.store.Digest;
import io.gantry.store.Durability;
import io.gantry.store.Form;
import io.gantry.store.RecordStore;
import io.gantry.store.Schema;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What the ids of each registry have been found to be, so that a layer that is here is not fetched
 * again. An id is taken at a registry's word only for images of that registry: what another one
 * calls the same is something else. Only an aid: what cannot be written is forgotten with the
 * process.
 */
final class KnownLayers {

  private static final System.Logger log = System.getLogger("io.gantry.registry.client");

  private static final int MOST = 10_000;
  private static final Schema SCHEMA = new Schema("layer of a v1 registry", 1, 0);

  /**
   * A layer.
   *
   * @param diff digest of its tar
   * @param checksum of the image's document with the layer as it was sent
   * @param number larger than those of layers found before
   */
  record Found(Digest diff, Digest checksum, long number) {}

  private final RecordStore<Found> records;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Map<String, Found> found; // guarded by lock; read when first needed

  KnownLayers(Path folder) {
    this.records = new RecordStore<>(folder, SCHEMA, Form.of(Found.class));
  }

  Optional<Found> find(String registry, ImageId id) {
    lock.lock();
    try {
      return Optional.ofNullable(all().get(key(registry, id)));
    } finally {
      lock.unlock();
    }
  }

  void put(String registry, ImageId id, Digest diff, Digest checksum) {
    lock.lock();
    try {
      Map<String, Found> all = all();
      long last = all.values().stream().mapToLong(Found::number).max().orElse(0);
      if (all.size() >= MOST) {
        all.entrySet().stream()
            .min(Comparator.comparingLong(entry -> entry.getValue().number()))
            .map(Map.Entry::getKey)
            .ifPresent(this::remove);
      }
      Found layer = new Found(diff, checksum, last + 1);
      String key = key(registry, id);
      all.put(key, layer);
      records.put(key, layer, Durability.LAZY);
    } catch (GantryException e) {
      log.log(WARNING, "which ids layers have cannot be written down: {0}", e.getMessage());
    } finally {
      lock.unlock();
    }
  }

  private void remove(String key) {
    all().remove(key);
    records.remove(key, Durability.LAZY);
  }

  /** Damaged ones are not missed. */
  private Map<String, Found> all() {
    Map<String, Found> all = found;
    if (all == null) {
      all = loaded();
      found = all;
    }
    return all;
  }

  private Map<String, Found> loaded() {
    try {
      return new HashMap<>(records.load().records());
    } catch (GantryException e) {
      log.log(WARNING, "which ids layers have is not known any more: {0}", e.getMessage());
      return new HashMap<>();
    }
  }

  private static String key(String registry, ImageId id) {
    return Digest.sha256((registry + "/" + id).getBytes(UTF_8)).hex();
  }
}

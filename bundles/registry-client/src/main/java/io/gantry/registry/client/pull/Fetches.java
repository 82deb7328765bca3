package io.gantry.registry.client.pull;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.manifest.Descriptor;
import io.gantry.registry.client.v2.Repository;
import io.gantry.store.Digest;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;

/** The blobs on their way now: each comes once from a registry, however many pulls want it. */
final class Fetches {

  private final HeldBlobs blobs;
  private final Executor threads;
  private final Map<String, Fetch> byKey = new ConcurrentHashMap<>();

  /**
   * @param threads as many as there are fetches
   */
  Fetches(HeldBlobs blobs, Executor threads) {
    this.blobs = blobs;
    this.threads = threads;
  }

  /**
   * Takes part in the fetch of a blob, which begins if need be; the caller leaves it.
   *
   * @throws io.gantry.spi.GantryException CANCELLED on an interrupt
   */
  Fetch.Share join(Repository repository, Descriptor blob, Fetch.Watcher watcher) {
    String key = key(repository.session().address().registry(), blob);
    while (true) {
      Fetch fetch =
          byKey.computeIfAbsent(key, own -> new Fetch(blob, blobs, own, () -> byKey.remove(own)));
      Optional<Fetch.Share> share = fetch.join(repository, watcher, threads);
      if (share.isPresent()) {
        return share.get();
      }
      fetch.awaitGone();
    }
  }

  /** Also where it lies in the store: what one manifest lies about does not harm another. */
  private static String key(String registry, Descriptor blob) {
    Digest digest = blob.digest();
    return "%s-%s-%d-%s"
        .formatted(
            digest.algorithm().label(),
            digest.hex(),
            blob.size(),
            Digest.sha256(registry.getBytes(UTF_8)).hex().substring(0, 12));
  }
}

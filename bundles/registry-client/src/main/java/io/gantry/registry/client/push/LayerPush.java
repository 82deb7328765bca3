package io.gantry.registry.client.push;

import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Layer;
import io.gantry.image.layer.Layers;
import io.gantry.image.manifest.Descriptor;
import io.gantry.registry.client.known.KnownBlob;
import io.gantry.registry.client.known.KnownBlobs;
import io.gantry.registry.client.known.Packing;
import io.gantry.registry.client.v2.Repository;
import io.gantry.registry.client.v2.Upload;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import io.gantry.store.StoreFailure;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Has a repository have a layer: it may have one of the layer's blobs already, or take it over from
 * another repository of its registry; else the blob as it came is sent, or the tar compressed.
 */
final class LayerPush {

  /** Questions that are asked before something is sent, of each kind. */
  private static final int MOST_QUESTIONS = 5;

  private final Repository repository;
  private final Cargo cargo;
  private final Watcher watcher;
  private final KnownBlobs known;
  private final Layers layers;
  private final HeldBlobs blobs;

  LayerPush(Shipping shipping, Repository repository, Cargo cargo, Watcher watcher) {
    this.repository = repository;
    this.cargo = cargo;
    this.watcher = watcher;
    this.known = shipping.known();
    this.layers = shipping.intake().layers();
    this.blobs = shipping.intake().blobs();
  }

  /**
   * @return the blob that the repository now has
   */
  KnownBlob run() {
    Optional<KnownBlob> there = existing();
    if (there.isPresent()) {
      watcher.says("Layer already exists");
      return learnt(there.get());
    }
    Optional<KnownBlob> mounted = mounted();
    return learnt(mounted.orElseGet(this::sent));
  }

  private KnownBlob learnt(KnownBlob blob) {
    known.learn(cargo.diff(), blob);
    return blob;
  }

  private String registry() {
    return repository.session().address().registry();
  }

  private KnownBlob here(KnownBlob blob) {
    return new KnownBlob(registry(), repository.path(), blob.digest(), blob.size(), blob.packing());
  }

  /** The blob of the image's own manifest first, then what was here last. */
  private Optional<KnownBlob> existing() {
    Map<Digest, KnownBlob> candidates = new LinkedHashMap<>();
    Descriptor preferred = cargo.preferred();
    if (preferred != null) {
      candidates.put(
          preferred.digest(),
          new KnownBlob(
              registry(),
              repository.path(),
              preferred.digest(),
              preferred.size(),
              Packing.of(preferred.mediaType())));
    }
    List<KnownBlob> all = known.of(cargo.diff());
    all.stream()
        .filter(blob -> blob.isIn(registry(), repository.path()))
        .forEach(blob -> candidates.putIfAbsent(blob.digest(), blob));
    all.forEach(blob -> candidates.putIfAbsent(blob.digest(), here(blob)));
    for (KnownBlob blob : candidates.values().stream().limit(MOST_QUESTIONS).toList()) {
      if (has(blob)) {
        return Optional.of(blob);
      }
      known.unlearn(cargo.diff(), blob);
    }
    return Optional.empty();
  }

  private boolean has(KnownBlob blob) {
    return repository
        .size(blob.digest())
        .filter(size -> size < 0 || size == blob.size())
        .isPresent();
  }

  private Optional<KnownBlob> mounted() {
    List<KnownBlob> others =
        known.of(cargo.diff()).stream()
            .filter(blob -> blob.registry().equals(registry()))
            .filter(blob -> !blob.path().equals(repository.path()))
            .limit(MOST_QUESTIONS)
            .toList();
    for (KnownBlob other : others) {
      boolean isMounted = repository.mount(other.digest(), other.path());
      if (isMounted && has(here(other))) { // what it says alone is not enough
        watcher.says("Mounted from " + other.path());
        return Optional.of(here(other));
      }
      known.unlearn(cargo.diff(), other);
    }
    return Optional.empty();
  }

  private KnownBlob sent() {
    Optional<Digest> kept = kept();
    if (kept.isEmpty()) {
      return send(packed());
    }
    Digest blob = kept.get();
    blobs.hold(blob);
    try {
      return send(Packed.blob(blobs, blob, packing(blob), watcher));
    } catch (GantryException e) {
      if (e.kind() != Kind.NOT_FOUND || blobs.has(blob)) {
        throw e;
      }
      return send(packed()); // let go of just before it was held
    } finally {
      blobs.release(blob);
    }
  }

  /** A blob that is here as it came: the one that is preferred, or any. */
  private Optional<Digest> kept() {
    List<Digest> received = layers.find(cargo.chain()).map(Layer::received).orElse(List.of());
    Descriptor preferred = cargo.preferred();
    if (preferred != null && preferred.digest().equals(cargo.diff())) {
      return Optional.empty();
    }
    if (preferred != null
        && received.contains(preferred.digest())
        && blobs.has(preferred.digest())) {
      return Optional.of(preferred.digest());
    }
    return received.stream().filter(blobs::has).findFirst();
  }

  private Packing packing(Digest blob) {
    Descriptor preferred = cargo.preferred();
    return preferred != null && preferred.digest().equals(blob)
        ? Packing.of(preferred.mediaType())
        : Packed.packing(blobs, blob);
  }

  private Packed packed() {
    Descriptor preferred = cargo.preferred();
    try {
      return preferred != null && preferred.digest().equals(cargo.diff())
          ? Packed.tar(layers, cargo.chain(), cargo.diff(), watcher)
          : Packed.gzip(layers, cargo.chain(), watcher);
    } catch (IOException e) {
      throw StoreFailure.of("read layer " + cargo.chain(), e);
    }
  }

  private KnownBlob send(Packed packed) {
    try (Upload upload = repository.upload(packed.digest().algorithm())) {
      upload.send(packed);
      upload.commit(packed.digest());
    }
    watcher.says("Pushed");
    return new KnownBlob(
        registry(), repository.path(), packed.digest(), packed.size(), packed.packing);
  }
}

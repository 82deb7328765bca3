package io.gantry.registry.client.push;

import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Layer;
import io.gantry.image.layer.Layers;
import io.gantry.image.manifest.Descriptor;
import io.gantry.registry.client.known.KnownBlob;
import io.gantry.registry.client.known.KnownBlobs;
import io.gantry.registry.client.known.Packing;
import io.gantry.registry.client.v2.Repository;
import io.gantry.registry.client.v2.Repository.Mounting;
import io.gantry.registry.client.v2.UnfinishedUploads;
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
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Has a repository have a layer: it may have one of the layer's blobs already, or take it over from
 * another repository of its registry; else the blob as it came is sent, or the tar compressed.
 */
final class LayerPush {

  /** Questions that are asked before something is sent, of each kind. */
  private static final int MOST_QUESTIONS = 5;

  /** Smaller layers are sent anew by an engine that was killed amid them. */
  private static final long WRITTEN_DOWN = 1 << 20;

  private final Shipping shipping;
  private final Repository repository;
  private final Cargo cargo;
  private final Watcher watcher;
  private final KnownBlobs known;
  private final Layers layers;
  private final HeldBlobs blobs;

  LayerPush(Shipping shipping, Repository repository, Cargo cargo, Watcher watcher) {
    this.shipping = shipping;
    this.repository = repository;
    this.cargo = cargo;
    this.watcher = watcher;
    this.known = shipping.known();
    this.layers = shipping.intake().layers();
    this.blobs = shipping.intake().blobs();
  }

  /**
   * The blob of the image's own manifest goes before all others, also when it has to be sent: with
   * another one that manifest would not be whole.
   *
   * @return the blob that the repository now has
   */
  KnownBlob run() {
    return own().or(() -> there(blob -> !isOwn(blob.digest()))).orElseGet(this::sent);
  }

  private Optional<KnownBlob> own() {
    return cargo.preferred() == null
        ? Optional.empty()
        : there(blob -> isOwn(blob.digest())).or(this::sentOwn);
  }

  private boolean isOwn(Digest blob) {
    Descriptor preferred = cargo.preferred();
    return preferred != null && preferred.digest().equals(blob);
  }

  /** Of these blobs the first that the repository has, or takes over. */
  private Optional<KnownBlob> there(Predicate<KnownBlob> which) {
    Optional<KnownBlob> there = existing(which);
    if (there.isPresent()) {
      shipping.unfinished().forget(repository, cargo.diff());
      watcher.says("Layer already exists");
    } else {
      there = mounted(which);
    }
    return there.map(blob -> shipping.isProved(cargo.chain(), blob.digest()) ? learnt(blob) : blob);
  }

  private List<Digest> received() {
    return layers.find(cargo.chain()).map(Layer::received).orElse(List.of());
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
  private Optional<KnownBlob> existing(Predicate<KnownBlob> which) {
    Map<Digest, KnownBlob> candidates = new LinkedHashMap<>();
    preferred(Stream.of(repository.path())).forEach(blob -> candidates.put(blob.digest(), blob));
    List<KnownBlob> all = known.of(cargo.diff());
    all.stream()
        .filter(blob -> blob.isIn(registry(), repository.path()))
        .forEach(blob -> candidates.putIfAbsent(blob.digest(), blob));
    all.forEach(blob -> candidates.putIfAbsent(blob.digest(), here(blob)));
    List<KnownBlob> asked =
        candidates.values().stream().filter(which).limit(MOST_QUESTIONS).toList();
    for (KnownBlob blob : asked) {
      if (has(blob)) {
        return Optional.of(blob);
      }
      known.unlearn(cargo.diff(), blob);
    }
    return Optional.empty();
  }

  /** The blob of the image's own manifest in repositories; none without one. */
  private Stream<KnownBlob> preferred(Stream<String> paths) {
    Descriptor blob = cargo.preferred();
    return blob == null
        ? Stream.of()
        : paths.map(
            path ->
                new KnownBlob(
                    registry(), path, blob.digest(), blob.size(), Packing.of(blob.mediaType())));
  }

  private boolean has(KnownBlob blob) {
    return repository
        .size(blob.digest())
        .filter(size -> size < 0 || size == blob.size())
        .isPresent();
  }

  private Optional<KnownBlob> mounted(Predicate<KnownBlob> which) {
    Stream<KnownBlob> learnt =
        known.of(cargo.diff()).stream()
            .filter(blob -> blob.registry().equals(registry()))
            .filter(blob -> !blob.path().equals(repository.path()));
    List<KnownBlob> others =
        Stream.concat(learnt, preferred(cargo.homes().stream()))
            .filter(which)
            .distinct()
            .limit(MOST_QUESTIONS)
            .toList();
    for (KnownBlob other : others) {
      Mounting mounting = repository.mount(other.digest(), other.path());
      if (mounting == Mounting.DONE && has(here(other))) { // what it says alone is not enough
        watcher.says("Mounted from " + other.path());
        return Optional.of(here(other));
      }
      if (mounting != Mounting.REFUSED) {
        known.unlearn(cargo.diff(), other);
      }
    }
    return Optional.empty();
  }

  private Optional<KnownBlob> sentOwn() {
    if (isOwn(cargo.diff())) {
      return Optional.of(send(tar()));
    }
    return received().stream().filter(this::isOwn).findFirst().flatMap(this::sentAsItCame);
  }

  private KnownBlob sent() {
    return received().stream()
        .filter(blobs::has)
        .findFirst()
        .flatMap(this::sentAsItCame)
        .orElseGet(() -> send(gzip()));
  }

  /** Empty when it is here no longer. */
  private Optional<KnownBlob> sentAsItCame(Digest blob) {
    if (!blobs.has(blob)) {
      return Optional.empty();
    }
    blobs.hold(blob);
    try {
      return Optional.of(send(Packed.blob(blobs, blob, packing(blob), watcher)));
    } catch (GantryException e) {
      if (e.kind() != Kind.NOT_FOUND || blobs.has(blob)) {
        throw e;
      }
      return Optional.empty(); // let go of just before it was held
    } finally {
      blobs.release(blob);
    }
  }

  private Packing packing(Digest blob) {
    Descriptor preferred = cargo.preferred();
    return preferred != null && preferred.digest().equals(blob)
        ? Packing.of(preferred.mediaType())
        : Packed.packing(blobs, blob);
  }

  private Packed tar() {
    try {
      return Packed.tar(layers, cargo.chain(), cargo.diff(), watcher);
    } catch (IOException e) {
      throw StoreFailure.of("read layer " + cargo.chain(), e);
    }
  }

  private Packed gzip() {
    try {
      return Packed.gzip(layers, cargo.chain(), watcher);
    } catch (IOException e) {
      throw StoreFailure.of("read layer " + cargo.chain(), e);
    }
  }

  /**
   * The blob is remembered before it is made one: an engine that is killed then asks for it first.
   */
  private KnownBlob send(Packed packed) {
    try (UnfinishedUploads.@Nullable Claim claim =
            packed.source() < WRITTEN_DOWN
                ? null
                : shipping.unfinished().claim(repository, cargo.diff(), packed.form());
        Upload upload = repository.upload(packed.digest().algorithm(), claim)) {
      upload.send(packed, () -> learnt(blob(packed)).digest());
    }
    watcher.says("Pushed");
    return blob(packed);
  }

  private KnownBlob blob(Packed packed) {
    return new KnownBlob(
        registry(), repository.path(), packed.digest(), packed.size(), packed.packing);
  }
}

package io.gantry.registry.client.pull;

import io.gantry.api.Transfers.Telling;
import io.gantry.image.Addition;
import io.gantry.image.ImageConfig;
import io.gantry.image.Intake;
import io.gantry.image.Reference;
import io.gantry.image.archive.Ahead;
import io.gantry.image.layer.Draft;
import io.gantry.image.layer.Layer;
import io.gantry.image.layer.Layers;
import io.gantry.image.layer.Limits;
import io.gantry.image.layer.Wanted;
import io.gantry.image.manifest.Descriptor;
import io.gantry.registry.client.known.KnownBlob;
import io.gantry.registry.client.known.KnownBlobs;
import io.gantry.registry.client.known.Packing;
import io.gantry.registry.client.v2.Manifest;
import io.gantry.registry.client.v2.Repository;
import io.gantry.registry.client.wire.RegistryError;
import io.gantry.registry.client.wire.Session;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import io.gantry.store.StoreFailure;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * The pull of one image whose manifest is known. Blobs are fetched side by side and unpacked while
 * they arrive; layers are put in place from the lowest up; the image and its names appear last, at
 * once. On one thread, and those of {@link Ahead} and of the fetches.
 */
final class ImagePull {

  private final Workshop workshop;
  private final Repository repository;
  private final Manifest manifest;
  private final Telling telling;
  private final Meter meter;
  private final Intake intake;
  private final Layers layers;
  private final Limits limits;
  private final Map<Digest, Makings.Claim> claims = new HashMap<>();

  /** Blobs that have been unpacked to the layers that they should be. */
  private final Set<Digest> verified = new HashSet<>();

  /** Layers that this pull holds, the uppermost first. */
  private final Deque<Digest> held = new ArrayDeque<>();

  /**
   * A layer as the manifest has it.
   *
   * @param number among those that are missing, -1 for one that is here
   */
  private record Part(
      Descriptor blob, Wanted wanted, Digest chain, @Nullable Digest below, int number) {

    String id() {
      return blob.digest().hex().substring(0, 12);
    }
  }

  ImagePull(
      Workshop workshop, Repository repository, Manifest manifest, Telling telling, Meter meter) {
    this.workshop = workshop;
    this.repository = repository;
    this.manifest = manifest;
    this.telling = telling;
    this.meter = meter;
    this.intake = workshop.intake();
    this.layers = intake.layers();
    this.limits = intake.limits();
  }

  /**
   * Fetches what is not here, and adds the image.
   *
   * @param most blobs at a time
   * @param names to give it
   * @return its id
   */
  Digest run(int most, List<Reference> names) {
    byte[] json = config();
    ImageConfig config = ImageConfig.parse(json);
    if (!config.os().isEmpty() && !config.os().equals("linux")) {
      throw new GantryException(
          Kind.INVALID,
          "image operating system \"%s\" cannot be used on this platform".formatted(config.os()));
    }
    var addition = new Addition(Bytes.copyOf(json), null, names, manifest.json());
    boolean isKnown = intake.images().find(Digest.sha256(json)).isPresent();
    try {
      List<Part> parts = parts(config, isKnown);
      List<Part> missing = parts.stream().filter(part -> part.number() >= 0).toList();
      Digest id;
      if (missing.isEmpty()) {
        id = intake.images().add(List.of(addition)).get(0);
      } else {
        checkSpace(missing);
        id = fetch(most, missing, addition);
      }
      parts.forEach(this::learn);
      return id;
    } finally {
      claims.values().forEach(Makings.Claim::close);
      held.forEach(layers::release); // the image holds its own by now
    }
  }

  /** One that an image here has is not fetched again. */
  private byte[] config() {
    Descriptor config = manifest.config();
    if (intake.images().find(config.digest()).isPresent()) {
      try {
        return intake.blobs().read(config.digest(), ImageConfig.MAX_BYTES);
      } catch (GantryException e) {
        if (e.kind() != Kind.NOT_FOUND) {
          throw e;
        } // removed meanwhile
      }
    }
    return repository.document(config.digest(), config.size(), ImageConfig.MAX_BYTES);
  }

  /** Takes hold of the layers that are here, and says of each whether it is. */
  private List<Part> parts(ImageConfig config, boolean isKnown) {
    List<Descriptor> blobs = manifest.layers();
    if (blobs.size() != config.diffs().size()) {
      throw new GantryException(
          Kind.INVALID,
          "manifest %s has %d layers and its configuration %d"
              .formatted(manifest.digest(), blobs.size(), config.diffs().size()));
    }
    blobs.forEach(ImagePull::check);
    List<Part> parts = new ArrayList<>();
    Digest below = null;
    int missing = 0;
    for (int i = 0; i < blobs.size(); i++) {
      Descriptor blob = blobs.get(i);
      Digest diff = config.diffs().get(i);
      Digest chain = Layer.chain(below, diff);
      boolean isHere = layers.holdOrFinish(chain);
      if (isHere) {
        held.push(chain);
      }
      var wanted = new Wanted(diff, i, blob.digest().equals(diff));
      Part part = new Part(blob, wanted, chain, below, isHere ? -1 : missing++);
      if (!isHere || !isKnown) {
        telling.says(part.id(), isHere ? "Already exists" : "Pulling fs layer");
      }
      parts.add(part);
      below = chain;
    }
    return parts;
  }

  private static void check(Descriptor blob) {
    String type = blob.mediaType();
    if (type.contains("encrypted")) {
      throw new GantryException(Kind.INVALID, "layer " + blob.digest() + " is encrypted");
    }
    if (!type.contains(".tar")) {
      throw new GantryException(
          Kind.INVALID,
          "layer %s is of type \"%s\": it is no layer of an image".formatted(blob.digest(), type));
    }
    if (blob.size() < 0) {
      throw new GantryException(
          Kind.INVALID, "the manifest does not say the size of layer " + blob.digest());
    }
  }

  private void checkSpace(List<Part> missing) {
    for (Part part : missing) {
      if (part.blob().size() > limits.maxBytes()) {
        throw new GantryException(
            Kind.EXHAUSTED,
            "layer %s has %d bytes: no space left on device"
                .formatted(part.blob().digest(), part.blob().size()));
      }
    }
  }

  private Digest fetch(int most, List<Part> missing, Addition addition) {
    var heard = new Heard(missing);
    List<Descriptor> blobs = missing.stream().map(Part::blob).toList();
    missing.stream().skip(most).forEach(part -> telling.says(part.id(), "Waiting"));
    blobs.forEach(blob -> meter.wants(blob.size()));
    try (var downloads = workshop.downloads(repository, blobs, heard)) {
      downloads.begin(most);
      try (var ahead = new Ahead(layers, limits)) {
        missing.forEach(part -> begin(part, downloads, ahead, heard));
        missing.forEach(part -> makeOrForget(part, downloads.fetch(part.number()), ahead));
      } catch (GantryException e) {
        if (isFull(e)) {
          downloads.used(); // what a full disk has no room for it does not keep either
        }
        throw e;
      }
      Digest id = intake.images().add(List.of(addition)).get(0);
      downloads.used();
      return id;
    }
  }

  private void begin(Part part, Downloads downloads, Ahead ahead, Heard heard) {
    workshop
        .makings()
        .claim(part.chain())
        .ifPresent(
            claim -> {
              claims.put(part.chain(), claim);
              ahead.begin(
                  part.chain(),
                  () -> downloads.fetch(part.number()).open(),
                  part.below() == null,
                  part.wanted(),
                  bytes -> heard.unpacked(part, bytes));
            });
  }

  /** And not a registry that has enough of us. */
  private static boolean isFull(GantryException e) {
    return e.kind() == Kind.EXHAUSTED && !(e.getCause() instanceof RegistryError);
  }

  /** A blob that makes no layer would make none the next time either. */
  private void makeOrForget(Part part, Fetch.Share fetch, Ahead ahead) {
    try {
      make(part, fetch, ahead);
    } catch (GantryException e) {
      if (e.kind() == Kind.INVALID) {
        fetch.used();
      }
      throw e;
    }
  }

  private void make(Part part, Fetch.Share fetch, Ahead ahead) {
    if (claims.containsKey(part.chain())) {
      makeLayer(part, fetch, ahead.take(part.chain()));
    } else if (!awaitOther(part)) {
      makeLayer(part, fetch, Optional.empty());
    }
    Makings.Claim claim = claims.remove(part.chain());
    if (claim != null) {
      claim.close();
    }
    fetch.await(); // also when another pull has made the layer: it is told of until its end
    telling.at(part.id(), "Extracting", part.blob().size(), part.blob().size());
    telling.says(part.id(), "Pull complete");
  }

  /**
   * Waits for the pull that makes the layer.
   *
   * @return false when that one has failed, and it is ours to make now
   */
  private boolean awaitOther(Part part) {
    while (true) {
      workshop.makings().await(part.chain());
      if (layers.holdOrFinish(part.chain())) {
        held.push(part.chain());
        return true;
      }
      Optional<Makings.Claim> claim = workshop.makings().claim(part.chain());
      if (claim.isPresent()) {
        claims.put(part.chain(), claim.get());
        return false;
      }
    }
  }

  /** Only what has been verified becomes a layer. */
  private void makeLayer(Part part, Fetch.Share fetch, Optional<Draft> draft) {
    try {
      fetch.await();
    } catch (GantryException e) {
      draft.ifPresent(Draft::close);
      throw e;
    }
    if (draft.isPresent()) {
      layers.make(draft.get(), part.below());
    } else {
      try (InputStream in = fetch.open()) {
        layers.make(in, part.below(), part.wanted(), limits);
      } catch (IOException e) {
        throw StoreFailure.of("read a blob", e);
      }
    }
    held.push(part.chain());
    verified.add(part.blob().digest());
    boolean isKept =
        layers
            .find(part.chain())
            .filter(layer -> layer.received().contains(part.blob().digest()))
            .isPresent();
    if (!isKept && !part.wanted().known() && intake.keeps()) {
      layers.keep(part.chain(), fetch.hold());
    }
  }

  private void learn(Part part) {
    Digest digest = part.blob().digest();
    KnownBlobs known = workshop.known();
    boolean isProved =
        verified.contains(digest)
            || layers.find(part.chain()).filter(layer -> known.isProved(layer, digest)).isPresent();
    if (isProved) {
      String registry = repository.session().address().registry();
      Packing packing = Packing.of(part.blob().mediaType());
      known.learn(
          part.wanted().diff(),
          new KnownBlob(registry, repository.path(), digest, part.blob().size(), packing));
    }
  }

  /** Tells of the blobs. */
  private final class Heard implements Downloads.Listener {
    private final List<Part> missing;
    private final AtomicLongArray arrived;
    private final AtomicIntegerArray complete;

    Heard(List<Part> missing) {
      this.missing = missing;
      this.arrived = new AtomicLongArray(missing.size());
      this.complete = new AtomicIntegerArray(missing.size());
    }

    @Override
    public void arrived(int number, long bytes) {
      Part part = missing.get(number);
      long before = arrived.getAndAccumulate(number, bytes, Math::max);
      if (bytes >= before) {
        meter.moved(bytes - before);
        telling.at(part.id(), "Downloading", bytes, part.blob().size());
      }
    }

    @Override
    public void pauses(int number, Duration pause) {
      telling.says(missing.get(number).id(), Session.retrying(pause));
    }

    @Override
    public void verifies(int number) {
      telling.says(missing.get(number).id(), "Verifying Checksum");
    }

    @Override
    public void completed(int number) {
      complete.set(number, 1);
      telling.says(missing.get(number).id(), "Download complete");
    }

    /** What is unpacked while it arrives shows as arriving. */
    void unpacked(Part part, long bytes) {
      if (complete.get(part.number()) == 1) {
        telling.at(part.id(), "Extracting", bytes, part.blob().size());
      }
    }
  }
}

package io.gantry.registry.client.push;

import io.gantry.api.Transfers.Telling;
import io.gantry.image.Image;
import io.gantry.image.ImageConfig;
import io.gantry.image.Intake;
import io.gantry.image.Reference;
import io.gantry.image.manifest.Descriptor;
import io.gantry.registry.client.known.KnownBlob;
import io.gantry.registry.client.pull.Meter;
import io.gantry.registry.client.push.Manifests.Written;
import io.gantry.registry.client.v2.Repository;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** The push of one image under one tag: layers side by side, then configuration and manifest. */
final class ImagePush {

  private final Shipping shipping;
  private final Repository repository;
  private final Image image;
  private final Telling telling;
  private final Meter meter;
  private final Intake intake;

  /** By diff id: what the repository has, from this push and those of the same operation. */
  private final Map<Digest, KnownBlob> there;

  /**
   * @param there filled and used by all pushes of an operation
   */
  ImagePush(
      Shipping shipping,
      Repository repository,
      Image image,
      Telling telling,
      Meter meter,
      Map<Digest, KnownBlob> there) {
    this.shipping = shipping;
    this.repository = repository;
    this.image = image;
    this.telling = telling;
    this.meter = meter;
    this.intake = shipping.intake();
    this.there = there;
  }

  /**
   * @param most layers at a time
   * @return the manifest that the tag now names
   */
  Written run(String tag, int most) {
    Digest top = image.top();
    if (top != null) {
      intake.layers().hold(top);
    }
    try {
      byte[] config = intake.blobs().read(image.id(), ImageConfig.MAX_BYTES);
      Optional<OwnManifest> own = OwnManifest.of(image, intake.blobs(), shipping.known());
      List<Cargo> cargos = cargos(own);
      List<KnownBlob> sent = send(cargos, most);
      Written manifest =
          own.filter(one -> one.names(sent))
              .map(one -> new Written(one.mediaType(), one.json()))
              .orElseGet(() -> Manifests.write(image.id(), config.length, proved(cargos, most)));
      putConfig(config);
      repository.put(tag, manifest.mediaType(), manifest.json(), manifest.digest());
      return manifest;
    } finally {
      if (top != null) {
        intake.layers().release(top);
      }
    }
  }

  /** Lowest first. */
  private List<Cargo> cargos(Optional<OwnManifest> own) {
    List<String> homes = homes();
    List<Cargo> cargos = new ArrayList<>();
    for (int i = 0; i < image.layers().size(); i++) {
      Descriptor preferred = own.isPresent() ? own.get().layers().get(i) : null;
      cargos.add(new Cargo(image.layers().get(i), image.config().diffs().get(i), preferred, homes));
    }
    return cargos;
  }

  /** Other repositories of the registry that the image is in, as its names say. */
  private List<String> homes() {
    return image.digests().stream()
        .map(Reference::parse)
        .filter(name -> name.domain().equals(repository.session().address().registry()))
        .map(Reference::path)
        .filter(path -> !path.equals(repository.path()))
        .distinct()
        .toList();
  }

  /**
   * Has the repository have blobs that are known to be the layers', for a manifest written anew.
   *
   * @param sent of layers that it has some blob of
   * @return its blobs, lowest first
   */
  private List<KnownBlob> proved(List<Cargo> sent, int most) {
    List<Cargo> unproved =
        sent.stream()
            .filter(cargo -> !shipping.isProved(cargo.chain(), there(cargo).digest()))
            .map(Cargo::withoutPreference)
            .toList();
    send(unproved, most);
    return sent.stream().map(this::there).toList();
  }

  private KnownBlob there(Cargo cargo) {
    return Objects.requireNonNull(there.get(cargo.diff()));
  }

  /**
   * Has the repository have all layers, the uppermost first, each once.
   *
   * @return its blobs, lowest first
   */
  private List<KnownBlob> send(List<Cargo> cargos, int most) {
    Map<Digest, Cargo> distinct = new LinkedHashMap<>();
    for (int i = cargos.size() - 1; i >= 0; i--) {
      Cargo cargo = cargos.get(i);
      telling.says(cargo.id(), "Preparing");
      distinct.putIfAbsent(cargo.diff(), cargo);
    }
    List<Cargo> queue = List.copyOf(distinct.values());
    queue.stream().skip(most).forEach(cargo -> telling.says(cargo.id(), "Waiting"));
    work(queue, most);
    return cargos.stream().map(this::there).toList();
  }

  private void work(List<Cargo> queue, int most) {
    var next = new AtomicInteger();
    var ended = new ExecutorCompletionService<Boolean>(shipping.threads());
    List<Future<Boolean>> workers = new ArrayList<>();
    try {
      for (int i = 0; i < Math.min(most, queue.size()); i++) {
        workers.add(ended.submit(() -> work(queue, next)));
      }
      for (int i = 0; i < workers.size(); i++) {
        ended.take().get();
      }
    } catch (InterruptedException e) {
      throw new GantryException(Kind.CANCELLED, "cancelled", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof GantryException known) {
        throw known;
      }
      throw new GantryException(Kind.INTERNAL, "send a layer: " + e.getCause(), e);
    } finally {
      next.set(queue.size());
      workers.forEach(worker -> worker.cancel(true));
    }
  }

  private boolean work(List<Cargo> queue, AtomicInteger next) {
    repository.session().hold(); // it may have to say goodbye after the operation has ended
    try {
      for (int n; (n = next.getAndIncrement()) < queue.size(); ) {
        Cargo cargo = queue.get(n);
        intake.layers().hold(cargo.chain());
        try {
          there.put(cargo.diff(), send(cargo));
        } finally {
          intake.layers().release(cargo.chain());
        }
      }
      return true;
    } finally {
      repository.session().release();
    }
  }

  private KnownBlob send(Cargo cargo) {
    var teller = new Teller(cargo.id());
    KnownBlob known = there.get(cargo.diff());
    Descriptor preferred = cargo.preferred();
    if (known != null
        && (preferred == null
            ? shipping.isProved(cargo.chain(), known.digest())
            : preferred.digest().equals(known.digest()))) {
      teller.says("Layer already exists");
      return known;
    }
    String key =
        "%s/%s %s %s"
            .formatted(
                repository.session().address().registry(),
                repository.path(),
                cargo.diff(),
                preferred == null ? "" : preferred.digest());
    return shipping
        .sendings()
        .share(key, teller, all -> new LayerPush(shipping, repository, cargo, all).run());
  }

  /** Tells of one layer, on one thread at a time. */
  private final class Teller implements Watcher {
    private final String id;
    private final AtomicLong sent = new AtomicLong(-1);

    Teller(String id) {
      this.id = id;
    }

    @Override
    public void says(String status) {
      telling.says(id, status);
    }

    @Override
    public void at(long done, long total) {
      long before = sent.getAndSet(done);
      if (before < 0) {
        meter.wants(total);
      }
      meter.moved(done - Math.max(before, 0));
      telling.at(id, "Pushing", done, total);
    }
  }

  private void putConfig(byte[] config) {
    if (repository.size(image.id()).isEmpty()) {
      repository.put(image.id(), config);
    }
  }
}

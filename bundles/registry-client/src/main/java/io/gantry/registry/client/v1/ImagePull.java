package io.gantry.registry.client.v1;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.api.Transfers.Telling;
import io.gantry.image.Addition;
import io.gantry.image.Intake;
import io.gantry.image.Reference;
import io.gantry.image.layer.Layer;
import io.gantry.image.layer.Layers;
import io.gantry.image.layer.Limits;
import io.gantry.image.manifest.V1Config;
import io.gantry.registry.client.pull.Makings;
import io.gantry.registry.client.pull.Meter;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Undo;
import io.gantry.store.Digest;
import io.gantry.store.Ingest;
import io.gantry.store.StoreFailure;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The pull of one image from one endpoint. Documents and layers are fetched side by side, the
 * oldest first; layers are put in place from the lowest up; the image and its name appear last, at
 * once. Its id is that of the configuration that is made of the documents, never the registry's.
 */
final class ImagePull {

  private final Pulls pulls;
  private final Registry registry;
  private final Map<String, String> checksums;
  private final Telling telling;
  private final Meter meter;
  private final Intake intake;
  private final Layers layers;
  private final Limits limits;

  /** Layers that this pull holds, the uppermost first. */
  private final Deque<Digest> held = new ArrayDeque<>();

  /**
   * @param checksums of the index, by image id
   */
  ImagePull(
      Pulls pulls, Registry registry, Map<String, String> checksums, Telling telling, Meter meter) {
    this.pulls = pulls;
    this.registry = registry;
    this.checksums = checksums;
    this.telling = telling;
    this.meter = meter;
    this.intake = pulls.intake();
    this.layers = intake.layers();
    this.limits = intake.limits();
  }

  /**
   * What a step of the image needs.
   *
   * @param place names the layer, its registry and all that is below it. Who makes layers has them
   *     from the lowest up, so nobody waits in a circle, whatever registries say of their order
   * @param diff of its layer, when that is here; else it has to be fetched
   * @param known what was known of it, here or not
   */
  private record Step(
      ImageId id,
      @Nullable ImageId parent,
      String place,
      @Nullable Digest diff,
      @Nullable Digest known) {}

  /**
   * A step that has arrived.
   *
   * @param diff of the layer, when it is known
   * @param layer as it came, or null when it is here
   * @param claim of the layer, or null
   */
  private record Arrived(
      Step step,
      ImageJson json,
      String checksum,
      @Nullable Digest diff,
      @Nullable Ingest layer,
      Makings.@Nullable Claim claim)
      implements AutoCloseable {

    @Override
    public void close() {
      if (layer != null) {
        layer.close(); // what has arrived is good for the next attempt
      }
      if (claim != null) {
        claim.close();
      }
    }
  }

  /**
   * Fetches what is not here, and adds the image.
   *
   * @param name to give it
   * @param most layers at a time
   * @return its id here
   */
  Digest run(ImageId top, Reference name, int most) {
    String key = "img:" + registry.endpoint().registry() + "/" + top;
    Makings.Claim claim = claim(key, top.shown());
    try {
      telling.says(top.shown(), "Pulling dependent layers");
      List<Step> steps = steps(registry.ancestry(top));
      Digest id = fetch(steps, name, most);
      telling.says(top.shown(), "Download complete");
      return id;
    } finally {
      held.forEach(layers::release); // the image holds its own by now
      claim.close();
    }
  }

  private Makings.Claim claim(String key, String shown) {
    for (boolean isTold = false; ; isTold = true) {
      Optional<Makings.Claim> claim = pulls.makings().claim(key);
      if (claim.isPresent()) {
        return claim.get();
      }
      if (!isTold) {
        telling.says(shown, "Layer already being pulled by another client. Waiting.");
      }
      pulls.makings().await(key);
    }
  }

  /** Takes hold of the lowest layers, as far as they are known and here. */
  private List<Step> steps(List<ImageId> ids) {
    List<Step> steps = new ArrayList<>();
    ImageId parent = null;
    String place = registry.endpoint().registry();
    Digest below = null;
    boolean isHere = true;
    for (ImageId id : ids) {
      Digest known = known(id);
      Digest chain = !isHere || known == null ? null : Layer.chain(below, known);
      isHere = chain != null && layers.holdOrFinish(chain);
      if (isHere && chain != null) {
        held.push(chain);
        below = chain;
      }
      telling.says(id.shown(), isHere ? "Already exists" : "Pulling fs layer");
      place = Digest.sha256((place + "/" + id).getBytes(UTF_8)).hex();
      steps.add(new Step(id, parent, place, isHere ? known : null, known));
      parent = id;
    }
    return steps;
  }

  /** What the layer is, unless the index wants another one by now. */
  private @Nullable Digest known(ImageId id) {
    String wanted = checksums.getOrDefault(id.hex(), "");
    return pulls
        .known()
        .find(registry.endpoint().registry(), id)
        .filter(
            found ->
                !LayerDownload.isVerifiable(wanted) || found.checksum().toString().equals(wanted))
        .map(KnownLayers.Found::diff)
        .orElse(null);
  }

  private Digest fetch(List<Step> steps, Reference name, int most) {
    var config = new V1Config();
    ImageJson last = null;
    Digest below = null;
    try (var arrivals = new Arrivals<>(steps, this::arrive, most)) {
      for (Step step : steps) {
        try (Arrived arrived = arrivals.next()) {
          Digest diff = step.diff() == null ? make(arrived, below) : step.diff();
          below = Layer.chain(below, diff);
          config.add(arrived.json().document(), diff);
          last = arrived.json();
        }
      }
    }
    if (last == null) {
      throw new GantryException(Kind.INVALID, "an image of nothing");
    }
    Bytes json = Bytes.copyOf(config.write(last.document()));
    return intake.images().add(List.of(new Addition(json, null, List.of(name), null))).get(0);
  }

  /** On one of many threads. */
  private Arrived arrive(Step step) {
    String shown = step.id().shown();
    telling.says(shown, "Pulling metadata");
    ImageJson json = registry.json(step.id());
    ImageId parent = json.parent().orElse(null);
    if (parent == null ? step.parent() != null : !parent.equals(step.parent())) {
      throw json.document().malformed("its parent is not the one that its ancestry says");
    }
    String listed = checksums.getOrDefault(step.id().hex(), "");
    String wanted = listed.isEmpty() ? json.checksum() : listed;
    if (step.diff() != null) {
      return new Arrived(step, json, wanted, step.diff(), null, null);
    }
    String key = "layer:" + step.place();
    Optional<Makings.Claim> own = pulls.makings().claim(key);
    Makings.Claim claim = own.isPresent() ? own.get() : claim(key, shown);
    try (var undo = new Undo()) {
      undo.add(claim::close);
      Digest known = known(step.id());
      boolean isNews = own.isEmpty() || !Objects.equals(known, step.known());
      Digest made = isNews ? known : null; // by another pull, meanwhile
      Ingest layer = made == null ? download(step, json, wanted) : null;
      undo.keep();
      return new Arrived(step, json, wanted, made, layer, claim);
    }
  }

  private Ingest download(Step step, ImageJson json, String wanted) {
    String shown = json.id().shown();
    var download = new LayerDownload(registry, json, step.place(), wanted, new Told(shown));
    Ingest layer = download.run(intake.blobs(), limits.maxBytes());
    telling.says(shown, "Download complete");
    return layer;
  }

  /**
   * @return the digest of the layer's tar
   */
  private Digest make(Arrived arrived, @Nullable Digest below) {
    Digest made = arrived.diff();
    Digest chain = made == null ? null : Layer.chain(below, made);
    if (made != null && chain != null && layers.holdOrFinish(chain)) {
      held.push(chain);
      telling.says(arrived.json().id().shown(), "Already exists");
      return made;
    }
    Ingest in = arrived.layer();
    if (in != null) {
      return make(arrived.json(), in, below);
    }
    try (Ingest late = download(arrived.step(), arrived.json(), arrived.checksum())) {
      return make(arrived.json(), late, below);
    }
  }

  private Digest make(ImageJson json, Ingest in, @Nullable Digest below) {
    Layer layer;
    Digest checksum;
    try (InputStream content = in.read();
        InputStream again = in.read()) {
      layer = layers.make(content, below, limits);
      held.push(layer.chain());
      checksum = json.payload(again);
    } catch (IOException e) {
      throw StoreFailure.of("read a layer", e);
    }
    if (intake.keeps() && !in.finish().equals(layer.diff())) {
      layers.keep(layer.chain(), intake.blobs().hold(in));
    } else {
      in.forget();
    }
    pulls.known().put(registry.endpoint().registry(), json.id(), layer.diff(), checksum);
    telling.says(json.id().shown(), "Pull complete");
    return layer.diff();
  }

  /** Tells of a layer on its way. */
  private final class Told implements LayerDownload.Progress {
    private final String shown;
    private long moved;
    private boolean isWanted;

    Told(String shown) {
      this.shown = shown;
    }

    @Override
    public void at(long bytes, long total) {
      if (!isWanted && total >= 0) {
        isWanted = true;
        meter.wants(total);
      }
      meter.moved(Math.max(bytes - moved, 0));
      moved = bytes;
      telling.at(shown, "Downloading", bytes, total);
    }

    @Override
    public void verifies() {
      telling.says(shown, "Verifying Checksum");
    }
  }
}

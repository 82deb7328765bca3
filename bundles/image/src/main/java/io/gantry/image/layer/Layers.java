package io.gantry.image.layer;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.linux.Dir;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Undo;
import io.gantry.store.Digest;
import io.gantry.store.Durability;
import io.gantry.store.Form;
import io.gantry.store.Ingest;
import io.gantry.store.RecordStore;
import io.gantry.store.Schema;
import io.gantry.store.StoreFailure;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * All layers: their records, their trees in storage drivers, and who needs them.
 *
 * <p>Making one: scratch tree and recipe blob; then the driver's commit, which brings the tree to
 * the disk; then the record. A crash before the commit leaves a scratch tree that its driver
 * sweeps; one after it, a tree that the next layer of the same chain replaces; {@link #prune} takes
 * the blobs.
 *
 * <p>A layer stays while somebody holds it: an image, a container, the layer above, whoever just
 * made it. Between the last release and the end of its removal, and while it is being put in place,
 * a chain is busy and others wait for it. Records are read at start-up; until everybody has taken
 * hold again nothing is removed, since only {@link #release} and {@link #prune} remove.
 */
public final class Layers {

  private static final System.Logger log = System.getLogger("io.gantry.image");
  private static final Schema SCHEMA = new Schema("layer", 1, 0);

  private final RecordStore<Layer> records;
  private final HeldBlobs blobs;
  private final LayerTrees trees;
  private final Map<Digest, Layer> layers = new ConcurrentHashMap<>();
  private final Map<String, String> scratches = new ConcurrentHashMap<>(); // and their drivers
  private final Holders holders = new Holders();
  private final Codecs codecs;

  /** Needs no disk space and no driver. */
  public Layers(Path records, HeldBlobs blobs, LayerTrees trees) {
    this(records, blobs, trees, new Codecs());
  }

  /** As above, with what is to decompress. */
  public Layers(Path records, HeldBlobs blobs, LayerTrees trees, Codecs codecs) {
    this.codecs = codecs;
    this.records = new RecordStore<>(records, SCHEMA, Form.of(Layer.class));
    this.blobs = blobs;
    this.trees = trees;
  }

  /** Reads the records; once: {@code ImageStore.load} does it. */
  public List<RecordStore.Problem> load() {
    var loaded = records.load();
    loaded
        .records()
        .values()
        .forEach(
            layer -> {
              layers.put(layer.chain(), layer);
              blobs.hold(layer.recipe());
              layer.displaced().forEach(blobs::hold);
              layer.received().forEach(blobs::hold);
              if (layer.parent() != null) {
                holders.count(layer.parent(), 1);
              }
            });
    return loaded.problems();
  }

  /** What decompresses and compresses them. */
  public Codecs codecs() {
    return codecs;
  }

  public Optional<Layer> find(Digest chain) {
    return Optional.ofNullable(layers.get(chain));
  }

  /** Chain ids of all layers. */
  public List<Digest> chains() {
    return layers.keySet().stream().sorted().toList();
  }

  /** Ids of all trees a driver should hold, for its recovery; those that are being filled too. */
  public Set<String> expected(String driver) {
    Set<String> ids = new HashSet<>();
    layers.values().stream()
        .filter(layer -> layer.drivers().contains(driver))
        .forEach(layer -> ids.add(layer.treeId()));
    scratches.forEach(
        (scratch, in) -> {
          if (in.equals(driver)) {
            ids.add(scratch);
          }
        });
    return ids;
  }

  /**
   * Makes a layer of an archive, plain or compressed, in the default driver. The caller holds it
   * afterwards, and holds the parent meanwhile.
   *
   * @throws GantryException INVALID for an archive that is broken or leads outside, EXHAUSTED for
   *     one that does not fit, CANCELLED on an interrupt; nothing is left behind
   */
  public Layer make(InputStream archive, @Nullable Digest parent, Limits limits) {
    return make(archive, parent, null, limits);
  }

  /**
   * As above, for an archive that has to be a certain tar.
   *
   * @throws GantryException INVALID also when it is another one
   */
  public Layer make(
      InputStream archive, @Nullable Digest parent, @Nullable Wanted wanted, Limits limits) {
    String driver = trees.defaultDriver();
    if (parent != null) {
      ensure(driver, parent);
    }
    return make(Decoder.open(archive, wanted, limits, codecs), parent, driver, wanted, limits);
  }

  private Layer make(
      InputStream tar,
      @Nullable Digest parent,
      String driver,
      @Nullable Wanted wanted,
      Limits limits) {
    String below = parent == null ? null : Layer.treeId(parent);
    try (Draft draft = Draft.begin(trees, blobs, scratches, driver, below)) {
      draft.fill(tar, draft.below(), wanted, limits);
      return put(draft, parent);
    } catch (IOException e) {
      throw StoreFailure.of("make a layer", e);
    }
  }

  /**
   * Unpacks an archive in the default driver before the layers below it are there. {@link
   * #make(Draft, Digest)} makes it a layer; else the caller closes it.
   *
   * @param isLowest whether nothing is to be below it
   * @return empty when it needs to know the layers below
   * @throws GantryException as {@link #make(InputStream, Digest, Wanted, Limits)}
   */
  public Optional<Draft> draft(
      InputStream archive, boolean isLowest, Wanted wanted, Limits limits) {
    Draft draft = Draft.begin(trees, blobs, scratches, trees.defaultDriver(), null);
    try (var undo = new Undo()) {
      undo.add(draft::close);
      if (!isLowest && !draft.isMovable()) {
        return Optional.empty();
      }
      Lower lower = isLowest ? draft.below() : Lower.notYetThere();
      draft.fill(Decoder.open(archive, wanted, limits, codecs), lower, wanted, limits);
      undo.keep();
      return Optional.of(draft);
    } catch (Lower.NotThere e) {
      return Optional.empty();
    } catch (IOException e) {
      throw StoreFailure.of("unpack a layer", e);
    }
  }

  /** Makes what has been unpacked a layer, and closes it; else as the others. */
  public Layer make(Draft unpacked, @Nullable Digest parent) {
    try (Draft draft = unpacked) {
      if (parent != null) {
        draft.putOn(ensure(draft.driver, parent));
      }
      return put(draft, parent);
    }
  }

  private Layer put(Draft draft, @Nullable Digest parent) {
    Layer layer = draft.on(parent);
    if (put(layer, draft.driver, draft.scratch())) {
      draft.taken();
    } // else it is known already: the scratch tree and the second recipe are given up
    return known(layer.chain());
  }

  /**
   * Puts a filled tree in place and takes hold of the layer.
   *
   * @return false when there is such a layer already; it may get its tree in one more driver
   */
  private boolean put(Layer layer, String driver, String scratch) {
    holders.claim(layer.chain());
    try {
      Layer known = layers.get(layer.chain());
      if (known == null) {
        commit(driver, scratch, layer);
        if (layer.parent() != null) {
          hold(layer.parent());
        }
      } else if (!known.drivers().contains(driver)) {
        List<String> drivers = new ArrayList<>(known.drivers());
        drivers.add(driver);
        commit(driver, scratch, known.in(drivers));
      } else if (isLost(driver, known)) {
        commit(driver, scratch, known);
      }
      holders.count(layer.chain(), 1);
      return known == null;
    } finally {
      holders.unclaim(layer.chain());
    }
  }

  /** A removal takes the tree before the record, and a crash may come between. */
  private boolean isLost(String driver, Layer layer) {
    try {
      return !Files.isDirectory(trees.layer(driver, layer.treeId()).directory());
    } catch (GantryException e) {
      if (e.kind() == Kind.NOT_FOUND) {
        return true;
      }
      throw e;
    }
  }

  private void commit(String driver, String scratch, Layer layer) {
    try (var undo = new Undo()) {
      undo.add(() -> trees.remove(driver, layer.treeId()));
      commit(driver, scratch, layer.treeId());
      records.put(layer.chain().toString(), layer, Durability.SYNCED);
      layers.put(layer.chain(), layer);
      undo.keep();
    }
  }

  private void commit(String driver, String scratch, String id) {
    try {
      trees.commit(driver, scratch, id);
    } catch (GantryException e) {
      if (e.kind() != Kind.CONFLICT) {
        throw e;
      }
      // A crash between commit and record left it. Equal chains are equal trees, but nobody vouches
      // for what happened to this one since.
      trees.remove(driver, id);
      trees.commit(driver, scratch, id);
    }
  }

  /**
   * Sees to it that a driver has the trees of a layer and of all below it, made from another
   * driver's if need be. The caller holds the layer.
   *
   * @return its id in the driver
   */
  public String ensure(String driver, Digest chain) {
    Deque<Layer> missing = new ArrayDeque<>();
    for (Digest at = chain; at != null; ) {
      Layer layer = known(at);
      if (layer.drivers().contains(driver)) {
        break;
      }
      missing.push(layer);
      at = layer.parent();
    }
    for (Layer layer : missing) {
      convert(layer, driver);
    }
    return Layer.treeId(chain);
  }

  private void convert(Layer layer, String driver) {
    // By way of a file and not of a pipe: applying needs no second thread and no second lease then.
    try (Ingest spool = blobs.ingest(Long.MAX_VALUE)) {
      tar(layer.chain(), spool);
      Digest tar = blobs.hold(spool);
      try (InputStream in = blobs.get(tar)) {
        var wanted = new Wanted(layer.diff(), 0, true); // tar() has checked it
        make(in, layer.parent(), driver, wanted, Limits.layer(Long.MAX_VALUE));
      } finally {
        blobs.release(tar);
      }
      holders.count(layer.chain(), -1);
    } catch (IOException e) {
      throw StoreFailure.of("convert layer " + layer.chain(), e);
    }
  }

  /**
   * Writes the tar of a layer, byte for byte as it came.
   *
   * @throws GantryException INTERNAL when tree or recipe have been damaged; what was written is
   *     then wrong
   */
  public void tar(Digest chain, OutputStream out) throws IOException {
    Layer layer = known(chain);
    tar(layer, servingDriver(layer), out);
  }

  private void tar(Layer layer, String driver, OutputStream out) throws IOException {
    var hashed = new DigestOutputStream(out, Digest.Algorithm.SHA256.hash());
    try (Dir tree = Dir.open(trees.layer(driver, layer.treeId()).directory())) {
      Recipe.play(() -> blobs.get(layer.recipe()), tree, blobs::get, hashed);
    }
    Digest made = Digest.of(Digest.Algorithm.SHA256, hashed.getMessageDigest());
    if (!made.equals(layer.diff())) {
      throw new GantryException(
          Kind.INTERNAL,
          "layer %s has been damaged in storage driver %s: its tar has digest %s instead of %s"
              .formatted(layer.chain(), driver, made, layer.diff()));
    }
  }

  /** How many bytes {@link #tar} will write. */
  public long tarBytes(Digest chain) throws IOException {
    Layer layer = known(chain);
    return Recipe.tarBytes(() -> blobs.get(layer.recipe()));
  }

  /**
   * Compares the tree of a layer in one driver with what came in.
   *
   * @throws GantryException INTERNAL with what is wrong, UNAVAILABLE when the driver does not serve
   */
  public void verify(Digest chain, String driver) {
    if (!trees.drivers().contains(driver)) {
      throw new GantryException(
          Kind.UNAVAILABLE, "storage driver " + driver + " does not serve: not looked at");
    }
    Layer layer = known(chain);
    try {
      tar(layer, driver, OutputStream.nullOutputStream());
    } catch (GantryException e) {
      // Whatever the kernel says of what the recipe leads to: the tree is not what it was.
      throw e.kind() == Kind.UNAVAILABLE
          ? e
          : new GantryException(Kind.INTERNAL, e.getMessage(), e);
    } catch (IOException e) {
      throw StoreFailure.of("verify layer " + chain, e);
    }
  }

  /**
   * Keeps a blob beside the layer whose compressed tar it has been found to be, and takes over the
   * caller's hold on it.
   */
  public void keep(Digest chain, Digest blob) {
    holders.claim(chain);
    try (var undo = new Undo()) {
      undo.add(() -> blobs.release(blob));
      Layer layer = known(chain);
      if (!layer.received().contains(blob)) {
        List<Digest> received = new ArrayList<>(layer.received());
        received.add(blob);
        update(layer.keeping(received));
        undo.keep();
      }
    } finally {
      holders.unclaim(chain);
    }
  }

  /**
   * Lets go of all blobs kept beside layers; nothing but their exact bytes is lost.
   *
   * @return how many bytes that freed
   */
  public long letGo() {
    long bytes = 0;
    for (Digest chain : List.copyOf(layers.keySet())) {
      holders.claim(chain);
      try {
        Layer layer = layers.get(chain);
        if (layer == null || layer.received().isEmpty()) {
          continue;
        }
        update(layer.keeping(List.of()));
        for (Digest blob : layer.received()) {
          bytes += blobs.has(blob) ? blobs.size(blob) : 0;
          blobs.release(blob);
        }
      } finally {
        holders.unclaim(chain);
      }
    }
    return bytes;
  }

  private void update(Layer layer) {
    records.put(layer.chain().toString(), layer, Durability.SYNCED);
    layers.put(layer.chain(), layer);
  }

  private String servingDriver(Layer layer) {
    List<String> serving = trees.drivers();
    return layer.drivers().stream()
        .filter(serving::contains)
        .findFirst()
        .orElseThrow(
            () ->
                new GantryException(
                    Kind.UNAVAILABLE,
                    "no storage driver that holds layer %s serves: %s"
                        .formatted(layer.chain(), layer.drivers())));
  }

  private Layer known(Digest chain) {
    return find(chain)
        .orElseThrow(() -> new GantryException(Kind.NOT_FOUND, "layer does not exist: " + chain));
  }

  /**
   * Keeps a layer until {@link #release}.
   *
   * @throws GantryException NOT_FOUND
   */
  public void hold(Digest chain) {
    holders.hold(chain, () -> known(chain));
  }

  /**
   * Keeps a layer, as {@link #hold}, for somebody who can make it. One that nobody holds is what a
   * removal left that was cut short, maybe without its tree: that is finished first.
   *
   * @return false when there is none
   */
  public boolean holdOrFinish(Digest chain) {
    if (find(chain).isPresent() && holders.holdUnheld(chain)) {
      release(chain);
    }
    try {
      hold(chain);
      return true;
    } catch (GantryException e) {
      if (e.kind() != Kind.NOT_FOUND) {
        throw e;
      }
      return false;
    }
  }

  /**
   * Lets go of a layer.
   *
   * @return chain ids of the layers that nobody holds any more and that are gone, topmost first
   */
  public List<Digest> release(Digest chain) {
    List<Digest> removed = new ArrayList<>();
    for (Digest at = chain; at != null && holders.isLast(at); ) {
      Optional<Layer> gone = removeClaimed(at);
      gone.ifPresent(layer -> removed.add(layer.chain()));
      at = gone.map(Layer::parent).orElse(null);
    }
    return removed;
  }

  private Optional<Layer> removeClaimed(Digest chain) {
    try {
      return find(chain).filter(this::remove);
    } finally {
      holders.unclaim(chain);
    }
  }

  private boolean remove(Layer layer) {
    try {
      layer.drivers().forEach(driver -> trees.remove(driver, layer.treeId()));
      records.remove(layer.chain().toString(), Durability.SYNCED);
    } catch (GantryException e) {
      // The driver is away or something unknown builds on it; prune tries again.
      log.log(
          WARNING,
          "layer {0} is not needed and could not be removed: {1}",
          layer.chain(),
          e.getMessage());
      return false;
    }
    layers.remove(layer.chain());
    blobs.release(layer.recipe());
    layer.displaced().forEach(blobs::release);
    layer.received().forEach(blobs::release);
    return true;
  }

  /** Removes layers nobody holds: what a crash or a driver that was away left. */
  public List<Digest> prune() {
    List<Digest> removed = new ArrayList<>();
    for (Digest chain : List.copyOf(layers.keySet())) {
      if (!holders.holdUnheld(chain)) {
        continue;
      }
      removed.addAll(release(chain));
    }
    return removed;
  }
}

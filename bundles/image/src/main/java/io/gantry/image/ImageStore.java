package io.gantry.image;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.image.ChangeLog.Change;
import io.gantry.image.ChangeLog.ImageMark;
import io.gantry.image.ChangeLog.NameMark;
import io.gantry.image.ImageRecords.ImageRecord;
import io.gantry.image.ImageRecords.NameRecord;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Layer;
import io.gantry.image.layer.Layers;
import io.gantry.image.layer.Limits;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Undo;
import io.gantry.store.Digest;
import io.gantry.store.Durability;
import io.gantry.store.Form;
import io.gantry.store.RecordStore;
import io.gantry.store.Schema;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The images of this host: configurations, names, and the layers they hold.
 *
 * <p>Questions are answered from an immutable snapshot and wait for nobody. Changes are made one at
 * a time, on the disk first and then in the snapshot; archives are unpacked before that, and layers
 * removed after it, so no change waits for a driver.
 */
public final class ImageStore {

  private static final System.Logger log = System.getLogger("io.gantry.image");
  private static final Map<String, String> ARCHITECTURES =
      Map.of("amd64", "amd64", "x86_64", "amd64", "aarch64", "arm64", "arm64", "arm64");

  private final RecordStore<ImageRecord> imageRecords;
  private final RecordStore<NameRecord> nameRecords;
  private final ChangeLog changes;
  private final HeldBlobs blobs;
  private final Layers layers;
  private final InstantSource clock;
  private final ReentrantLock lock = new ReentrantLock();

  /** Written under the lock, read by all. */
  private volatile Catalog catalog;

  private volatile boolean hasProblems;

  /**
   * @param root {@code <data root>/image}; needs no disk space until the first image
   */
  public ImageStore(Path root, HeldBlobs blobs, Layers layers, InstantSource clock) {
    this.imageRecords =
        new RecordStore<>(
            root.resolve("images"), new Schema("image", 1, 0), Form.of(ImageRecord.class));
    this.nameRecords =
        new RecordStore<>(
            root.resolve("names"), new Schema("image name", 1, 0), Form.of(NameRecord.class));
    this.changes = new ChangeLog(root, imageRecords, nameRecords);
    this.blobs = blobs;
    this.layers = layers;
    this.clock = clock;
    this.catalog = new Catalog(Map.of(), Map.of(), Map.of(), layers);
  }

  /** Reads all records, once, before all else. What is damaged is left out and reported. */
  public List<String> load() {
    List<String> problems = new ArrayList<>();
    layers.load().forEach(problem -> problems.add(problem.reason()));
    Map<Digest, ImageConfig> configs = new HashMap<>();
    Map<Digest, ImageRecord> records = new HashMap<>();
    Map<Reference, NameRecord> names = new HashMap<>();
    var images = imageRecords.load();
    images.problems().forEach(problem -> problems.add(problem.reason()));
    var named = nameRecords.load();
    named.problems().forEach(problem -> problems.add(problem.reason()));
    Map<String, ImageRecord> imagesByKey = new TreeMap<>(images.records());
    Map<String, NameRecord> namesByKey = new TreeMap<>(named.records());
    changes.settle(imagesByKey, namesByKey, problems);
    imagesByKey.forEach(
        (key, image) -> {
          try {
            Digest id = Digest.parse(key);
            blobs.hold(id);
            ImageConfig config = ImageConfig.parse(blobs.read(id, ImageConfig.MAX_BYTES));
            holdTop(config);
            if (image.manifest() != null) {
              blobs.hold(image.manifest());
            }
            configs.put(id, config);
            records.put(id, image);
          } catch (GantryException e) {
            problems.add("image " + key + " cannot be used: " + e.getMessage());
          }
        });
    namesByKey.forEach(
        (key, name) -> {
          try {
            if (records.containsKey(name.image())) {
              names.put(Reference.parse(key), name);
            } else {
              problems.add("name " + key + " is of an image that is not there: " + name.image());
            }
          } catch (GantryException e) {
            problems.add("name " + key + " cannot be used: " + e.getMessage());
          }
        });
    catalog = new Catalog(configs, records, names, layers);
    hasProblems = !problems.isEmpty();
    problems.forEach(problem -> log.log(WARNING, "{0}", problem));
    return problems;
  }

  private void holdTop(ImageConfig config) {
    List<Digest> chains = config.chains();
    if (!chains.isEmpty()) {
      layers.hold(chains.get(chains.size() - 1));
    }
  }

  /** All images, newest first. */
  public List<Image> list() {
    return catalog.list();
  }

  /**
   * @param ref digest or id, else name, else the beginning of an id
   * @throws GantryException NOT_FOUND {@code No such image: REF}; INVALID for what cannot be a name
   */
  public Image inspect(String ref) {
    return catalog.resolve(ref).image();
  }

  /** By its id, if there is one. */
  public Optional<Image> find(Digest id) {
    Catalog now = catalog;
    return now.has(id) ? Optional.of(now.image(id)) : Optional.empty();
  }

  /** The image of a name in full, if there is one. */
  public Optional<Digest> named(Reference name) {
    return Optional.ofNullable(catalog.names().get(name)).map(NameRecord::image);
  }

  /**
   * What is meant by what people write when they save: a name without a tag is all tags of its
   * repository, an id goes without names.
   *
   * @return images in the order asked for, and their names
   * @throws GantryException NOT_FOUND
   */
  public Map<Image, List<Reference>> select(List<String> refs) {
    return catalog.select(refs);
  }

  /** Newest step first. */
  public List<HistoryEntry> history(String ref) {
    return catalog.history(ref);
  }

  /**
   * Gives an image one more name; a name that another image had moves. Durable when it returns.
   *
   * @param tag or empty for {@code latest}
   * @return the image, with its new name
   */
  public Image tag(String ref, String repository, String tag) {
    Reference name = Reference.tagged(repository, tag);
    lock.lock();
    try {
      Digest id = catalog.resolve(ref).image().id();
      putName(name, new NameRecord(id, clock.instant()));
      return catalog.image(id);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives an image that is still there one more name in full. Durable when it returns.
   *
   * @param name with tag or digest
   */
  public void name(Digest id, Reference name) {
    lock.lock();
    try {
      if (catalog.has(id)) {
        putName(name, new NameRecord(id, clock.instant()));
      }
    } finally {
      lock.unlock();
    }
  }

  private void putName(Reference name, NameRecord record) {
    nameRecords.put(name.toString(), record, Durability.SYNCED);
    catalog = catalog.withName(name, record);
  }

  private void removeName(Reference name) {
    nameRecords.remove(name.toString(), Durability.SYNCED);
    catalog = catalog.withoutName(name);
  }

  /**
   * Makes an image of one layer from an archive, plain or compressed.
   *
   * @param repository name to give it, or empty
   * @param tag or empty for {@code latest}
   * @param platform {@code os[/architecture[/variant]]}, or empty for this host's
   * @param changes Dockerfile lines applied to its configuration
   * @return id of the image, durable
   * @throws GantryException INVALID for an archive or a change that is no good; nothing is left
   *     behind
   */
  public Digest importTar(
      InputStream archive,
      String repository,
      String tag,
      String message,
      String platform,
      List<String> changes,
      Limits limits) {
    Reference name = repository.isEmpty() ? null : Reference.tagged(repository, tag);
    RunConfig run = Changes.apply(RunConfig.EMPTY, changes);
    String[] parts = platform(platform);
    Layer layer = layers.make(archive, null, limits);
    try (var undo = new Undo()) {
      undo.add(() -> layers.release(layer.chain()));
      Instant now = clock.instant();
      ImageConfig config =
          new ImageConfig(
              parts[1],
              parts[2],
              parts[0],
              now,
              "",
              message,
              run,
              List.of(layer.diff()),
              List.of(new ImageConfig.Step(now, "", "", message, false)));
      return add(config, null, name); // by then the image holds the layer: the undo ends our hold
    }
  }

  /** A configuration for this host, of nothing yet. */
  static ImageConfig ofHost(RunConfig run) {
    String[] parts = platform("");
    return new ImageConfig(parts[1], parts[2], parts[0], null, "", "", run, List.of(), List.of());
  }

  private static String[] platform(String platform) {
    String host = System.getProperty("os.arch");
    String[] parts = (platform.isEmpty() ? "linux" : platform).split("/", -1);
    String os = parts[0].toLowerCase(Locale.ROOT);
    if (parts.length > 3 || !os.equals("linux")) {
      throw new GantryException(
          Kind.INVALID, "operating system is not supported: \"" + platform + "\"");
    }
    String architecture = parts.length > 1 ? parts[1] : ARCHITECTURES.getOrDefault(host, host);
    if (!architecture.matches("[a-z0-9_]{1,32}")
        || (parts.length > 2 && !parts[2].matches("[a-z0-9_.]{1,32}"))) {
      throw new GantryException(Kind.INVALID, "invalid platform: \"" + platform + "\"");
    }
    return new String[] {os, architecture, parts.length > 2 ? parts[2] : ""};
  }

  /**
   * Adds an image whose layers are all here and held by the caller.
   *
   * @param parent id of the image it was made from, or null
   * @param name to give it, or null
   * @return its id, durable
   */
  public Digest add(ImageConfig config, @Nullable Digest parent, @Nullable Reference name) {
    List<Reference> names = name == null ? List.of() : List.of(name);
    return add(List.of(new Addition(Bytes.copyOf(config.write()), parent, names, null))).get(0);
  }

  /**
   * Adds images whose layers are all here and held by the caller: all of them or none. A name that
   * another image had moves.
   *
   * @return their ids, durable
   * @throws GantryException INVALID for a configuration that is none
   */
  public List<Digest> add(List<Addition> additions) {
    Instant now = clock.instant();
    List<Digest> ids = new ArrayList<>();
    List<Runnable> surplus = new ArrayList<>();
    lock.lock();
    try (var undo = new Undo()) {
      Change change = announced(additions, now);
      undo.add(() -> changes.end(change));
      changes.begin(change);
      for (Addition addition : additions) {
        ids.add(add(addition, now, undo, surplus));
      }
      undo.keep();
      changes.end(change);
    } finally {
      lock.unlock();
    }
    surplus.forEach(Runnable::run);
    return ids;
  }

  private Change announced(List<Addition> additions, Instant now) {
    List<ImageMark> images = new ArrayList<>();
    Map<Reference, NameMark> names = new LinkedHashMap<>();
    for (Addition addition : additions) {
      Digest id = Digest.sha256(addition.json().toArray());
      if (!catalog.has(id)) {
        images.add(new ImageMark(id, now));
      }
      for (Reference name : addition.names()) {
        NameRecord former = catalog.names().get(name);
        names.put(name, new NameMark(name.toString(), new NameRecord(id, now), former));
      }
    }
    return new Change(false, images, List.copyOf(names.values()));
  }

  /**
   * @param surplus gets what to let go of when all has gone well: of an image that was there
   *     already it is a second hold
   */
  private Digest add(Addition addition, Instant now, Undo undo, List<Runnable> surplus) {
    byte[] json = addition.json().toArray();
    ImageConfig config = ImageConfig.parse(json);
    holdTop(config);
    undo.add(() -> releaseTop(config));
    Digest id = blobs.hold(json);
    undo.add(() -> blobs.release(id));
    ImageRecord present = catalog.records().get(id);
    if (present != null) {
      surplus.add(() -> releaseTop(config));
      surplus.add(() -> blobs.release(id));
    }
    Digest manifest = null;
    if (addition.manifest() != null) {
      Digest held = blobs.hold(addition.manifest().toArray());
      undo.add(() -> blobs.release(held));
      manifest = held;
    }
    if (present == null) {
      undo.add(() -> imageRecords.remove(id.toString(), Durability.SYNCED));
      undo.add(() -> forget(id));
      putImage(id, config, new ImageRecord(addition.parent(), now, manifest));
    } else if (manifest != null) {
      undo.add(() -> putImage(id, config, present));
      putImage(id, config, new ImageRecord(present.parent(), present.added(), manifest));
      if (present.manifest() != null) {
        Digest former = present.manifest();
        surplus.add(() -> blobs.release(former));
      }
    }
    for (Reference name : addition.names()) {
      NameRecord former = catalog.names().get(name);
      undo.add(() -> restore(name, former));
      putName(name, new NameRecord(id, now));
    }
    return id;
  }

  private void restore(Reference name, @Nullable NameRecord former) {
    if (former == null) {
      removeName(name);
    } else {
      nameRecords.put(name.toString(), former, Durability.SYNCED);
      catalog = catalog.withName(name, former);
    }
  }

  private void putImage(Digest id, ImageConfig config, ImageRecord record) {
    imageRecords.put(id.toString(), record, Durability.SYNCED);
    catalog = catalog.withImage(id, config, record);
  }

  private void forget(Digest id) {
    catalog = catalog.withoutImage(id);
  }

  /** Its layers are released later. */
  private void removeImage(Digest id) {
    ImageRecord record = catalog.records().get(id);
    imageRecords.remove(id.toString(), Durability.SYNCED);
    catalog = catalog.withoutImage(id);
    blobs.release(id);
    if (record != null && record.manifest() != null) {
      blobs.release(record.manifest());
    }
  }

  private List<Digest> releaseTop(ImageConfig config) {
    List<Digest> chains = config.chains();
    return chains.isEmpty() ? List.of() : layers.release(chains.get(chains.size() - 1));
  }

  /**
   * Takes a name or, with the last one or by id, the image away; by Docker's rules.
   *
   * @param prune also parents that nothing needs any more
   * @throws GantryException CONFLICT while containers or other images need it
   */
  public List<Removal> remove(String ref, boolean force, boolean prune, ImageUsers users) {
    List<Removal> removals = new ArrayList<>();
    List<Image> deleted = new ArrayList<>();
    lock.lock();
    try {
      var removal = new ImageRemoval(catalog, force, prune, users, removals);
      try {
        removal.plan(ref);
      } finally {
        carryOut(removal, deleted); // also when a later step was refused
      }
    } finally {
      lock.unlock();
      releaseLayers(removals, deleted); // outside of the lock: drivers take their time
    }
    return removals;
  }

  /**
   * @param deleted gets the images that have gone
   */
  private void carryOut(ImageRemoval removal, List<Image> deleted) {
    Catalog now = catalog;
    Change change =
        new Change(
            true,
            removal.images().stream().map(image -> mark(now, image.id())).toList(),
            removal.names().stream().map(name -> mark(now, name)).toList());
    changes.begin(change);
    try {
      removal.names().forEach(this::removeName);
      for (Image image : removal.images()) {
        removeImage(image.id());
        deleted.add(image);
      }
    } finally {
      changes.end(change);
    }
  }

  private static ImageMark mark(Catalog now, Digest id) {
    return new ImageMark(id, Objects.requireNonNull(now.records().get(id)).added());
  }

  private static NameMark mark(Catalog now, Reference name) {
    return new NameMark(name.toString(), Objects.requireNonNull(now.names().get(name)), null);
  }

  /** Layers follow the image they were removed with. */
  private void releaseLayers(List<Removal> removals, List<Image> deleted) {
    for (Image image : deleted) {
      List<Removal> gone = releaseTop(image.config()).stream().map(Removal::deleted).toList();
      removals.addAll(removals.indexOf(Removal.deleted(image.id())) + 1, gone);
    }
  }

  /**
   * Removes layers and blobs no image and no container needs: what crashes left. To be called when
   * all containers have taken hold of their layers; does nothing when a record was damaged, since
   * what it named may still be wanted.
   *
   * @return chain ids of the layers removed
   */
  public List<Digest> sweep() {
    if (hasProblems) {
      return List.of();
    }
    List<Digest> removed = layers.prune();
    blobs.sweep();
    return removed;
  }
}

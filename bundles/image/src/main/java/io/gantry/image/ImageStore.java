package io.gantry.image;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.image.ImageRecords.ImageRecord;
import io.gantry.image.ImageRecords.NameRecord;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Layer;
import io.gantry.image.layer.Layers;
import io.gantry.image.layer.Limits;
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
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
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
  private static final String MISSING = "<missing>";
  private static final Map<String, String> ARCHITECTURES =
      Map.of("amd64", "amd64", "x86_64", "amd64", "aarch64", "arm64", "arm64", "arm64");

  private final RecordStore<ImageRecord> imageRecords;
  private final RecordStore<NameRecord> nameRecords;
  private final HeldBlobs blobs;
  private final Layers layers;
  private final InstantSource clock;
  private final ReentrantLock lock = new ReentrantLock();

  /** Written under the lock, read by all. */
  private volatile State state = new State(Map.of(), Map.of(), Map.of());

  private volatile boolean hasProblems;

  /** What there is: configurations and records by id, names in full. */
  private record State(
      Map<Digest, ImageConfig> configs,
      Map<Digest, ImageRecord> records,
      Map<Reference, NameRecord> names) {

    State {
      configs = Map.copyOf(configs);
      records = Map.copyOf(records);
      names = Map.copyOf(names);
    }
  }

  /** An image, and whether its name or its id led to it. */
  private record Found(Image image, @Nullable Reference name) {}

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
    this.blobs = blobs;
    this.layers = layers;
    this.clock = clock;
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
    images
        .records()
        .forEach(
            (key, image) -> {
              try {
                Digest id = Digest.parse(key);
                blobs.hold(id);
                ImageConfig config = ImageConfig.parse(blobs.read(id, ImageConfig.MAX_BYTES));
                holdTop(config);
                configs.put(id, config);
                records.put(id, image);
              } catch (GantryException e) {
                problems.add("image " + key + " cannot be used: " + e.getMessage());
              }
            });
    var named = nameRecords.load();
    named.problems().forEach(problem -> problems.add(problem.reason()));
    named
        .records()
        .forEach(
            (key, name) -> {
              try {
                if (records.containsKey(name.image())) {
                  names.put(Reference.parse(key), name);
                } else {
                  problems.add(
                      "name " + key + " is of an image that is not there: " + name.image());
                }
              } catch (GantryException e) {
                problems.add("name " + key + " cannot be used: " + e.getMessage());
              }
            });
    state = new State(configs, records, names);
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
    State now = state;
    Map<Digest, List<Map.Entry<Reference, NameRecord>>> names = new HashMap<>();
    now.names()
        .entrySet()
        .forEach(
            name ->
                names.computeIfAbsent(name.getValue().image(), id -> new ArrayList<>()).add(name));
    return now.configs().keySet().stream()
        .map(id -> image(now, id, names.getOrDefault(id, List.of())))
        .sorted(Comparator.comparing(ImageStore::age).reversed().thenComparing(Image::id))
        .toList();
  }

  private static Instant age(Image image) {
    Instant created = image.config().created();
    return created == null ? Instant.EPOCH : created;
  }

  /**
   * @param ref digest or id, else name, else the beginning of an id
   * @throws GantryException NOT_FOUND {@code No such image: REF}; INVALID for what cannot be a name
   */
  public Image inspect(String ref) {
    return resolve(state, ref).image();
  }

  /** By its id, if there is one. */
  public Optional<Image> find(Digest id) {
    State now = state;
    return now.configs().containsKey(id) ? Optional.of(image(now, id)) : Optional.empty();
  }

  private Found resolve(State now, String ref) {
    Optional<Digest> id = Digest.find(ref.startsWith("sha256:") ? ref : "sha256:" + ref);
    if (id.isPresent()) {
      if (!now.configs().containsKey(id.get())) {
        throw missing(id.get().toString());
      }
      return new Found(image(now, id.get()), null);
    }
    Reference name;
    try {
      name = Reference.parse(ref).withDefaultTag();
    } catch (GantryException e) {
      Optional<Digest> byPrefix = byPrefix(now, ref);
      if (byPrefix.isEmpty()) {
        throw e;
      }
      return new Found(image(now, byPrefix.get()), null);
    }
    NameRecord named = now.names().get(name.digest() == null ? name : pinned(name));
    if (named != null) {
      return new Found(image(now, named.image()), name);
    }
    Digest byPrefix = byPrefix(now, ref).orElseThrow(() -> missing(name.familiar()));
    return new Found(image(now, byPrefix), null);
  }

  /** {@code name:tag@digest} is known as {@code name@digest}. */
  private static Reference pinned(Reference name) {
    return new Reference(name.domain(), name.path(), null, name.digest());
  }

  private static GantryException missing(String ref) {
    return new GantryException(Kind.NOT_FOUND, "No such image: " + ref);
  }

  private static Optional<Digest> byPrefix(State now, String ref) {
    String hex = ref.startsWith("sha256:") ? ref.substring("sha256:".length()) : ref;
    if (hex.isEmpty()) {
      return Optional.empty();
    }
    List<Digest> found =
        now.configs().keySet().stream().filter(id -> id.hex().startsWith(hex)).limit(2).toList();
    return found.size() == 1 ? Optional.of(found.get(0)) : Optional.empty();
  }

  private Image image(State now, Digest id) {
    return image(
        now,
        id,
        now.names().entrySet().stream().filter(n -> n.getValue().image().equals(id)).toList());
  }

  private Image image(State now, Digest id, Collection<Map.Entry<Reference, NameRecord>> entries) {
    Map<Reference, NameRecord> names = new TreeMap<>();
    entries.forEach(entry -> names.put(entry.getKey(), entry.getValue()));
    ImageConfig config = now.configs().get(id);
    ImageRecord record = now.records().get(id);
    if (config == null || record == null) {
      throw missing(id.toString());
    }
    List<Digest> chains = config.chains();
    long bytes = chains.stream().mapToLong(this::bytes).sum();
    Digest parent = record.parent();
    return new Image(
        id,
        config,
        names.keySet().stream().filter(n -> n.digest() == null).map(Reference::familiar).toList(),
        names.keySet().stream().filter(n -> n.digest() != null).map(Reference::familiar).toList(),
        parent != null && now.configs().containsKey(parent) ? parent : null,
        chains,
        bytes,
        names.values().stream()
            .map(NameRecord::tagged)
            .max(Comparator.naturalOrder())
            .orElse(null));
  }

  private long bytes(Digest chain) {
    return layers.find(chain).map(Layer::bytes).orElse(0L);
  }

  /** Newest step first. */
  public List<HistoryEntry> history(String ref) {
    State now = state;
    Image image = resolve(now, ref).image();
    List<HistoryEntry> entries = new ArrayList<>();
    int layer = 0;
    for (ImageConfig.Step step : image.config().history()) {
      boolean hasLayer = !step.emptyLayer() && layer < image.layers().size();
      long bytes = hasLayer ? bytes(image.layers().get(layer++)) : 0;
      entries.add(
          0,
          new HistoryEntry(
              MISSING, step.created(), step.createdBy(), List.of(), bytes, step.comment()));
    }
    // Steps made here are images themselves.
    Image at = image;
    for (int i = 0; i < entries.size() && at != null; i++) {
      HistoryEntry entry = entries.get(i);
      entries.set(
          i,
          new HistoryEntry(
              at.id().toString(),
              entry.created(),
              entry.createdBy(),
              at.tags(),
              entry.bytes(),
              entry.comment()));
      at = at.parent() == null ? null : image(now, at.parent());
    }
    return entries;
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
      Image image = resolve(state, ref).image();
      putName(name, image.id());
      return image(state, image.id());
    } finally {
      lock.unlock();
    }
  }

  private void putName(Reference name, Digest image) {
    NameRecord record = new NameRecord(image, clock.instant());
    nameRecords.put(name.toString(), record, Durability.SYNCED);
    Map<Reference, NameRecord> names = new HashMap<>(state.names());
    names.put(name, record);
    state = new State(state.configs(), state.records(), names);
  }

  private void removeName(Reference name) {
    nameRecords.remove(name.toString(), Durability.SYNCED);
    Map<Reference, NameRecord> names = new HashMap<>(state.names());
    names.remove(name);
    state = new State(state.configs(), state.records(), names);
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
    byte[] json = config.write();
    ImageConfig written = ImageConfig.parse(json);
    try (var undo = new Undo()) {
      lock.lock();
      try {
        holdTop(written);
        undo.add(() -> releaseTop(written));
        Digest id = blobs.hold(json);
        undo.add(() -> blobs.release(id));
        boolean isNew = !state.configs().containsKey(id);
        if (isNew) {
          undo.add(() -> imageRecords.remove(id.toString(), Durability.SYNCED));
          putImage(id, written, new ImageRecord(parent, clock.instant()), undo);
        }
        if (name != null) {
          putName(name, id);
        }
        if (isNew) {
          undo.keep(); // else there is one holder too many: the image that is there has its own
        }
        return id;
      } finally {
        lock.unlock();
      }
    }
  }

  private void putImage(Digest id, ImageConfig config, ImageRecord record, Undo undo) {
    imageRecords.put(id.toString(), record, Durability.SYNCED);
    undo.add(() -> forget(id));
    Map<Digest, ImageConfig> configs = new HashMap<>(state.configs());
    Map<Digest, ImageRecord> records = new HashMap<>(state.records());
    configs.put(id, config);
    records.put(id, record);
    state = new State(configs, records, state.names());
  }

  private void forget(Digest id) {
    lock.lock();
    try {
      Map<Digest, ImageConfig> configs = new HashMap<>(state.configs());
      Map<Digest, ImageRecord> records = new HashMap<>(state.records());
      configs.remove(id);
      records.remove(id);
      state = new State(configs, records, state.names());
    } finally {
      lock.unlock();
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
      Found found = resolve(state, ref);
      new ImageRemoval(force, prune, users, removals, deleted).remove(found, ref);
    } finally {
      lock.unlock();
      // Outside of the lock: drivers take their time. Also when a later step was refused.
      releaseLayers(removals, deleted);
    }
    return removals;
  }

  /** Layers follow the image they were removed with. */
  private void releaseLayers(List<Removal> removals, List<Image> deleted) {
    for (Image image : deleted) {
      List<Removal> gone = releaseTop(image.config()).stream().map(Removal::deleted).toList();
      removals.addAll(removals.indexOf(Removal.deleted(image.id())) + 1, gone);
    }
  }

  /** What {@code docker rmi} does, in Docker's order; runs under the lock. */
  private final class ImageRemoval {
    private final boolean force;
    private final boolean prune;
    private final ImageUsers users;
    private final List<Removal> removals;
    private final List<Image> deleted;

    ImageRemoval(
        boolean force,
        boolean prune,
        ImageUsers users,
        List<Removal> removals,
        List<Image> deleted) {
      this.force = force;
      this.prune = prune;
      this.users = users;
      this.removals = removals;
      this.deleted = deleted;
    }

    void remove(Found found, String ref) {
      Image image = found.image();
      List<Reference> names = names(image.id());
      if (found.name() != null) {
        if (!force && isSingle(names)) {
          users.of(image.id()).stream()
              .findFirst()
              .ifPresent(
                  user -> {
                    throw conflict(
                        "conflict: unable to remove repository reference \"%s\" (must force) -"
                            + " container %s is using its referenced image %s",
                        ref, shortened(user.container()), image.shortId());
                  });
        }
        untag(found.name());
        untagLoneDigests(found.name(), image.id());
        if (!names(image.id()).isEmpty()) {
          return;
        }
        delete(image, force, true);
      } else {
        if (isSingle(names)) {
          conflict(image, !force, false)
              .ifPresent(
                  e -> {
                    throw e.failure;
                  });
          names.forEach(this::untag);
        }
        delete(image, force, false);
      }
    }

    private void delete(Image image, boolean forced, boolean quiet) {
      Optional<Conflict> conflict = conflict(image, !forced, true);
      if (conflict.isPresent()) {
        boolean isDangling = names(image.id()).isEmpty();
        if (quiet && (!isDangling || conflict.get().used || isParent(image.id()))) {
          return; // its name is gone, and that was asked for
        }
        throw conflict.get().failure;
      }
      names(image.id()).forEach(this::untag);
      imageRecords.remove(image.id().toString(), Durability.SYNCED);
      forget(image.id());
      blobs.release(image.id());
      deleted.add(image);
      removals.add(Removal.deleted(image.id()));
      Digest parent = image.parent();
      if (prune && parent != null && names(parent).isEmpty()) {
        delete(image(state, parent), false, true);
      }
    }

    private void untag(Reference name) {
      removeName(name);
      removals.add(Removal.untagged(name));
    }

    /** Digests of a repository go with its last tag. */
    private void untagLoneDigests(Reference name, Digest image) {
      List<Reference> left =
          names(image).stream().filter(n -> n.repository().equals(name.repository())).toList();
      if (name.digest() == null && left.stream().allMatch(n -> n.digest() != null)) {
        left.forEach(this::untag);
      }
    }

    private record Conflict(boolean used, GantryException failure) {}

    /**
     * @param soft also what may be forced
     * @param references whether several names count among it
     */
    private Optional<Conflict> conflict(Image image, boolean soft, boolean references) {
      if (isParent(image.id())) {
        return Optional.of(
            conflict(image, false, "cannot be forced", "image has dependent child images"));
      }
      List<ImageUsers.User> using = users.of(image.id());
      for (ImageUsers.User user : using) {
        if (user.running()) {
          return Optional.of(
              conflict(
                  image,
                  true,
                  "cannot be forced",
                  "image is being used by running container " + shortened(user.container())));
        }
      }
      if (soft && references && names(image.id()).size() > 1) {
        return Optional.of(
            conflict(
                image, false, "must be forced", "image is referenced in multiple repositories"));
      }
      if (soft && !using.isEmpty()) {
        String container = shortened(using.get(0).container());
        return Optional.of(
            conflict(
                image,
                true,
                "must be forced",
                "image is being used by stopped container " + container));
      }
      return Optional.empty();
    }

    private static Conflict conflict(Image image, boolean used, String force, String reason) {
      return new Conflict(
          used,
          conflict("conflict: unable to delete %s (%s) - %s", image.shortId(), force, reason));
    }

    private static GantryException conflict(String sentence, Object... parts) {
      return new GantryException(Kind.CONFLICT, sentence.formatted(parts));
    }

    private static String shortened(String id) {
      return id.length() > 12 ? id.substring(0, 12) : id;
    }

    private boolean isParent(Digest id) {
      return state.records().values().stream().anyMatch(record -> id.equals(record.parent()));
    }

    private List<Reference> names(Digest id) {
      return state.names().entrySet().stream()
          .filter(name -> name.getValue().image().equals(id))
          .map(Map.Entry::getKey)
          .sorted()
          .toList();
    }

    /** One tag at most, and digests of the same repository. */
    private static boolean isSingle(List<Reference> names) {
      Stream<Reference> tags = names.stream().filter(name -> name.digest() == null);
      return names.size() <= 1
          || (tags.count() <= 1
              && names.stream().map(Reference::repository).distinct().count() == 1);
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

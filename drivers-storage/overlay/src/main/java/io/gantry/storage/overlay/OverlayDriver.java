package io.gantry.storage.overlay;

import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.gantry.linux.Dir;
import io.gantry.linux.Shelf;
import io.gantry.linux.Shelf.Durability;
import io.gantry.linux.Shelf.Later;
import io.gantry.linux.TreeUsage;
import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.Undo;
import io.gantry.spi.storage.LayerDir;
import io.gantry.spi.storage.LayerDir.Whiteouts;
import io.gantry.spi.storage.Prepared;
import io.gantry.spi.storage.Snapshot;
import io.gantry.spi.storage.SnapshotOptions;
import io.gantry.spi.storage.StorageDriver;
import io.gantry.spi.storage.Usage;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/**
 * Storage on the kernel's overlay file system: one directory per snapshot, holding what differs
 * from its parent, mounted by whoever asks.
 *
 * <p>A snapshot's record names all layers below it by their short links, so one small file is read
 * to mount it. Who makes a child or a layer reads {@code family}, who removes a layer writes it:
 * between looking for children and the removal none appears.
 */
@Component(name = "io.gantry.storage.overlay", property = Driver.NAME + "=overlay")
public final class OverlayDriver implements StorageDriver {

  private static final System.Logger log = System.getLogger("io.gantry.storage.overlay");

  /** A removal that takes longer goes on without its caller. */
  private static final Duration PATIENCE = Duration.ofMillis(200);

  private final KnownRecords records = new KnownRecords();
  private final Path root;
  private final Shelf shelf;
  private final Links links;
  private final Trees trees;
  private final InstantSource clock;
  private final Runnable step;
  private final ExecutorService removals;
  private final ReentrantReadWriteLock family = new ReentrantReadWriteLock();
  private volatile Map<String, String> status = Map.of();

  @Activate
  public OverlayDriver(BundleContext context) {
    this(
        Path.of(Objects.requireNonNull(context.getProperty("gantry.data.root"), "gantry.data.root"))
            .resolve("storage/overlay"),
        InstantSource.system(),
        PATIENCE,
        () -> {});
  }

  OverlayDriver(Path root, InstantSource clock, Duration patience, Runnable step) {
    this.root = root.toAbsolutePath();
    this.removals = Shelf.worker("overlay-removal");
    Later later = new Later(patience, removals, removals::isShutdown);
    this.shelf = new Shelf(this.root, this::idOf, later, step);
    this.links = new Links(this.root, shelf);
    this.trees = new Trees(shelf, links, new MountPoints(this.root));
    this.clock = clock;
    this.step = step;
  }

  private Optional<String> idOf(String record) {
    return records.decode(record).map(decoded -> decoded.snapshot().id());
  }

  /** What is being deleted then, the next one's recovery meets. */
  @Deactivate
  void letGo() {
    removals.shutdown();
  }

  @Override
  public Support probe() {
    try {
      String fileSystem = fileSystem();
      Map<String, String> found = new TreeMap<>();
      found.put("Backing Filesystem", fileSystem);
      found.put("Root Directory", root.toString());
      found.put("Supports d_type", "true");
      found.put("Using metacopy", "false");
      found.put("Native Overlay Diff", "true");
      found.put("userxattr", "false");
      status = Collections.unmodifiableMap(found);
      return Support.yes();
    } catch (GantryException e) {
      if (e.kind() != Kind.UNSUPPORTED) {
        throw e;
      }
      return Support.no(e.getMessage());
    }
  }

  /** A disk that is full, or read-only, must not keep anybody from what was made here. */
  private String fileSystem() {
    try {
      return OverlayProbe.check(root);
    } catch (GantryException e) {
      if (e.kind() == Kind.UNSUPPORTED || all().isEmpty()) {
        throw e;
      }
      log.log(WARNING, "not tried out, for what is there was made here: {0}", e.getMessage());
      return OverlayProbe.fileSystem(root);
    }
  }

  @Override
  public Map<String, String> status() {
    return status;
  }

  @Override
  public Set<String> features() {
    return Set.of("volatile");
  }

  @Override
  public Prepared prepare(String id, @Nullable String parent, SnapshotOptions options) {
    Snapshot.checkId(id);
    checkOptions(options);
    checkInterrupt();
    if (shelf.has(id)) {
      throw new GantryException(Kind.CONFLICT, "snapshot exists: " + id);
    }
    family.readLock().lock();
    try {
      List<String> lower = parent == null ? List.of() : layer(parent).chain();
      checkDepth(lower.size());
      Snapshot.Kind kind = options.readOnly() ? Snapshot.Kind.VIEW : Snapshot.Kind.WRITABLE;
      Snapshot made = new Snapshot(id, kind, parent, clock.instant(), options.labels());
      boolean durable = !options.isVolatile();
      SnapshotRecord record =
          new SnapshotRecord(made, "", lower, durable ? "" : Boot.id(), List.of());
      boolean writable = !options.readOnly() && !lower.isEmpty();
      shelf.make(
          id,
          record.encode(),
          durable ? Durability.ENTRY : Durability.NONE,
          entry -> trees.fill(entry, parent, writable, durable));
      return new Prepared(trees.mounts(record));
    } finally {
      family.readLock().unlock();
    }
  }

  private static void checkOptions(SnapshotOptions options) {
    if (options.maxBytes() != 0) {
      throw new GantryException(Kind.UNSUPPORTED, "storage driver overlay cannot limit the size");
    }
    if (!options.uidMap().isEmpty() || !options.gidMap().isEmpty()) {
      throw new GantryException(Kind.UNSUPPORTED, "storage driver overlay cannot map user ids");
    }
  }

  private static void checkDepth(int layers) {
    if (layers > Trees.MOST_LAYERS) {
      throw new GantryException(
          Kind.UNSUPPORTED,
          "max depth exceeded: the overlay file system takes "
              + Trees.MOST_LAYERS
              + " layers, not "
              + layers);
    }
  }

  private SnapshotRecord layer(String parent) {
    SnapshotRecord record = existing(parent);
    if (record.snapshot().kind() != Snapshot.Kind.LAYER) {
      throw new GantryException(Kind.INVALID, "not a layer: " + parent);
    }
    return record;
  }

  /** Also lets a volatile snapshot be mounted again: of this boot nothing of it is lost. */
  @Override
  public List<Mount> mounts(String id) {
    SnapshotRecord record = existing(id);
    requireWhole(record);
    if (record.isVolatile()) {
      trees.allowRemount(id);
    }
    return trees.mounts(record);
  }

  private static void requireWhole(SnapshotRecord record) {
    if (isTorn(record)) {
      throw new GantryException(
          Kind.CONFLICT,
          "snapshot "
              + record.snapshot().id()
              + " was not to survive a restart of the host, and there was one");
    }
  }

  private static boolean isTorn(SnapshotRecord record) {
    return record.isVolatile() && !record.boot().equals(Boot.id());
  }

  @Override
  public void commit(String id, String layer) {
    Snapshot.checkId(layer);
    SnapshotRecord before = existing(id);
    checkInterrupt();
    if (before.snapshot().kind() != Snapshot.Kind.WRITABLE) {
      throw new GantryException(Kind.INVALID, "not a writable snapshot: " + id);
    }
    requireWhole(before);
    if (shelf.has(layer)) {
      throw new GantryException(Kind.CONFLICT, "layer exists: " + layer);
    }
    checkDepth(before.lower().size() + 1);
    List<String> lower = trees.settle(id, before.lower());
    step.run();
    family.readLock().lock();
    try (Undo undo = new Undo()) {
      String link = links.make(layer);
      undo.add(() -> removeUnused(link, layer));
      step.run();
      shelf.rename(id, layer, before.asLayer(layer, link, lower).encode());
      undo.keep();
    } finally {
      family.readLock().unlock();
    }
    step.run();
    trees.dropWork(layer);
  }

  /** A failure may come when the layer is in place: then whoever has it for a parent needs it. */
  private void removeUnused(String link, String layer) {
    if (!shelf.has(layer)) {
      links.remove(link);
    }
  }

  @Override
  public void remove(String id) {
    remove(id, true);
  }

  /**
   * @param mayLag whether a volatile one's tree may be there for a moment longer: it ends with its
   *     container, and nobody has asked for its space
   */
  private void remove(String id, boolean mayLag) {
    // Not cancelled by an interrupt: it is how an interrupted caller takes back what it did.
    Snapshot.checkId(id);
    if (!shelf.has(id)) {
      return;
    }
    Optional<SnapshotRecord> record = find(id);
    String taken;
    if (record.isPresent() && record.get().link().isEmpty()) {
      taken = shelf.takeOut(id);
    } else {
      taken = takeOutLayer(id);
    }
    record.ifPresent(removed -> links.remove(removed.link()));
    step.run();
    if (mayLag && record.isPresent() && record.get().isVolatile()) {
      shelf.deleteSoon(taken);
    } else {
      shelf.delete(taken);
    }
  }

  private String takeOutLayer(String id) {
    family.writeLock().lock();
    try {
      for (SnapshotRecord other : all()) {
        if (id.equals(other.snapshot().parent())) {
          throw new GantryException(
              Kind.CONFLICT, "layer " + id + " is the parent of " + other.snapshot().id());
        }
      }
      return shelf.takeOut(id);
    } finally {
      family.writeLock().unlock();
    }
  }

  @Override
  public void list(Consumer<Snapshot> sink) {
    Snapshot.parentsFirst(all().stream().map(SnapshotRecord::snapshot).toList()).forEach(sink);
  }

  @Override
  public Usage usage(String id) {
    existing(id);
    try (Dir tree = Dir.open(trees.fs(id))) {
      TreeUsage usage = TreeUsage.of(tree);
      return new Usage(usage.bytes(), usage.inodes());
    }
  }

  @Override
  public LayerDir layerDir(String id) {
    existing(id);
    return new LayerDir(trees.fs(id).toString(), false, Whiteouts.OVERLAY_DEVICES);
  }

  @Override
  public Recovery recover(Set<String> expected) {
    List<String> swept = new ArrayList<>(shelf.recover(expected));
    List<SnapshotRecord> records = all();
    swept.addAll(links.repair(records));
    List<Snapshot> found = new ArrayList<>();
    Set<String> torn = new HashSet<>();
    for (SnapshotRecord record : records) {
      found.add(record.snapshot());
      if (isTorn(record)) {
        torn.add(record.snapshot().id());
      }
      if (record.snapshot().kind() == Snapshot.Kind.LAYER) {
        trees.dropWork(record.snapshot().id());
      }
    }
    List<Snapshot> childrenFirst = new ArrayList<>(Snapshot.parentsFirst(found));
    Collections.reverse(childrenFirst);
    swept.addAll(sweepEphemerals(childrenFirst, expected));
    Set<String> alive = new TreeSet<>();
    childrenFirst.forEach(snapshot -> alive.add(snapshot.id()));
    alive.retainAll(expected);
    alive.removeAll(torn);
    Set<String> lost = new TreeSet<>(expected);
    lost.removeAll(alive);
    return new Recovery(alive, lost, swept);
  }

  private List<String> sweepEphemerals(List<Snapshot> childrenFirst, Set<String> expected) {
    List<String> swept = new ArrayList<>();
    Set<String> parents = new HashSet<>();
    for (Snapshot snapshot : childrenFirst) {
      boolean unexpected = !expected.contains(snapshot.id());
      boolean ephemeral = snapshot.labels().containsKey(SnapshotOptions.EPHEMERAL);
      if (unexpected && ephemeral && !parents.contains(snapshot.id())) {
        remove(snapshot.id(), false);
        swept.add("ephemeral snapshot " + snapshot.id());
      } else if (snapshot.parent() != null) {
        parents.add(snapshot.parent());
      }
    }
    return swept;
  }

  private List<SnapshotRecord> all() {
    return shelf.records().stream().flatMap(text -> SnapshotRecord.decode(text).stream()).toList();
  }

  private Optional<SnapshotRecord> find(String id) {
    return shelf.record(id).flatMap(records::decode);
  }

  private SnapshotRecord existing(String id) {
    Snapshot.checkId(id);
    return find(id)
        .orElseThrow(() -> new GantryException(Kind.NOT_FOUND, "no such snapshot: " + id));
  }

  private static void checkInterrupt() {
    if (Thread.currentThread().isInterrupted()) {
      throw new GantryException(Kind.CANCELLED, "interrupted");
    }
  }

  /** Read at the first volatile snapshot; does not change while this runs. */
  private static final class Boot {
    private static final String ID = read();

    static String id() {
      return ID;
    }

    private static String read() {
      String file = "/proc/sys/kernel/random/boot_id";
      // No channel: an interrupt would close it, and the class could never be used again.
      try (FileInputStream in = new FileInputStream(file)) {
        return new String(in.readAllBytes(), US_ASCII).strip();
      } catch (IOException e) {
        throw new GantryException(Kind.INTERNAL, "read " + file + ": " + e.getMessage(), e);
      }
    }
  }
}

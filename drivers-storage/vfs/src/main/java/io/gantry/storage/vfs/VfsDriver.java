package io.gantry.storage.vfs;

import io.gantry.linux.Dir;
import io.gantry.linux.Shelf;
import io.gantry.linux.Shelf.Durability;
import io.gantry.linux.Shelf.Later;
import io.gantry.linux.TreeCopy;
import io.gantry.linux.TreeUsage;
import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.storage.LayerDir;
import io.gantry.spi.storage.LayerDir.Whiteouts;
import io.gantry.spi.storage.Prepared;
import io.gantry.spi.storage.Snapshot;
import io.gantry.spi.storage.SnapshotOptions;
import io.gantry.spi.storage.StorageDriver;
import io.gantry.spi.storage.Usage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/**
 * Storage on plain directories: every snapshot is a whole copy of its parent, mounted by a bind.
 * Works on any file system; where that shares blocks (btrfs, XFS), a copy takes no space.
 */
@Component(name = "io.gantry.storage.vfs", property = Driver.NAME + "=vfs")
public final class VfsDriver implements StorageDriver {

  private static final String TREE = "tree";

  /** A removal that takes longer goes on without its caller. */
  private static final Duration PATIENCE = Duration.ofMillis(200);

  private final Path root;
  private final Shelf shelf;
  private final InstantSource clock;
  private final Runnable step;
  private final ExecutorService removals;

  private final ReentrantLock lock = new ReentrantLock();
  private final List<String> copying = new ArrayList<>(); // guarded by lock: parents, once per copy
  private final Set<String> removing = new HashSet<>(); // guarded by lock

  @Activate
  public VfsDriver(BundleContext context) {
    this(
        Path.of(Objects.requireNonNull(context.getProperty("gantry.data.root"), "gantry.data.root"))
            .resolve("storage/vfs"),
        InstantSource.system(),
        PATIENCE,
        () -> {});
  }

  VfsDriver(Path root, InstantSource clock, Duration patience, Runnable step) {
    this.root = root;
    this.removals = Shelf.worker("vfs-removal");
    Later later = new Later(patience, removals, removals::isShutdown);
    this.shelf = new Shelf(root, VfsDriver::idOf, later, step);
    this.clock = clock;
    this.step = step;
  }

  private static Optional<String> idOf(String record) {
    return SnapshotRecord.decode(record).map(decoded -> decoded.snapshot().id());
  }

  /** What is being deleted then, the next one's recovery meets. */
  @Deactivate
  void letGo() {
    removals.shutdown();
  }

  @Override
  public Support probe() {
    // Nothing is made by looking: the nearest directory that is there must do.
    Path there = root.toAbsolutePath();
    for (Path parent = there; parent != null && !Files.exists(there); ) {
      there = parent;
      parent = parent.getParent();
    }
    try (Dir dir = Dir.open(there)) {
      dir.stat();
      return Support.yes();
    } catch (GantryException e) {
      return Support.no(e.getMessage());
    }
  }

  @Override
  public Map<String, String> status() {
    return Map.of("Root Directory", root.toString());
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
    Snapshot.Kind kind = options.readOnly() ? Snapshot.Kind.VIEW : Snapshot.Kind.WRITABLE;
    Instant now = clock.instant();
    Snapshot made = new Snapshot(id, kind, parent, now, options.labels());
    Durability durability = options.isVolatile() ? Durability.NONE : Durability.CONTENT;
    String record = new SnapshotRecord(made).encode();
    if (parent == null) {
      shelf.make(id, record, durability, entry -> entry.mkdir(TREE, 0755));
    } else {
      hold(parent);
      try {
        checkParent(parent);
        shelf.make(id, record, durability, entry -> copy(parent, entry));
      } finally {
        release(parent);
      }
    }
    return new Prepared(mounts(made));
  }

  private void copy(String parent, Dir entry) {
    entry.mkdir(TREE, 0755);
    step.run();
    try (Dir from = Dir.open(tree(parent));
        Dir to = entry.dir(TREE)) {
      TreeCopy.copy(from, to);
    }
  }

  private Path tree(String id) {
    return shelf.path(id).resolve(TREE);
  }

  private static void checkOptions(SnapshotOptions options) {
    if (options.maxBytes() != 0) {
      throw new GantryException(Kind.UNSUPPORTED, "storage driver vfs cannot limit the size");
    }
    if (!options.uidMap().isEmpty() || !options.gidMap().isEmpty()) {
      throw new GantryException(Kind.UNSUPPORTED, "storage driver vfs cannot map user ids");
    }
  }

  private void checkParent(String parent) {
    if (existing(parent).kind() != Snapshot.Kind.LAYER) {
      throw new GantryException(Kind.INVALID, "not a layer: " + parent);
    }
  }

  /** Keeps a layer from being removed while it is copied: other ids' calls run beside ours. */
  private void hold(String parent) {
    Snapshot.checkId(parent);
    lock.lock();
    try {
      if (removing.contains(parent)) {
        throw missing(parent);
      }
      copying.add(parent);
    } finally {
      lock.unlock();
    }
  }

  private void release(String parent) {
    lock.lock();
    try {
      copying.remove(parent);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public List<Mount> mounts(String id) {
    return mounts(existing(id));
  }

  private List<Mount> mounts(Snapshot snapshot) {
    String tree = tree(snapshot.id()).toString();
    return List.of(
        snapshot.kind() == Snapshot.Kind.WRITABLE
            ? Mount.bind(tree, "/")
            : Mount.bind(tree, "/", "ro"));
  }

  @Override
  public void commit(String id, String layer) {
    Snapshot.checkId(layer);
    Snapshot before = existing(id);
    checkInterrupt();
    if (before.kind() != Snapshot.Kind.WRITABLE) {
      throw new GantryException(Kind.INVALID, "not a writable snapshot: " + id);
    }
    if (shelf.has(layer)) {
      throw new GantryException(Kind.CONFLICT, "layer exists: " + layer);
    }
    try (Dir tree = Dir.open(tree(id))) {
      tree.syncFileSystem();
    }
    shelf.rename(id, layer, find(id).orElseThrow(() -> missing(id)).asLayer(layer).encode());
  }

  @Override
  public void remove(String id) {
    // Not cancelled by an interrupt: it is how an interrupted caller takes back what it did.
    Snapshot.checkId(id);
    if (!shelf.has(id)) {
      return;
    }
    lock.lock();
    try {
      if (copying.contains(id)) {
        throw new GantryException(Kind.CONFLICT, "layer is in use: " + id);
      }
      removing.add(id);
    } finally {
      lock.unlock();
    }
    try {
      for (Snapshot other : all()) {
        if (id.equals(other.parent())) {
          throw new GantryException(
              Kind.CONFLICT, "layer " + id + " is the parent of " + other.id());
        }
      }
      shelf.remove(id);
    } finally {
      lock.lock();
      try {
        removing.remove(id);
      } finally {
        lock.unlock();
      }
    }
  }

  @Override
  public void list(Consumer<Snapshot> sink) {
    Snapshot.parentsFirst(all()).forEach(sink);
  }

  private List<Snapshot> all() {
    return shelf.records().stream()
        .flatMap(text -> SnapshotRecord.decode(text).stream())
        .map(SnapshotRecord::snapshot)
        .toList();
  }

  @Override
  public Usage usage(String id) {
    existing(id);
    try (Dir tree = Dir.open(tree(id))) {
      TreeUsage usage = TreeUsage.of(tree);
      return new Usage(usage.bytes(), usage.inodes());
    }
  }

  @Override
  public LayerDir layerDir(String id) {
    existing(id);
    return new LayerDir(tree(id).toString(), true, Whiteouts.AUFS_FILES);
  }

  @Override
  public Recovery recover(Set<String> expected) {
    List<String> swept = new ArrayList<>(shelf.recover(expected));
    List<Snapshot> found = new ArrayList<>(Snapshot.parentsFirst(all()));
    Collections.reverse(found);
    Set<String> parents = new HashSet<>();
    for (Snapshot snapshot : found) {
      boolean unexpected = !expected.contains(snapshot.id());
      boolean ephemeral = snapshot.labels().containsKey(SnapshotOptions.EPHEMERAL);
      if (unexpected && ephemeral && !parents.contains(snapshot.id())) {
        shelf.remove(snapshot.id());
        swept.add("ephemeral snapshot " + snapshot.id());
      } else if (snapshot.parent() != null) {
        parents.add(snapshot.parent());
      }
    }
    Set<String> alive = new TreeSet<>();
    found.forEach(snapshot -> alive.add(snapshot.id()));
    alive.retainAll(expected);
    Set<String> lost = new TreeSet<>(expected);
    lost.removeAll(alive);
    return new Recovery(alive, lost, swept);
  }

  private Snapshot existing(String id) {
    Snapshot.checkId(id);
    return find(id).map(SnapshotRecord::snapshot).orElseThrow(() -> missing(id));
  }

  private Optional<SnapshotRecord> find(String id) {
    return shelf.record(id).flatMap(SnapshotRecord::decode);
  }

  private static GantryException missing(String id) {
    return new GantryException(Kind.NOT_FOUND, "no such snapshot: " + id);
  }

  private static void checkInterrupt() {
    if (Thread.currentThread().isInterrupted()) {
      throw new GantryException(Kind.CANCELLED, "interrupted");
    }
  }
}

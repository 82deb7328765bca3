package io.gantry.volume.local;

import static java.util.stream.Collectors.toSet;

import io.gantry.linux.DetachedMount;
import io.gantry.linux.Dir;
import io.gantry.linux.Errno;
import io.gantry.linux.MountInfo;
import io.gantry.linux.Mounts;
import io.gantry.linux.Names;
import io.gantry.linux.Shelf;
import io.gantry.linux.Shelf.Durability;
import io.gantry.linux.Shelf.Later;
import io.gantry.linux.SyscallError;
import io.gantry.linux.TreeUsage;
import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.volume.Volume;
import io.gantry.spi.volume.VolumeDriver;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.locks.ReentrantLock;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/**
 * Volumes as directories of this host, and what Docker's options {@code type}, {@code device} and
 * {@code o} say mounted on them while somebody uses them. Whether it is mounted is asked of the
 * kernel each time; only who uses it is remembered, and told anew by {@link #recover}.
 */
@Component(name = "io.gantry.volume.local", property = Driver.NAME + "=local")
public final class LocalDriver implements VolumeDriver {

  private static final String DATA = "_data";

  /** A removal that takes longer goes on without its caller. */
  private static final Duration PATIENCE = Duration.ofMillis(200);

  private final Path root;
  private final Shelf shelf;
  private final InstantSource clock;
  private final ExecutorService removals;

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Set<String>> holders = new HashMap<>(); // guarded by lock

  @Activate
  public LocalDriver(BundleContext context) {
    this(
        Path.of(Objects.requireNonNull(context.getProperty("gantry.data.root"), "gantry.data.root"))
            .resolve("volume/local"),
        InstantSource.system(),
        PATIENCE,
        () -> {});
  }

  LocalDriver(Path root, InstantSource clock, Duration patience, Runnable step) {
    this.root = root.toAbsolutePath();
    this.clock = clock;
    this.removals = Shelf.worker("volume-removal");
    Later later = new Later(patience, removals, removals::isShutdown);
    this.shelf = new Shelf(this.root, "volume", LocalDriver::nameOf, later, step);
  }

  private static Optional<String> nameOf(String record) {
    return VolumeRecord.decode(record).map(VolumeRecord::name);
  }

  /** What is being deleted then, the next one's recovery meets. */
  @Deactivate
  void letGo() {
    removals.shutdown();
  }

  @Override
  public Support probe() {
    return Support.yes(); // a directory is made of whatever holds the data root
  }

  @Override
  public Map<String, String> status() {
    return Map.of("Root Directory", root.toString());
  }

  @Override
  public Set<String> features() {
    return Set.of("labels");
  }

  @Override
  public void create(String volume, Map<String, String> options) {
    create(volume, options, Map.of());
  }

  @Override
  public void create(String volume, Map<String, String> options, Map<String, String> labels) {
    Volume.checkName(volume);
    MountRequest.check(options);
    checkInterrupt();
    Optional<VolumeRecord> there = record(volume);
    if (there.isPresent()) {
      createAgain(there.get(), options, labels);
      return;
    }
    if (shelf.has(volume)) {
      throw new GantryException(Kind.CONFLICT, "the record of volume " + volume + " is damaged");
    }
    var record = new VolumeRecord(volume, clock.instant(), options, labels, List.of());
    boolean ephemeral = labels.containsKey(Volume.EPHEMERAL);
    shelf.make(
        volume,
        record.encode(),
        ephemeral ? Durability.NONE : Durability.ENTRY,
        entry -> entry.mkdir(DATA, 0755));
  }

  private void createAgain(
      VolumeRecord there, Map<String, String> options, Map<String, String> labels) {
    if (!there.options().equals(options)) {
      throw new GantryException(
          Kind.CONFLICT, "volume " + there.name() + " exists with other options");
    }
    if (there.labels().containsKey(Volume.EPHEMERAL) && !labels.containsKey(Volume.EPHEMERAL)) {
      shelf.keep(there.name(), there.labelled(labels).encode());
    }
  }

  @Override
  public void remove(String volume) {
    // Not cancelled by an interrupt: it is how an interrupted caller takes back what it did.
    Volume.checkName(volume);
    if (!shelf.has(volume)) {
      return;
    }
    if (!holdersOf(volume).isEmpty()) {
      throw new GantryException(Kind.CONFLICT, "volume " + volume + " is in use");
    }
    unmountAll(data(volume));
    shelf.remove(volume);
  }

  @Override
  public List<Volume> list() {
    List<Volume> all = new ArrayList<>();
    for (String text : shelf.records()) {
      VolumeRecord.decode(text).ifPresent(record -> all.add(volume(record)));
    }
    return all;
  }

  @Override
  public Optional<Volume> find(String volume) {
    Volume.checkName(volume);
    return record(volume).map(this::volume);
  }

  private Volume volume(VolumeRecord record) {
    return new Volume(
        record.name(),
        data(record.name()).toString(),
        record.created(),
        Map.of(),
        record.options(),
        record.labels());
  }

  @Override
  public long usage(String volume) {
    VolumeRecord record = existing(volume);
    if (MountRequest.isIn(record.options())) {
      return -1; // it is not the driver's own, and may be on a server
    }
    try (Dir dir = Dir.open(data(volume))) {
      return TreeUsage.of(dir).bytes();
    }
  }

  @Override
  public Mount mount(String volume, String holder) {
    VolumeRecord record = existing(volume);
    Path data = data(volume);
    if (MountRequest.isIn(record.options()) && !isMounted(data)) {
      checkInterrupt();
      mount(MountRequest.of(record.options()), data);
    }
    lock.lock();
    try {
      holders.computeIfAbsent(volume, name -> new HashSet<>()).add(holder);
    } finally {
      lock.unlock();
    }
    return new Mount("rbind", data.toString(), "", List.of());
  }

  private static void mount(MountRequest request, Path data) {
    try (DetachedMount mount = DetachedMount.make(request.mount())) {
      mount.attach(data);
    } catch (GantryException e) {
      String options = request.shown();
      throw new GantryException(
          e.kind() == Kind.NOT_FOUND ? Kind.INVALID : e.kind(),
          "error while mounting volume '%s': failed to mount local volume: mount %s:%s%s: %s"
              .formatted(
                  data,
                  request.device(),
                  data,
                  options.isEmpty() ? "" : ", data: " + options,
                  reason(e)),
          e);
    }
  }

  private static String reason(GantryException e) {
    Errno errno = SyscallError.errno(e);
    return errno == Errno.OTHER ? e.getMessage() : errno.words() + " (" + e.getMessage() + ")";
  }

  @Override
  public void unmount(String volume, String holder) {
    Volume.checkName(volume);
    lock.lock();
    try {
      Set<String> left = holders.getOrDefault(volume, new HashSet<>());
      left.remove(holder);
      if (!left.isEmpty()) {
        return;
      }
      holders.remove(volume);
    } finally {
      lock.unlock();
    }
    if (record(volume).filter(record -> MountRequest.isIn(record.options())).isPresent()) {
      unmountAll(data(volume));
    }
  }

  private Set<String> holdersOf(String volume) {
    lock.lock();
    try {
      return Set.copyOf(holders.getOrDefault(volume, Set.of()));
    } finally {
      lock.unlock();
    }
  }

  private static void unmountAll(Path data) {
    while (isMounted(data)) {
      Mounts.unmount(data);
    }
  }

  private static boolean isMounted(Path data) {
    return mounted().contains(target(data));
  }

  /** Whatever has something mounted on it; names are bytes. */
  private static Set<String> mounted() {
    return MountInfo.ofSelf().stream().map(MountInfo::target).collect(toSet());
  }

  private static String target(Path data) {
    return Names.ofText(data.toString());
  }

  @Override
  public Recovery recover(Map<String, Set<String>> expected) {
    List<String> swept = new ArrayList<>(shelf.recover(expected.keySet()));
    lock.lock();
    try {
      holders.clear();
      expected.forEach(
          (volume, ids) -> {
            if (!ids.isEmpty()) {
              holders.put(volume, new HashSet<>(ids));
            }
          });
    } finally {
      lock.unlock();
    }
    Set<String> mounted = mounted(); // once: there may be thousands of volumes and of mounts
    Set<String> alive = new TreeSet<>();
    for (Volume volume : list()) {
      if (expected.containsKey(volume.name())) {
        alive.add(volume.name());
      } else if (volume.labels().containsKey(Volume.EPHEMERAL)) {
        remove(volume.name());
        swept.add("ephemeral volume " + volume.name());
        continue;
      }
      if (holdersOf(volume.name()).isEmpty() && mounted.contains(target(data(volume.name())))) {
        unmountAll(data(volume.name()));
        swept.add("the mount of volume " + volume.name());
      }
    }
    Set<String> lost = new TreeSet<>(expected.keySet());
    lost.removeAll(alive);
    return new Recovery(alive, lost, swept);
  }

  private Path data(String volume) {
    return shelf.path(volume).resolve(DATA);
  }

  private VolumeRecord existing(String volume) {
    Volume.checkName(volume);
    return record(volume)
        .orElseThrow(() -> new GantryException(Kind.NOT_FOUND, "no such volume: " + volume));
  }

  private Optional<VolumeRecord> record(String volume) {
    return shelf.record(volume).flatMap(VolumeRecord::decode);
  }

  private static void checkInterrupt() {
    if (Thread.currentThread().isInterrupted()) {
      throw new GantryException(Kind.CANCELLED, "interrupted");
    }
  }
}

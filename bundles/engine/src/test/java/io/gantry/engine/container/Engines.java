package io.gantry.engine.container;

import io.gantry.api.ByteStream;
import io.gantry.api.Events.Event;
import io.gantry.api.Images.ImageConfig;
import io.gantry.api.Leased;
import io.gantry.engine.apparmor.AppArmor;
import io.gantry.engine.disk.SpareDisk;
import io.gantry.engine.event.EventRing;
import io.gantry.engine.log.LogDamages;
import io.gantry.engine.log.LogDefaults;
import io.gantry.engine.log.LogFollower;
import io.gantry.engine.network.NetworkKeeper;
import io.gantry.engine.network.NetworkSettings;
import io.gantry.engine.spec.CdiEdits;
import io.gantry.engine.spec.HostFacts;
import io.gantry.engine.volume.VolumeKeeper;
import io.gantry.exec.namespaces.NamespacesDriver;
import io.gantry.linux.CgroupTree;
import io.gantry.linux.UserMaps;
import io.gantry.monitor.Helper;
import io.gantry.monitor.MonitorLoop;
import io.gantry.monitor.Spawner;
import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.exec.ExecDriver;
import io.gantry.spi.network.Attachment;
import io.gantry.spi.network.Endpoint;
import io.gantry.spi.network.Network;
import io.gantry.spi.network.NetworkDriver;
import io.gantry.spi.network.PortMapper;
import io.gantry.spi.storage.StorageDriver;
import io.gantry.volume.local.LocalDriver;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/**
 * An engine of plain objects with the real helper, namespaces and control groups. Closing it is
 * what a stop of the engine does; another one on the same place takes over.
 */
final class Engines implements AutoCloseable {
  private static final Path HELPER = Path.of("../monitor/target/native/gantry-helper");
  static final String BASE = "sha256:" + "b".repeat(64);

  final ContainerEngine containers;
  final VolumeKeeper volumes;
  final EventRing ring = new EventRing();
  final ConcurrentLinkedQueue<Event> events = new ConcurrentLinkedQueue<>();

  /** Commits that have come to what differs. */
  final AtomicInteger commits = new AtomicInteger();

  final MemoryShipper shipper;
  final LogDefaults logs;

  /** Whose users containers have from now on; null: the host's. */
  volatile @Nullable UserMaps users;

  /** What happens while a port is being published. */
  volatile Runnable whileMapping = () -> {};

  private final MonitorLoop loop = MonitorLoop.start();
  private final ExecutorService workers = Executors.newCachedThreadPool();
  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);

  /** Where one engine after the other lives. */
  record Home(Place place, Path trees, Path busybox, Helper helper) {
    static Home make(Path scratch) throws IOException {
      var run = Files.createTempDirectory(Path.of("/run"), "gy");
      Files.setPosixFilePermissions(run, PosixFilePermissions.fromString("rwx------"));
      var data = Files.createDirectories(scratch.resolve("data"));
      String instance = String.format("%08x", run.hashCode());
      return new Home(
          new Place(instance, data, run),
          scratch.resolve("trees"),
          Path.of("/bin/busybox"),
          Helper.install(HELPER, data));
    }

    /** As far as drivers ask: where the data root is. */
    BundleContext framework() {
      return (BundleContext)
          Proxy.newProxyInstance(
              Engines.class.getClassLoader(),
              new Class<?>[] {BundleContext.class},
              (proxy, method, arguments) -> place.dataRoot().toString());
    }

    /** What it starts, the net helper too, takes its time to end. */
    private boolean isRemoved(CgroupTree tree, String id) {
      try {
        tree.group(place.cgroupParent(), id).remove();
        return true;
      } catch (GantryException e) {
        return false;
      }
    }

    /** The zygote and who has been forked from it. */
    void killHelpers() {
      try (var loop = MonitorLoop.start()) {
        var zygote =
            ProcessHandle.of(Spawner.ensure(helper, place.execRoot(), loop).pid()).orElseThrow();
        zygote.descendants().forEach(ProcessHandle::destroyForcibly);
        zygote.destroyForcibly();
        Await.until("it ends", () -> !zygote.isAlive());
      }
    }

    /** Ends the zygote and removes all but what belongs to the test framework. */
    void destroy() {
      try (var loop = MonitorLoop.start()) {
        Spawner.ensure(helper, place.execRoot(), loop).quit();
      }
      var tree = CgroupTree.detect();
      for (String id : tree.list(place.cgroupParent())) {
        tree.group(place.cgroupParent(), id).kill();
        Await.until(id + " ends", () -> isRemoved(tree, id));
      }
      tree.removeParent(place.cgroupParent());
      OwnFiles.removeTree(place.execRoot());
    }
  }

  Engines(Home home) {
    this(home, InstantSource.system());
  }

  Engines(Home home, InstantSource clock) {
    this(home, clock, new NamespacesDriver());
  }

  Engines(Home home, InstantSource clock, ExecDriver execs) {
    this(home, clock, execs, new LinkedTrees(home.trees(), home.busybox()));
  }

  Engines(Home home, StorageDriver storage) {
    this(home, InstantSource.system(), new NamespacesDriver(), storage);
  }

  /** One whose containers' logs go to a driver named memory, if they ask for it. */
  Engines(Home home, MemoryShipper shipper, LogDefaults logs) {
    this(
        home,
        InstantSource.system(),
        new NamespacesDriver(),
        new LinkedTrees(home.trees(), home.busybox()),
        shipper,
        logs,
        new OneDriver<>("builtin", new NoNetwork()),
        null,
        NetworkSettings.NONE);
  }

  /** One whose default network's driver is the one that is named first. */
  Engines(Home home, Leased<NetworkDriver> drivers) {
    this(
        home,
        InstantSource.system(),
        new NamespacesDriver(),
        new LinkedTrees(home.trees(), home.busybox()),
        new MemoryShipper(),
        new LogDefaults("json-file", Map.of(), false),
        drivers,
        null,
        NetworkSettings.NONE);
  }

  /** One whose containers' ports are led by a mapper besides. */
  Engines(Home home, Leased<NetworkDriver> drivers, Leased<PortMapper> mappers) {
    this(
        home,
        InstantSource.system(),
        new NamespacesDriver(),
        new LinkedTrees(home.trees(), home.busybox()),
        new MemoryShipper(),
        new LogDefaults("json-file", Map.of(), false),
        drivers,
        mappers,
        NetworkSettings.NONE);
  }

  /** One whose default network keeps its containers apart. */
  static Engines apart(Home home, Leased<NetworkDriver> drivers) {
    var none = NetworkSettings.NONE;
    return new Engines(
        home,
        InstantSource.system(),
        new NamespacesDriver(),
        new LinkedTrees(home.trees(), home.busybox()),
        new MemoryShipper(),
        new LogDefaults("json-file", Map.of(), false),
        drivers,
        null,
        new NetworkSettings(
            "", "", "", "", "", "", "", 0, false, true, "", false, List.of(), none.resolver()));
  }

  Engines(Home home, InstantSource clock, ExecDriver execs, StorageDriver storage) {
    this(
        home,
        clock,
        execs,
        storage,
        new MemoryShipper(),
        new LogDefaults("json-file", Map.of(), false),
        new OneDriver<>("builtin", new NoNetwork()),
        null,
        NetworkSettings.NONE);
  }

  private Engines(
      Home home,
      InstantSource clock,
      ExecDriver execs,
      StorageDriver storage,
      MemoryShipper shipper,
      LogDefaults logs,
      Leased<NetworkDriver> drivers,
      @Nullable Leased<PortMapper> mappers,
      NetworkSettings settings) {
    this.shipper = shipper;
    this.logs = logs;
    var tree = CgroupTree.detect();
    var spare = new SpareDisk(home.place().dataRoot());
    var driver = new LocalDriver(home.framework());
    volumes =
        new VolumeKeeper(
            home.place().dataRoot(),
            home.place().execRoot(),
            new OneDriver<>("local", driver),
            ring,
            spare,
            clock);
    volumes.load();
    var networks =
        new NetworkKeeper(
            home.place().dataRoot(), home.place().instance(), drivers, ring, () -> settings, clock);
    networks.load();
    var shop =
        new Workshop(
            home.place(),
            HostFacts.read(tree.version()),
            tree,
            new OneImage(commits::incrementAndGet),
            new OneDriver<>("linked", storage),
            new OneDriver<>("namespaces", execs),
            networks,
            mappers == null ? new NoMappers(() -> whileMapping.run()) : mappers,
            ring,
            loop,
            new Zygote(HELPER, home.place(), loop, spare, CgroupTree.detect()),
            workers,
            timer,
            new LogFollower(timer, workers),
            new OneDriver<>("memory", shipper),
            logs,
            new LogDamages(),
            spare,
            volumes,
            clock,
            () -> false,
            requests -> CdiEdits.NONE,
            () -> users,
            new AppArmor());
    ring.subscribe(null, e -> true, events::add);
    containers = new ContainerEngine(shop, "host");
    var broken = containers.readRecords();
    volumes.recover("local", driver, containers.belongings().ids());
    containers.recover(broken);
  }

  /** Output of a stream until it ends, standard error included, without the heads of frames. */
  static String text(ByteStream stream) throws Exception {
    var all = new ByteArrayOutputStream();
    while (true) {
      var bytes = stream.read().toCompletableFuture().get(60, TimeUnit.SECONDS);
      if (!bytes.hasRemaining()) {
        break;
      }
      byte[] copy = new byte[bytes.remaining()];
      bytes.get(copy);
      all.writeBytes(copy);
    }
    stream.close();
    if (stream.terminal()) {
      return all.toString();
    }
    var framed = java.nio.ByteBuffer.wrap(all.toByteArray());
    var plain = new ByteArrayOutputStream();
    while (framed.hasRemaining()) {
      framed.getInt();
      byte[] piece = new byte[framed.getInt()];
      framed.get(piece);
      plain.writeBytes(piece);
    }
    return plain.toString();
  }

  List<String> actions() {
    ring.subscribe(null, e -> true, e -> {}).close(); // its turn comes after all that was published
    return events.stream().map(Event::action).toList();
  }

  @Override
  public void close() {
    containers.letGo();
    loop.close();
    workers.shutdownNow();
    timer.shutdownNow();
    ring.close();
  }

  /** A host that no mapper works on: there is the proxy alone. */
  private record NoMappers(Runnable asked) implements Leased<PortMapper> {
    @Override
    public <R> R call(String name, Function<? super PortMapper, ? extends R> body) {
      throw new GantryException(GantryException.Kind.NOT_FOUND, "no port mapper " + name);
    }

    @Override
    public List<String> names() {
      asked.run();
      return List.of();
    }

    @Override
    public String defaultName() {
      throw new GantryException(GantryException.Kind.UNAVAILABLE, "no port mapper works here");
    }
  }

  /** A commit with this comment ends by an interrupt only. */
  static final String ENDLESS = "endless";

  static final ImageConfig CONFIG =
      new ImageConfig(
          "",
          List.of(),
          List.of("FROM=image"),
          null,
          List.of("sh"),
          List.of(),
          "",
          Map.of(),
          "",
          null,
          null,
          "");

  private static final class OneImage implements ImageLayers {
    private final Runnable commits;

    OneImage(Runnable commits) {
      this.commits = commits;
    }

    @Override
    public Base resolve(String ref, String platform) {
      if (!ref.equals("busybox") && !ref.equals(BASE)) {
        throw new GantryException(
            GantryException.Kind.NOT_FOUND, "No such image: " + ref + ":latest");
      }
      return new Base(BASE, CONFIG, "", 0);
    }

    @Override
    public ImageConfig changed(@Nullable ImageConfig base, List<String> changes) {
      return CONFIG;
    }

    @Override
    public String checkName(String repository, String tag) {
      return repository;
    }

    @Override
    public String commit(Commit commit, @Nullable InputStream diff) {
      commits.run();
      while (commit.comment().equals(ENDLESS)) {
        if (Thread.interrupted()) {
          throw new GantryException(GantryException.Kind.CANCELLED, "cancelled");
        }
        Thread.onSpinWait();
      }
      try (var in = diff == null ? InputStream.nullInputStream() : diff) {
        in.transferTo(OutputStream.nullOutputStream());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return BASE;
    }

    @Override
    public void load() {}

    @Override
    public Set<String> expected(String storageDriver) {
      return Set.of();
    }

    @Override
    public void sweep() {} // it has one layer, which everybody needs

    @Override
    public void hold(String layer) {}

    @Override
    public void release(String layer) {}

    @Override
    public String ensure(String storageDriver, String layer) {
      return layer;
    }
  }

  private static final class NoNetwork implements NetworkDriver {
    @Override
    public Support probe() {
      return Support.yes();
    }

    @Override
    public void create(Network network) {}

    @Override
    public void remove(Network network) {}

    @Override
    public Attachment attach(Network network, Endpoint endpoint) {
      return Attachment.none(endpoint.id());
    }

    @Override
    public void detach(Network network, Attachment attachment) {}

    @Override
    public Recovery recover(List<Network> networks, List<Attachment> attachments) {
      return new Recovery(Set.of(), Set.of());
    }
  }
}

package io.gantry.engine.container;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.Containers;
import io.gantry.api.Events;
import io.gantry.api.Leased;
import io.gantry.api.Networks;
import io.gantry.api.Ports;
import io.gantry.api.Volumes;
import io.gantry.engine.apparmor.AppArmor;
import io.gantry.engine.cdi.CdiDevices;
import io.gantry.engine.disk.SpareDisk;
import io.gantry.engine.log.LogDamages;
import io.gantry.engine.log.LogDefaults;
import io.gantry.engine.log.LogFollower;
import io.gantry.engine.network.NetworkDefaults;
import io.gantry.engine.network.NetworkKeeper;
import io.gantry.engine.spec.HostFacts;
import io.gantry.engine.userns.UserRemap;
import io.gantry.engine.volume.VolumeKeeper;
import io.gantry.engine.volume.VolumeService;
import io.gantry.linux.CgroupTree;
import io.gantry.monitor.MonitorLoop;
import io.gantry.spi.GantryException;
import io.gantry.spi.exec.ExecDriver;
import io.gantry.spi.log.LogDriver;
import io.gantry.spi.network.NetworkDriver;
import io.gantry.spi.network.PortMapper;
import io.gantry.spi.storage.StorageDriver;
import io.gantry.spi.volume.VolumeDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/**
 * Brings containers into the framework: recovers them on a thread of its own, and lets go of them,
 * running as they are, when the engine stops.
 */
@Component(name = "io.gantry.engine.container", immediate = true, service = Recovered.class)
public final class ContainerService implements Recovered {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final CompletableFuture<Void> recovered = new CompletableFuture<>();
  private final BundleContext context;
  private final ImageLayers images;
  private final VolumeKeeper volumes;
  private final NetworkKeeper networks;
  private final SpareDisk spare;
  private final MonitorLoop loop;
  private final ExecutorService workers = Executors.newCachedThreadPool(named("containers"));
  private final ScheduledExecutorService timer = timer();
  private final Zygote zygote;
  private final Place place;
  private final CgroupTree cgroups;
  private final ContainerEngine engine;
  private final List<ServiceRegistration<?>> services;
  private volatile @Nullable Owners owners;

  @Activate
  public ContainerService(
      BundleContext context,
      @Reference Events events,
      @Reference ImageLayers images,
      @Reference SpareDisk spare,
      @Reference UnhealthyContainers unhealthy,
      @Reference LogDefaults logs,
      @Reference LogDamages damages,
      @Reference CdiDevices cdi,
      @Reference UserRemap users,
      @Reference AppArmor appArmor,
      @Reference NetworkDefaults networkDefaults,
      @Reference(target = "(" + Leased.KIND + "=StorageDriver)") Leased<StorageDriver> storage,
      @Reference(target = "(" + Leased.KIND + "=ExecDriver)") Leased<ExecDriver> execs,
      @Reference(target = "(" + Leased.KIND + "=NetworkDriver)")
          Leased<NetworkDriver> networkDrivers,
      @Reference(target = "(" + Leased.KIND + "=PortMapper)") Leased<PortMapper> mappers,
      @Reference(target = "(" + Leased.KIND + "=LogDriver)") Leased<LogDriver> shippers,
      @Reference(target = "(" + Leased.KIND + "=VolumeDriver)") Leased<VolumeDriver> keepers,
      @Reference(
              target = "(gantry.role=unable)",
              cardinality = ReferenceCardinality.OPTIONAL,
              policyOption = ReferencePolicyOption.RELUCTANT)
          @Nullable Consumer<String> unable) {
    this.context = context;
    this.images = images;
    this.spare = spare;
    place = Place.of(context);
    volumes =
        new VolumeKeeper(
            place.dataRoot(), place.execRoot(), keepers, events, spare, InstantSource.system());
    networks =
        new NetworkKeeper(
            place.dataRoot(),
            place.instance(),
            networkDrivers,
            events,
            networkDefaults::settings,
            InstantSource.system());
    cgroups = controlGroups(unable);
    loop = MonitorLoop.start();
    zygote = new Zygote(Place.helper(context), place, loop, spare, cgroups);
    engine =
        new ContainerEngine(
            new Workshop(
                place,
                HostFacts.read(cgroups.version()),
                cgroups,
                images,
                storage,
                execs,
                networks,
                mappers,
                events,
                loop,
                zygote,
                workers,
                timer,
                new LogFollower(timer, workers),
                shippers,
                logs,
                damages,
                spare,
                volumes,
                InstantSource.system(),
                unhealthy::areRestarted,
                cdi::edits,
                users,
                appArmor),
            nodeName());
    services =
        List.of(
            context.registerService(Containers.class, engine, null),
            context.registerService(Volumes.class, new VolumeService(volumes), null),
            context.registerService(Networks.class, engine.networks(), null),
            context.registerService(Ports.class, engine.ports(), null));
    workers.execute(this::recover);
  }

  /** Records first: drivers take over by them. Then what runs, then the zygote for what will. */
  private void recover() {
    try {
      images.load();
      volumes.load();
      networks.load();
      var broken = engine.readRecords();
      var registered = new Owners(engine.belongings(), images, volumes, broken);
      owners = registered;
      registered.register(context);
      engine.recover(broken);
      sweepImages(broken);
      recovered.complete(null);
    } catch (RuntimeException e) {
      log.log(ERROR, "recovery failed", e);
      recovered.completeExceptionally(e);
      return;
    }
    spare.fill(); // last: nobody waits for it
    try {
      zygote.warm();
    } catch (RuntimeException e) { // said again to whoever starts a container
      log.log(ERROR, "the helper cannot be started", e);
    }
  }

  /** Not when a record cannot be read: its container may need what nobody else does. */
  private void sweepImages(Set<String> broken) {
    if (!broken.isEmpty()) {
      return;
    }
    try {
      images.sweep();
    } catch (GantryException e) { // what is left takes space, no more
      log.log(WARNING, "layers that nothing needs stay for now: {0}", e.getMessage());
    }
  }

  /** Without them there are no containers: that ends an engine that starts. */
  private static CgroupTree controlGroups(@Nullable Consumer<String> unable) {
    try {
      return CgroupTree.detect();
    } catch (GantryException e) {
      if (unable != null) {
        unable.accept(e.getMessage());
      }
      throw e;
    }
  }

  @Override
  public CompletionStage<Void> recovered() {
    return recovered.minimalCompletionStage();
  }

  @Deactivate
  void close() {
    services.forEach(ServiceRegistration::unregister);
    var registered = owners;
    if (registered != null) {
      registered.close();
    }
    boolean alone = engine.letGo();
    timer.shutdownNow();
    workers.shutdownNow();
    engine.writeOut();
    try {
      zygote.quit(alone);
    } catch (GantryException e) {
      log.log(WARNING, "the helper's zygote does not end: {0}", e.getMessage());
    }
    loop.close();
    cgroups.removeParent(place.cgroupParent());
  }

  /** What is called off is forgotten at once: most time-outs are. */
  private static ScheduledExecutorService timer() {
    var timer = new ScheduledThreadPoolExecutor(1, named("timer"));
    timer.setRemoveOnCancelPolicy(true);
    return timer;
  }

  private static String nodeName() {
    try {
      return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
    } catch (IOException e) {
      return "localhost";
    }
  }

  private static ThreadFactory named(String what) {
    var count = new AtomicInteger();
    return task -> {
      var thread = new Thread(task, "gantry-" + what + "-" + count.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }
}

package io.gantry.engine.container;

import static java.lang.System.Logger.Level.INFO;

import io.gantry.api.Leased;
import io.gantry.engine.driver.TakeOver;
import io.gantry.engine.volume.VolumeKeeper;
import io.gantry.spi.Driver;
import io.gantry.spi.Recovery;
import io.gantry.spi.exec.ExecDriver;
import io.gantry.spi.log.LogDriver;
import io.gantry.spi.network.NetworkDriver;
import io.gantry.spi.network.PortMapper;
import io.gantry.spi.storage.Snapshot;
import io.gantry.spi.storage.StorageDriver;
import io.gantry.spi.volume.VolumeDriver;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceRegistration;

/** Tells drivers that take over what containers and images expect of them. */
final class Owners implements AutoCloseable {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private final Belongings containers;
  private final ImageLayers images;
  private final VolumeKeeper volumes;
  private final Set<String> broken;
  private final List<ServiceRegistration<?>> services = new ArrayList<>();

  /**
   * @param broken containers whose records cannot be read: what they have stays
   */
  Owners(Belongings containers, ImageLayers images, VolumeKeeper volumes, Set<String> broken) {
    this.containers = containers;
    this.images = images;
    this.volumes = volumes;
    this.broken = broken;
  }

  /** From now on drivers may serve. */
  void register(BundleContext context) {
    serve(context, StorageDriver.class, this::recoverStorage);
    serve(context, VolumeDriver.class, this::recoverVolumes);
    serve(context, ExecDriver.class, (name, driver) -> driver.recover(containers.tasks(name)));
    serve(context, LogDriver.class, (name, driver) -> driver.recover(containers.shipped(name)));
    serve(context, PortMapper.class, (name, driver) -> driver.recover(containers.mappings(name)));
    serve(
        context,
        NetworkDriver.class,
        (name, driver) -> driver.recover(containers.networks(name), containers.attachments(name)));
  }

  private <D extends Driver> void serve(BundleContext context, Class<D> kind, TakeOver<D> owner) {
    services.add(
        context.registerService(
            TakeOver.class,
            owner,
            FrameworkUtil.asDictionary(Map.of(Leased.KIND, kind.getSimpleName()))));
  }

  private Recovery recoverVolumes(String name, VolumeDriver driver) {
    var known = new HashSet<>(containers.ids());
    known.addAll(broken);
    return volumes.recover(name, driver, known);
  }

  private Recovery recoverStorage(String name, StorageDriver driver) {
    var recorded = new HashSet<>(images.expected(name));
    recorded.addAll(containers.snapshots(name));
    // A container that is being made has its root before its record; one being removed loses it
    // first.
    var expected = new HashSet<>(recorded);
    expected.addAll(containers.snapshots());
    broken.forEach(id -> expected.add(Creation.snapshotOf(id)));
    var recovery = driver.recover(expected);
    sweep(driver, expected);
    containers.learnRoots(name, driver);
    var lost = new HashSet<>(recovery.lost());
    lost.retainAll(recorded);
    return new Recovery(recovery.alive(), lost, recovery.swept());
  }

  /** Roots of containers that were removed while the driver was away. */
  private void sweep(StorageDriver driver, Set<String> expected) {
    var orphans = new ArrayList<String>();
    driver.list(
        snapshot -> {
          if (snapshot.kind() == Snapshot.Kind.WRITABLE
              && snapshot.labels().containsKey(Creation.OWNER)
              && !expected.contains(snapshot.id())) {
            orphans.add(snapshot.id());
          }
        });
    for (String orphan : orphans) {
      driver.remove(orphan);
      log.log(INFO, "swept {0}, whose container is gone", orphan);
    }
  }

  @Override
  public void close() {
    services.forEach(ServiceRegistration::unregister);
    services.clear();
  }
}

package io.gantry.engine.driver;

import io.gantry.api.Leased;
import io.gantry.engine.config.EngineConfig;
import io.gantry.spi.Driver;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.metatype.annotations.Designate;

/** Registers one {@link Leased} service per kind and lines up the drivers that bundles register. */
@Component(
    immediate = true,
    service = {},
    configurationPid = EngineConfig.PID)
@Designate(ocd = EngineConfig.class)
public final class DriverRegistry {

  private final ExecutorService takeOverThreads = Executors.newCachedThreadPool(named("take-over"));
  private final List<ThreadPoolExecutor> swapThreads = new ArrayList<>();
  private final List<DriverTracker<?>> trackers = new ArrayList<>();
  private final List<ServiceRegistration<?>> services = new ArrayList<>();

  private volatile EngineConfig config;
  private volatile Limits limits;

  @Activate
  public DriverRegistry(BundleContext context, EngineConfig config) {
    this.config = config;
    this.limits = Limits.of(config);
    Kind.ALL.forEach(kind -> serve(context, kind));
  }

  private <D extends Driver> void serve(BundleContext context, Kind<D> kind) {
    var swapThread = swapThread(kind);
    var drivers =
        new LeasedDrivers<>(
            kind, () -> limits, () -> preference(kind), swapThread, takeOverThreads, name -> {});
    var tracker = new DriverTracker<>(context, drivers);
    var properties = FrameworkUtil.asDictionary(Map.of(Leased.KIND, kind.name()));
    swapThreads.add(swapThread);
    trackers.add(tracker);
    services.add(context.registerService(Leased.class, drivers, properties));
    tracker.open();
  }

  private List<String> preference(Kind<?> kind) {
    return Preferences.configured(config, kind);
  }

  @Modified
  void modified(EngineConfig changed) {
    config = changed;
    limits = Limits.of(changed);
  }

  /** Lets go of the drivers and leaves everything they made alone. */
  @Deactivate
  void close() {
    services.forEach(ServiceRegistration::unregister);
    trackers.forEach(DriverTracker::close);
    swapThreads.forEach(ExecutorService::shutdownNow);
    takeOverThreads.shutdownNow();
  }

  /** One thread at most, that goes when there is nothing to do. */
  private static ThreadPoolExecutor swapThread(Kind<?> kind) {
    var pool =
        new ThreadPoolExecutor(
            1, 1, 30, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), named("swap-" + kind.name()));
    pool.allowCoreThreadTimeOut(true);
    return pool;
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

package io.gantry.engine.driver;

import static io.gantry.spi.GantryException.Kind.CANCELLED;
import static io.gantry.spi.GantryException.Kind.INTERNAL;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.Drivers;
import io.gantry.api.Events;
import io.gantry.api.Leased;
import io.gantry.engine.config.EngineConfig;
import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import java.lang.System.Logger;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.Stream;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.util.tracker.ServiceTracker;

/**
 * Drivers of every kind: registers one {@link Leased} service per kind, brings the driver bundles
 * in at the start and swaps them while the engine runs.
 */
@Component(immediate = true, service = Drivers.class, configurationPid = EngineConfig.PID)
@Designate(ocd = EngineConfig.class)
public final class DriverRegistry implements Drivers {

  private static final Logger log = System.getLogger(DriverRegistry.class.getName());

  private final RegistryThreads threads = new RegistryThreads();
  private final Map<String, LeasedDrivers<?>> kinds = new LinkedHashMap<>();
  private final List<DriverTracker<?>> trackers = new ArrayList<>();
  private final List<ServiceRegistration<?>> services = new ArrayList<>();
  private final Signal settled = new Signal();
  private final Path dataRoot;
  private final ServiceTracker<Events, Events> events;
  private final DriverRecord record;
  private final DriverNews news;
  private final Swaps swaps;

  private volatile EngineConfig config;
  private volatile Limits limits;

  @Activate
  public DriverRegistry(BundleContext context, EngineConfig config) {
    this.config = config;
    this.limits = Limits.of(config);
    this.dataRoot = Path.of(property(context, "gantry.data.root"));
    this.events = new ServiceTracker<>(context, Events.class, null);
    this.record = new DriverRecord(dataRoot.resolve("drivers"));
    this.news =
        new DriverNews(this::facts, events::getService, threads.clerk(), InstantSource.system());
    for (Kind<?> kind : Kind.ALL) {
      prepare(context, kind);
    }
    this.swaps =
        new Swaps(
            kinds,
            new DriverBundles(context, threads.strangers(), () -> limits, this::leftBehind),
            new DriverJars(dataRoot),
            record,
            settled,
            () -> limits);
    open(context);
  }

  private static String property(BundleContext context, String name) {
    String value = context.getProperty(name);
    if (value == null) {
      throw new IllegalStateException("the launcher has not set " + name);
    }
    return value;
  }

  private <D extends Driver> void prepare(BundleContext context, Kind<D> kind) {
    var drivers =
        new LeasedDrivers<>(
            kind,
            () -> limits,
            () -> preference(kind),
            threads.swaps(kind.name()),
            threads.strangers(),
            name -> changed());
    kinds.put(kind.name(), drivers);
    trackers.add(new DriverTracker<>(context, drivers));
  }

  private void leftBehind(String bundle, String version, boolean hangs) {
    kinds.values().forEach(drivers -> drivers.leftBehind(bundle, version, hangs));
    changed();
  }

  private void changed() {
    settled.raise();
    news.nudge();
  }

  private void open(BundleContext context) {
    record.get().bundles().values().stream()
        .flatMap(bundle -> bundle.drivers().stream())
        .filter(driver -> kinds.containsKey(driver.kind()))
        .forEach(driver -> kind(driver.kind()).know(driver.name()));
    events.open();
    kinds.forEach(
        (name, drivers) ->
            services.add(
                context.registerService(
                    Leased.class, drivers, FrameworkUtil.asDictionary(Map.of(Leased.KIND, name)))));
    trackers.forEach(DriverTracker::open);
    news.start();
    threads.operations().execute(() -> boot(context.getProperty("gantry.drivers")));
  }

  private void boot(String locations) {
    try {
      swaps.boot(
          locations == null
              ? List.of()
              : Arrays.stream(locations.split(",")).filter(one -> !one.isBlank()).toList());
    } catch (RuntimeException e) { // calls to drivers that are there must not wait for nothing
      if (!threads.operations().isShutdown()) {
        log.log(ERROR, "not all drivers could be started", e);
      }
    } finally {
      kinds.values().forEach(LeasedDrivers::complete);
      changed();
    }
    kinds.values().forEach(this::warnOfUnknownDefault);
    try {
      new DeployFolder(this::deployFolder, this::install).watch(threads.deploy());
    } catch (RejectedExecutionException e) {
      // the engine stops while it starts: nothing is to be taken in
    }
  }

  private void warnOfUnknownDefault(LeasedDrivers<?> drivers) {
    String warning = drivers.unknown(first(Preferences.configured(config, drivers.kind())));
    if (!warning.isEmpty()) {
      log.log(WARNING, warning);
    }
  }

  private Path deployFolder() {
    String configured = config.deployFolder();
    return configured.isEmpty() ? dataRoot.resolve("deploy") : Path.of(configured);
  }

  @Modified
  void modified(EngineConfig changed) {
    config = changed;
    limits = Limits.of(changed);
    changed();
    kinds.values().forEach(this::warnOfUnknownDefault);
  }

  /** Lets go of the drivers and leaves everything they made alone. */
  @Deactivate
  void close() {
    threads.stopOperations();
    services.forEach(ServiceRegistration::unregister);
    trackers.forEach(DriverTracker::close);
    events.close();
    threads.stop();
  }

  /** An operator's choice before the configured order. */
  private List<String> preference(Kind<?> kind) {
    List<String> configured = Preferences.configured(config, kind);
    var choice = record.get().defaults().get(kind.name());
    return choice == null || !choice.insteadOf().equals(first(configured))
        ? configured
        : Stream.concat(Stream.of(choice.name()), configured.stream()).distinct().toList();
  }

  private static String first(List<String> names) {
    return names.isEmpty() ? "" : names.get(0);
  }

  private Map<DriverName, DriverNews.Fact> facts() {
    Map<DriverName, DriverNews.Fact> facts = new LinkedHashMap<>();
    kinds.values().forEach(kind -> facts.putAll(kind.facts()));
    return facts;
  }

  @Override
  public List<DriverView> list() {
    return kinds.values().stream()
        .flatMap(kind -> kind.known().stream().map(name -> kind.view(name, swaps::versions)))
        .toList();
  }

  @Override
  public DriverView inspect(String kind, String name) {
    return kind(kind).view(name, swaps::versions);
  }

  @Override
  public DriverView update(String kind, String name, Path jar) {
    kind(kind).slot(name);
    operate(
        () -> {
          swaps.update(new DriverName(kind, name), jar);
          return name;
        });
    return inspect(kind, name);
  }

  @Override
  public List<DriverView> install(Path jar) {
    return operate(() -> swaps.install(jar)).stream()
        .map(driver -> inspect(driver.kind(), driver.name()))
        .toList();
  }

  @Override
  public DriverView rollback(String kind, String name) {
    kind(kind).slot(name);
    operate(
        () -> {
          swaps.rollback(new DriverName(kind, name));
          return name;
        });
    return inspect(kind, name);
  }

  @Override
  public void setDefault(String kind, String name) {
    LeasedDrivers<?> drivers = kind(kind);
    var now = drivers.slot(name).snapshot();
    if (now.state() == State.UNAVAILABLE || now.state() == State.AWAY) {
      throw new GantryException(
          UNAVAILABLE,
          "%s cannot be the default: %s".formatted(drivers.slot(name).title(), now.reason()));
    }
    String insteadOf = first(Preferences.configured(config, drivers.kind()));
    record.change(list -> list.with(kind, new DriverList.Choice(name, insteadOf)));
    changed();
  }

  @Override
  public String defaultName(String kind) {
    return kind(kind).defaultNow();
  }

  @Override
  public AutoCloseable listen(Runnable changed) {
    return news.listen(changed);
  }

  private LeasedDrivers<?> kind(String name) {
    return Objects.requireNonNull(kinds.get(Kind.named(name).name()));
  }

  /** Runs an operation after those that came before it. */
  private <R> R operate(Callable<R> operation) {
    try {
      return threads.operations().submit(operation).get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof GantryException known) {
        throw new GantryException(known.kind(), known.getMessage(), known);
      }
      throw new GantryException(INTERNAL, "the operation failed: " + e.getCause(), e.getCause());
    } catch (RejectedExecutionException e) {
      throw new GantryException(UNAVAILABLE, "the engine stops", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "interrupted; the operation goes on", e);
    }
  }
}

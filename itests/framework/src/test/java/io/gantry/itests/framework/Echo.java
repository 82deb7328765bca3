package io.gantry.itests.framework;

import io.gantry.api.Drivers;
import io.gantry.api.Drivers.DriverView;
import io.gantry.api.Leased;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.registry.RegistryRequest;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.util.tracker.ServiceTracker;

/** The echo driver and its registry, as a bundle of the framework sees them. */
final class Echo {

  static final String KIND = "RegistryAuthProvider";
  static final String NAME = "echo";
  private static final RegistryRequest REQUEST =
      new RegistryRequest("echo", "localhost", false, "GET", "https://localhost/", List.of(), null);

  private @Nullable Drivers drivers;
  private @Nullable Leased<RegistryAuthProvider> leased;

  /** Got when first asked for: JUnit makes an instance of the test outside of the framework too. */
  Drivers drivers() {
    if (drivers == null) {
      drivers = service(Drivers.class, "");
    }
    return drivers;
  }

  @SuppressWarnings("unchecked") // the filter has the kind
  private synchronized Leased<RegistryAuthProvider> leased() {
    if (leased == null) {
      leased = service(Leased.class, "(" + Leased.KIND + "=" + KIND + ")");
    }
    return leased;
  }

  /** Version of the driver that answers. */
  String call() {
    return with(Echo::version);
  }

  String with(Function<RegistryAuthProvider, String> body) {
    return leased().call(NAME, body);
  }

  static String version(RegistryAuthProvider driver) {
    return driver.prepare(REQUEST).get("version");
  }

  DriverView view() {
    return drivers().inspect(KIND, NAME);
  }

  DriverView update(String version) {
    return drivers().update(KIND, NAME, jar(version, ""));
  }

  /** A jar that {@link Fakes} has built. */
  static Path jar(String version, String behaviour) {
    String name = "echo" + (behaviour.isEmpty() ? "" : "-" + behaviour) + "-" + version + ".jar";
    return Path.of(System.getProperty("test.fakes"), name);
  }

  static BundleContext context() {
    return FrameworkUtil.getBundle(Echo.class).getBundleContext();
  }

  static <S> S service(Class<S> type, String filter) {
    try {
      var tracker =
          new ServiceTracker<S, S>(
              context(),
              context().createFilter("(&(objectClass=" + type.getName() + ")" + filter + ")"),
              null);
      tracker.open();
      S service = tracker.waitForService(10_000); // stays open: the service is for this bundle
      if (service == null) {
        throw new AssertionError("no service " + type.getName() + filter);
      }
      return service;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}

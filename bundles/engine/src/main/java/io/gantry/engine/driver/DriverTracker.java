package io.gantry.engine.driver;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.Leased;
import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import java.lang.System.Logger;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Filter;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.util.tracker.ServiceTracker;
import org.osgi.util.tracker.ServiceTrackerCustomizer;

/**
 * Follows the services of one kind: the drivers, and the owner of the kind's records.
 *
 * <p>A reference is lined up without getting its service, so that the bundle is activated by the
 * take-over, under its time limit. The framework tells of a service that goes on the thread that
 * stops the bundle and before the component is deactivated: waiting there lets the calls end.
 */
final class DriverTracker<D extends Driver> {

  private static final Logger log = System.getLogger(DriverTracker.class.getName());

  private final ServiceTracker<D, Provider<D>> services;
  private final ServiceTracker<Object, Object> owners;

  DriverTracker(BundleContext context, LeasedDrivers<D> drivers) {
    this.services = new ServiceTracker<>(context, drivers.kind().type(), lineUp(context, drivers));
    this.owners =
        new ServiceTracker<>(context, ownerFilter(drivers.kind()), introduce(context, drivers));
  }

  void open() {
    services.open();
    owners.open();
  }

  void close() {
    owners.close();
    services.close();
  }

  private static <D extends Driver> ServiceTrackerCustomizer<D, Provider<D>> lineUp(
      BundleContext context, LeasedDrivers<D> drivers) {
    return new ServiceTrackerCustomizer<>() {
      @Override
      public @Nullable Provider<D> addingService(ServiceReference<D> service) {
        if (!(service.getProperty(Driver.NAME) instanceof String name) || name.isEmpty()) {
          log.log(
              WARNING,
              "{0} registers a {1} without the property {2}: ignored",
              service.getBundle(),
              drivers.kind().words(),
              Driver.NAME);
          return null;
        }
        var provider = provider(context, service);
        drivers.bind(name, provider);
        return provider;
      }

      @Override
      public void modifiedService(ServiceReference<D> service, Provider<D> provider) {}

      @Override
      public void removedService(ServiceReference<D> service, Provider<D> provider) {
        drivers.unbind(String.valueOf(service.getProperty(Driver.NAME)), provider);
      }
    };
  }

  private static <D extends Driver> Provider<D> provider(
      BundleContext context, ServiceReference<D> service) {
    var bundle = service.getBundle();
    return new Provider<>(
        bundle.getSymbolicName(),
        bundle.getVersion().toString(),
        () -> {
          D driver = context.getService(service);
          if (driver == null) {
            throw new GantryException(
                GantryException.Kind.UNAVAILABLE, Activation.failure(context, service));
          }
          return driver;
        },
        () -> context.ungetService(service));
  }

  private static <D extends Driver> ServiceTrackerCustomizer<Object, Object> introduce(
      BundleContext context, LeasedDrivers<D> drivers) {
    return new ServiceTrackerCustomizer<>() {
      @Override
      public @Nullable Object addingService(ServiceReference<Object> service) {
        Object owner = context.getService(service);
        if (owner != null) {
          drivers.owned(typed(owner));
        }
        return owner;
      }

      @Override
      public void modifiedService(ServiceReference<Object> service, Object owner) {}

      @Override
      public void removedService(ServiceReference<Object> service, Object owner) {
        drivers.disowned(typed(owner));
        context.ungetService(service);
      }
    };
  }

  @SuppressWarnings("unchecked") // the filter has the kind
  private static <D extends Driver> TakeOver<D> typed(Object owner) {
    return (TakeOver<D>) owner;
  }

  private static Filter ownerFilter(Kind<?> kind) {
    try {
      return FrameworkUtil.createFilter(
          "(&(objectClass=%s)(%s=%s))"
              .formatted(TakeOver.class.getName(), Leased.KIND, kind.name()));
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}

package io.gantry.jmx;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.Drivers;
import io.gantry.api.Drivers.DriverView;
import io.gantry.api.Drivers.State;
import java.lang.System.Logger;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import javax.management.ObjectName;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** Offers the whiteboard one bean for every driver that is there. */
@Component(
    immediate = true,
    service = {})
public final class DriverBeans {

  private static final Logger log = System.getLogger(DriverBeans.class.getName());

  private final BundleContext context;
  private final Drivers drivers;
  private final AutoCloseable listening;
  private final ExecutorService thread = JmxThread.named("gantry-jmx-drivers");
  private final Map<String, ServiceRegistration<?>> beans = new HashMap<>(); // only on the thread

  @Activate
  public DriverBeans(BundleContext context, @Reference Drivers drivers) {
    this.context = context;
    this.drivers = drivers;
    this.listening = drivers.listen(this::changed);
    changed();
  }

  private void changed() {
    try {
      thread.execute(this::compareWhileThere);
    } catch (RejectedExecutionException e) {
      // The component goes, and its beans with it.
    }
  }

  private void compareWhileThere() {
    try {
      compare();
    } catch (IllegalStateException e) {
      if (!thread.isShutdown()) {
        throw e;
      } // the bundle has stopped meanwhile: nothing is to be shown any more
    }
  }

  private void compare() {
    Map<String, DriverView> there = new HashMap<>();
    drivers.list().stream()
        .filter(driver -> driver.state() != State.AWAY)
        .forEach(driver -> there.put(objectName(driver), driver));
    there.forEach((name, driver) -> beans.computeIfAbsent(name, n -> offer(n, driver)));
    Set<String> gone = new HashSet<>(beans.keySet());
    gone.removeAll(there.keySet());
    gone.forEach(this::withdraw);
  }

  private ServiceRegistration<?> offer(String objectName, DriverView driver) {
    return context.registerService(
        DriverMXBean.class,
        new DriverBean(drivers, driver.kind(), driver.name()),
        FrameworkUtil.asDictionary(Map.of(MBeanWhiteboard.NAME, objectName)));
  }

  private void withdraw(String objectName) {
    ServiceRegistration<?> bean = beans.remove(objectName);
    if (bean == null) {
      return;
    }
    try {
      bean.unregister();
    } catch (IllegalStateException e) {
      // The framework was first: it takes the services of a bundle that stops.
    }
  }

  private static String objectName(DriverView driver) {
    String name =
        driver.name().matches("[\\w.-]+") ? driver.name() : ObjectName.quote(driver.name());
    return "io.gantry:type=" + driver.kind() + ",name=" + name;
  }

  @Deactivate
  void close() {
    try {
      listening.close();
    } catch (Exception e) { // it may be any: we have done our part
      log.log(WARNING, "the registry did not let go", e);
    }
    thread.execute(() -> Set.copyOf(beans.keySet()).forEach(this::withdraw));
    thread.shutdown();
  }
}

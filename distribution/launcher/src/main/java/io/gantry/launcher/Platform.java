package io.gantry.launcher;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import java.lang.System.Logger;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.felix.framework.Felix;
import org.apache.felix.framework.util.FelixConstants;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.startlevel.BundleStartLevel;

/**
 * The OSGi framework and the bundles in it. Its store of bundles is thrown away at every start:
 * what has to survive is in the data root.
 */
final class Platform {

  private static final Logger log = System.getLogger(Platform.class.getName());

  private final Felix framework;
  private final AtomicReference<@Nullable String> inability = new AtomicReference<>();
  private volatile boolean started;

  /**
   * @param store where the framework keeps bundles that were updated in this life
   * @param packages of the libraries on the class path, for the system bundle to export
   */
  Platform(Path store, String packages, Features features, ClassPath classPath) {
    Map<String, Object> configuration = new HashMap<>();
    configuration.put(Constants.FRAMEWORK_STORAGE, store.toString());
    configuration.put(
        Constants.FRAMEWORK_STORAGE_CLEAN, Constants.FRAMEWORK_STORAGE_CLEAN_ONFIRSTINIT);
    configuration.put(Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA, packages);
    configuration.put(Constants.FRAMEWORK_BEGINNING_STARTLEVEL, highest(features));
    configuration.put(FelixConstants.LOG_LOGGER_PROP, new FrameworkLog());
    configuration.put(FelixConstants.LOG_LEVEL_PROP, "2");
    framework = new Felix(configuration, classPath);
  }

  private static String highest(Features features) {
    return features.bundles().stream()
        .map(Features.Deployed::startLevel)
        .max(Integer::compare)
        .map(String::valueOf)
        .orElse("1");
  }

  /** Makes the framework ready to take services and bundles; nothing runs yet. */
  void initialize() throws StartFailure {
    try {
      framework.init();
    } catch (BundleException e) {
      throw new StartFailure(
          StartFailure.SOFTWARE, "cannot initialize the OSGi framework: " + e.getMessage(), e);
    }
  }

  /**
   * Registers a service of the launcher's own, told from others of its type by a role.
   *
   * @param role value of the service property {@code gantry.role}
   */
  <S> void offer(Class<S> type, S service, String role) {
    Dictionary<String, Object> properties = new Hashtable<>();
    properties.put("gantry.role", role);
    framework.getBundleContext().registerService(type, service, properties);
  }

  /**
   * Starts the bundles, level by level; returns when all run. A bundle that does not resolve or
   * start leaves the engine without a part it needs.
   */
  void start(Features features) throws StartFailure {
    List<Bundle> bundles = new ArrayList<>();
    try {
      for (Features.Deployed deployed : features.bundles()) {
        Bundle bundle =
            framework.getBundleContext().installBundle(ClassPath.location(deployed.jar()));
        bundles.add(bundle);
        bundle.adapt(BundleStartLevel.class).setStartLevel(deployed.startLevel());
        bundle.start();
      }
      framework.start();
    } catch (BundleException e) {
      throw new StartFailure(
          StartFailure.SOFTWARE, "cannot start the bundles: " + e.getMessage(), e);
    }
    for (Bundle bundle : bundles) {
      demand(bundle);
    }
    started = true;
    String reason = inability.get();
    if (reason != null) {
      throw new StartFailure(StartFailure.IO_ERROR, reason);
    }
  }

  /**
   * A bundle cannot do what the operator asked for. During the start that ends the engine; later
   * (after a change of the configuration, say) the rest goes on.
   */
  void unable(String reason) {
    if (started || !inability.compareAndSet(null, reason)) {
      log.log(ERROR, "{0}", reason);
    }
  }

  /**
   * The framework tells of a failed start by an event, later; starting it again says why at once.
   */
  private void demand(Bundle bundle) throws StartFailure {
    if (bundle.getState() == Bundle.ACTIVE || framework.getState() != Bundle.ACTIVE) {
      return;
    }
    try {
      bundle.start();
    } catch (BundleException e) {
      throw new StartFailure(
          StartFailure.SOFTWARE,
          "bundle " + bundle.getSymbolicName() + " does not start: " + root(e),
          e);
    }
  }

  /** Components that do not run yet, with what they wait for. */
  List<String> waiting() {
    return Waiting.components(framework.getBundleContext());
  }

  /** Waits until the framework has stopped, by whatever way. */
  void await() throws InterruptedException {
    framework.waitForStop(0);
  }

  /** Stops the bundles from the highest start level (the edges) down, within the limit. */
  void stop(Duration limit) throws InterruptedException {
    try {
      framework.stop();
      if (framework.waitForStop(limit.toMillis()).getType() == FrameworkEvent.WAIT_TIMEDOUT) {
        log.log(WARNING, "bundles have not stopped within {0} s", limit.toSeconds());
      }
    } catch (BundleException e) {
      log.log(WARNING, "the framework does not stop: " + e.getMessage(), e);
    }
  }

  private static String root(Throwable thrown) {
    Throwable root = thrown;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root == thrown ? String.valueOf(root.getMessage()) : root.toString();
  }
}

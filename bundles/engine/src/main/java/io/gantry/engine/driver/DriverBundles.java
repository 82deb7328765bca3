package io.gantry.engine.driver;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.trust.Trusted;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.lang.System.Logger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Version;

/**
 * Driver bundles in the framework. Its cache is disposable: what runs is decided at every start, so
 * nothing here is persistently started.
 */
final class DriverBundles {

  /**
   * Where a bundle's content comes from.
   *
   * @param jar a file of ours; null: the distribution's, at {@code location}
   */
  record Source(String symbolicName, Version version, String location, @Nullable Path jar) {
    @Override
    public String toString() {
      return symbolicName + " " + version;
    }
  }

  private static final Logger log = System.getLogger(DriverBundles.class.getName());

  /**
   * Felix SCR waits 5 s each time for a lock that a hanging constructor holds, before it goes on.
   */
  private static final Duration LOCKS = Duration.ofSeconds(15);

  private static final String LOCATION = "gantry-driver:";

  private final BundleContext context;
  private final ExecutorService threads;
  private final Supplier<Limits> limits;
  private final Duration locks;

  /**
   * @param threads for steps that may hang in a bundle's code
   */
  DriverBundles(BundleContext context, ExecutorService threads, Supplier<Limits> limits) {
    this(context, threads, limits, LOCKS);
  }

  DriverBundles(
      BundleContext context, ExecutorService threads, Supplier<Limits> limits, Duration locks) {
    this.context = context;
    this.threads = threads;
    this.limits = limits;
    this.locks = locks;
  }

  Optional<Bundle> find(String symbolicName) {
    return Arrays.stream(context.getBundles())
        .filter(bundle -> symbolicName.equals(bundle.getSymbolicName()))
        .findFirst();
  }

  static Source jar(String symbolicName, Version version, Path jar) {
    return new Source(symbolicName, version, LOCATION + symbolicName, jar);
  }

  /**
   * Installs a bundle of the distribution, without starting it, to learn what it is. What an
   * earlier life of the engine left there may be an update by now, so it is taken out first.
   */
  Source shipped(String location) {
    try {
      Bundle left = context.getBundle(location);
      if (left != null) {
        left.uninstall();
      }
      Bundle bundle = context.installBundle(location);
      return new Source(bundle.getSymbolicName(), bundle.getVersion(), location, null);
    } catch (BundleException e) {
      throw new GantryException(INVALID, location + " cannot be installed: " + e.getMessage(), e);
    }
  }

  /**
   * Makes a bundle run from a source, whatever ran before. The drivers of the old content are
   * drained on the way; a stop of it that hangs is interrupted, and one that fails is a stop, too.
   *
   * @throws GantryException INVALID when it does not resolve or start, UNAVAILABLE when it hangs
   */
  void run(Source source) {
    find(source.symbolicName())
        .filter(bundle -> source.jar() != null || !isShipped(bundle, source))
        .ifPresent(this::stop);
    Duration limit = limits.get().drain().plus(limits.get().recover()).plus(locks);
    try {
      within(
          limit,
          () -> {
            start(source);
            return null;
          });
    } catch (TimeoutException e) {
      throw new GantryException(
          UNAVAILABLE, "it did not stop and start within " + limit.toSeconds() + " s", e);
    } catch (ExecutionException e) {
      throw new GantryException(INVALID, reason(e.getCause()), e.getCause());
    }
  }

  private void stop(Bundle bundle) {
    Duration limit = limits.get().drain().plus(locks);
    try {
      within(
          limit,
          () -> {
            bundle.stop(Bundle.STOP_TRANSIENT);
            return null;
          });
    } catch (TimeoutException e) {
      log.log(
          WARNING,
          "driver bundle {0} {1} did not stop within {2} s: interrupted",
          bundle.getSymbolicName(),
          bundle.getVersion(),
          limit.toSeconds());
    } catch (ExecutionException e) {
      log.log(
          WARNING,
          "driver bundle {0} {1} failed in its stop: {2}",
          bundle.getSymbolicName(),
          bundle.getVersion(),
          String.valueOf(e.getCause()));
    }
  }

  /** On a thread that is interrupted, and left behind, when it takes longer. */
  private void within(Duration limit, Callable<Void> work)
      throws TimeoutException, ExecutionException {
    var step = threads.submit(work);
    try {
      step.get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      step.cancel(true);
      throw e;
    } catch (InterruptedException e) {
      step.cancel(true);
      Thread.currentThread().interrupt();
      throw new GantryException(GantryException.Kind.CANCELLED, "the engine stops", e);
    }
  }

  private void start(Source source) throws BundleException, IOException {
    Bundle bundle = find(source.symbolicName()).orElse(null);
    Path jar = source.jar();
    if (jar != null) {
      Trusted.checkWithWay(jar);
    }
    if (jar != null && bundle != null) {
      bundle.stop(Bundle.STOP_TRANSIENT);
      try (var content = Files.newInputStream(jar)) {
        bundle.update(content);
      }
    } else if (jar != null) {
      try (var content = Files.newInputStream(jar)) {
        bundle = context.installBundle(source.location(), content);
      }
    } else if (bundle == null || !isShipped(bundle, source)) {
      if (bundle != null) {
        bundle.uninstall(); // an updated bundle does not go back to what its location had
      }
      bundle = context.installBundle(source.location());
    }
    bundle.start(Bundle.START_TRANSIENT);
  }

  private static boolean isShipped(Bundle bundle, Source source) {
    return bundle.getLocation().equals(source.location())
        && bundle.getVersion().equals(source.version());
  }

  /** Takes a bundle out; does nothing when there is none. */
  void remove(String symbolicName) {
    find(symbolicName)
        .ifPresent(
            bundle -> {
              try {
                bundle.uninstall();
              } catch (BundleException e) {
                throw new GantryException(
                    UNAVAILABLE, bundle + " cannot be uninstalled: " + e.getMessage(), e);
              }
            });
  }

  private static String reason(@Nullable Throwable thrown) {
    if (thrown instanceof BundleException failure
        && failure.getType() == BundleException.RESOLVE_ERROR) {
      return "it does not resolve: " + failure.getMessage();
    }
    if (thrown instanceof GantryException known) {
      return known.getMessage();
    }
    Throwable cause = thrown;
    while (cause instanceof BundleException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return "it does not start: " + cause;
  }
}

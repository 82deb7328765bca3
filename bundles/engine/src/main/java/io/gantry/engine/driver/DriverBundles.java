package io.gantry.engine.driver;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.spi.GantryException;
import io.gantry.spi.Trusted;
import java.io.IOException;
import java.lang.System.Logger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
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

  /** From its interrupt to where a stop counts as one that does not end. */
  private static final Duration GRACE = Duration.ofSeconds(2);

  private static final String LOCATION = "gantry-driver:";

  /** Is told of bundles that hang in their stop, and when they have stopped after all. */
  interface LeftBehind {
    void changed(String symbolicName, String version, boolean hangs);
  }

  private final BundleContext context;
  private final ExecutorService threads;
  private final Supplier<Limits> limits;
  private final LeftBehind teller;
  private final Duration locks;

  /** Bundles that hang in their stop: the framework holds them, and nobody waits for them. */
  private final Set<Bundle> leftBehind = ConcurrentHashMap.newKeySet();

  private int installed;

  /**
   * @param threads for steps that may hang in a bundle's code
   */
  DriverBundles(
      BundleContext context, ExecutorService threads, Supplier<Limits> limits, LeftBehind teller) {
    this(context, threads, limits, teller, LOCKS);
  }

  DriverBundles(
      BundleContext context,
      ExecutorService threads,
      Supplier<Limits> limits,
      LeftBehind teller,
      Duration locks) {
    this.context = context;
    this.threads = threads;
    this.limits = limits;
    this.teller = teller;
    this.locks = locks;
  }

  Optional<Bundle> find(String symbolicName) {
    return Arrays.stream(context.getBundles())
        .filter(bundle -> symbolicName.equals(bundle.getSymbolicName()))
        .filter(bundle -> !leftBehind.contains(bundle))
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
   * One that does not hear the interrupt either is left behind, and the new content becomes a
   * bundle beside it.
   *
   * @throws GantryException INVALID when it does not resolve or start, UNAVAILABLE when it hangs
   */
  void run(Source source) {
    find(source.symbolicName())
        .filter(bundle -> source.jar() != null || !isShipped(bundle, source))
        .ifPresent(this::stop);
    refuseWhatHangs(source);
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

  /** There is one bundle of a name and a version, and one at a location of the distribution's. */
  private void refuseWhatHangs(Source source) {
    for (Bundle bundle : leftBehind) {
      boolean isIt =
          source.symbolicName().equals(bundle.getSymbolicName())
              && source.version().equals(bundle.getVersion());
      if (isIt || (source.jar() == null && source.location().equals(bundle.getLocation()))) {
        throw new GantryException(
            UNAVAILABLE,
            "%s still hangs in its stop: restart the engine to run %s again"
                .formatted(bundle.getSymbolicName() + " " + bundle.getVersion(), source));
      }
    }
  }

  private void stop(Bundle bundle) {
    Duration limit = limits.get().drain().plus(locks);
    var ended = new CountDownLatch(1);
    try {
      within(
          limit,
          () -> {
            try {
              bundle.stop(Bundle.STOP_TRANSIENT);
            } finally {
              ended.countDown();
              returned(bundle);
            }
            return null;
          });
    } catch (TimeoutException e) {
      log.log(
          WARNING,
          "driver bundle {0} {1} did not stop within {2} s: interrupted",
          bundle.getSymbolicName(),
          bundle.getVersion(),
          limit.toSeconds());
      leaveBehindUnless(ended, bundle);
    } catch (ExecutionException e) {
      log.log(
          WARNING,
          "driver bundle {0} {1} failed in its stop: {2}",
          bundle.getSymbolicName(),
          bundle.getVersion(),
          String.valueOf(e.getCause()));
    }
  }

  private void leaveBehindUnless(CountDownLatch ended, Bundle bundle) {
    try {
      if (ended.await(GRACE.toMillis(), TimeUnit.MILLISECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(GantryException.Kind.CANCELLED, "the engine stops", e);
    }
    leftBehind.add(bundle);
    log.log(
        ERROR,
        "driver bundle {0} {1} hangs in its stop and is left behind: restart the engine some time",
        bundle.getSymbolicName(),
        bundle.getVersion());
    teller.changed(bundle.getSymbolicName(), bundle.getVersion().toString(), true);
    if (ended.getCount() == 0) {
      returned(bundle);
    }
  }

  /** One that was left behind has stopped after all: somebody else has its place. */
  private void returned(Bundle bundle) {
    if (leftBehind.remove(bundle)) {
      teller.changed(bundle.getSymbolicName(), bundle.getVersion().toString(), false);
      try {
        bundle.uninstall();
      } catch (BundleException | IllegalStateException e) { // the next engine does not know it
        log.log(WARNING, "driver bundle {0} is not taken out: {1}", bundle, e.getMessage());
      }
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
    Path kept = source.jar();
    Path jar = kept == null ? null : Trusted.checkWithWay(kept);
    if (jar != null && bundle != null) {
      bundle.stop(Bundle.STOP_TRANSIENT);
      try (var content = Files.newInputStream(jar)) {
        bundle.update(content);
      }
    } else if (jar != null) {
      try (var content = Files.newInputStream(jar)) {
        bundle = context.installBundle(free(source.location()), content);
      }
    } else if (bundle == null || !isShipped(bundle, source)) {
      if (bundle != null) {
        bundle.uninstall(); // an updated bundle does not go back to what its location had
      }
      bundle = context.installBundle(source.location());
    }
    bundle.start(Bundle.START_TRANSIENT);
  }

  /** The location of one that was left behind is taken. */
  private String free(String location) {
    return context.getBundle(location) == null ? location : location + "#" + ++installed;
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

package io.gantry.engine.driver;

import static io.gantry.engine.driver.DriverList.SHIPPED;
import static io.gantry.spi.GantryException.Kind.CANCELLED;
import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.INTERNAL;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.Drivers.State;
import io.gantry.engine.driver.DriverBundles.Source;
import io.gantry.engine.driver.DriverList.Entry;
import io.gantry.engine.driver.LeasedDrivers.Offer;
import io.gantry.spi.GantryException;
import java.lang.System.Logger;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Version;

/**
 * Brings driver bundles in, replaces them and puts the old ones back. One operation after the
 * other: the caller sees to that. An operation ends when every driver of the bundle has taken over,
 * or with the former bundle back in place.
 */
final class Swaps {

  private static final Logger log = System.getLogger(Swaps.class.getName());

  private final Map<String, LeasedDrivers<?>> kinds;
  private final DriverBundles bundles;
  private final DriverJars jars;
  private final DriverRecord record;
  private final Signal settled;
  private final Supplier<Limits> limits;
  private final Map<String, Source> shipped = new ConcurrentHashMap<>();

  /**
   * @param kinds by name
   * @param settled raised whenever a driver came, was decided on, or went
   */
  Swaps(
      Map<String, LeasedDrivers<?>> kinds,
      DriverBundles bundles,
      DriverJars jars,
      DriverRecord record,
      Signal settled,
      Supplier<Limits> limits) {
    this.kinds = kinds;
    this.bundles = bundles;
    this.jars = jars;
    this.record = record;
    this.settled = settled;
    this.limits = limits;
  }

  /** Starts what the list names and what the distribution ships, and waits for its decisions. */
  void boot(List<String> locations) {
    Set<String> names = new LinkedHashSet<>();
    for (String location : locations) {
      try {
        Source source = bundles.shipped(location);
        shipped.put(source.symbolicName(), source);
        names.add(source.symbolicName());
      } catch (GantryException e) {
        log.log(ERROR, "a driver of this distribution is left out: {0}", e.getMessage());
      }
    }
    names.addAll(record.get().bundles().keySet());
    names.stream().map(this::sourceAtStart).filter(Objects::nonNull).forEach(this::start);
    names.forEach(this::settleAtStart);
  }

  /** What cannot be found out of one bundle keeps no other from starting. */
  private @Nullable Source sourceAtStart(String bundle) {
    Source own = shipped.get(bundle);
    try {
      return chosenAtStart(bundle, own);
    } catch (GantryException | IllegalArgumentException e) {
      log.log(ERROR, "driver bundle {0}: {1}; trying the shipped one", bundle, e.getMessage());
      return own;
    }
  }

  /** A jar of ours that was chosen, unless the distribution has brought a newer one since. */
  private @Nullable Source chosenAtStart(String bundle, @Nullable Source own) {
    Entry entry = record.get().bundle(bundle).orElse(null);
    if (entry == null || entry.version().equals(SHIPPED)) {
      return own;
    }
    Version chosen = Version.parseVersion(entry.version());
    if (own != null
        && !own.version().toString().equals(entry.shipped())
        && own.version().compareTo(chosen) > 0) {
      log.log(INFO, "driver bundle {0} replaces the older {1}", own, chosen);
      return own;
    }
    Source jar = DriverBundles.jar(bundle, chosen, jars.path(bundle, entry.version()));
    return jars.versions(bundle).contains(chosen) ? jar : own;
  }

  private void settleAtStart(String bundle) {
    Source running = running(bundle);
    if (running == null) {
      return;
    }
    String failure = failure(running, List.of(), any -> true);
    Source own = shipped.get(bundle);
    boolean isDecided = offers(running).stream().allMatch(Offer::isDecided);
    if (failure != null && own != null && running.jar() != null && isDecided) {
      log.log(ERROR, "driver bundle {0}: {1}; trying the shipped {2}", running, failure, own);
      start(own);
      failure = failure(own, List.of(), any -> true);
      running = own;
    }
    if (failure != null) { // a host that lacks what a driver is for is no mistake
      boolean isUnfit = failure.contains(LeasedDrivers.UNFIT);
      log.log(isUnfit ? INFO : ERROR, "driver bundle {0}: {1}", running, failure);
    }
    try {
      remember(running);
    } catch (
        GantryException e) { // a full disk: it runs all the same, and is written down next time
      log.log(WARNING, "driver bundle {0} is not written down: {1}", running, e.getMessage());
    }
  }

  private void start(Source source) {
    try {
      bundles.run(source);
    } catch (GantryException e) {
      log.log(ERROR, "driver bundle {0}: {1}", source, unlessStopping(e).getMessage());
    }
  }

  /** What the framework has of a bundle, or null. */
  private @Nullable Source running(String symbolicName) {
    return bundles.find(symbolicName).map(b -> source(symbolicName, b.getVersion())).orElse(null);
  }

  private Source source(String bundle, Version version) {
    Source own = shipped.get(bundle);
    return own != null && own.version().equals(version)
        ? own
        : DriverBundles.jar(bundle, version, jars.path(bundle, version.toString()));
  }

  /** Versions that can be run, oldest first. */
  List<String> versions(String bundle) {
    var all = new TreeSet<>(jars.versions(bundle));
    Source own = shipped.get(bundle);
    if (own != null) {
      all.add(own.version());
    }
    return all.stream().map(Version::toString).toList();
  }

  /** Replaces the bundle that brings a driver. */
  void update(DriverName driver, Path path) {
    DriverJar jar = jars.look(path);
    String bundle = bundleOf(driver);
    if (!jar.symbolicName().equals(bundle)) {
      throw new GantryException(
          INVALID,
          "%s comes from bundle %s, and %s is bundle %s; to add a bundle, install it"
              .formatted(title(driver), bundle, path, jar.symbolicName()));
    }
    install(jar);
  }

  /** Takes a bundle in, or replaces the one with its symbolic name. */
  List<DriverName> install(Path path) {
    return install(jars.look(path));
  }

  private List<DriverName> install(DriverJar jar) {
    Source before = running(jar.symbolicName());
    if (before != null && before.version().equals(jar.version())) {
      throw new GantryException(CONFLICT, jar + " runs already; give the new jar another version");
    }
    boolean isNew = jars.keep(jar);
    String version = jar.version().toString();
    Source next =
        DriverBundles.jar(
            jar.symbolicName(), jar.version(), jars.path(jar.symbolicName(), version));
    try {
      return replace(before, next);
    } catch (GantryException e) {
      if (isNew) {
        jars.discard(jar);
      }
      throw e;
    }
  }

  /** Goes back to what ran before. */
  void rollback(DriverName driver) {
    String bundle = bundleOf(driver);
    Entry entry = record.get().bundle(bundle).orElseThrow();
    Source before = running(bundle);
    Source own = shipped.get(bundle);
    var candidates = new ArrayList<>(entry.before());
    Collections.reverse(candidates);
    for (String version : candidates) {
      Source next = version.equals(SHIPPED) ? own : source(bundle, Version.parseVersion(version));
      if (next != null
          && (before == null || !next.version().equals(before.version()))
          && (next.jar() == null || jars.versions(bundle).contains(next.version()))) {
        replace(before, next);
        return;
      }
    }
    throw new GantryException(
        CONFLICT, "there is no version of " + bundle + " to go back to; install one");
  }

  private String bundleOf(DriverName driver) {
    String current = kind(driver).slot(driver.name()).snapshot().bundle();
    if (!current.isEmpty()) {
      return current;
    }
    return record.get().bundles().entrySet().stream()
        .filter(entry -> entry.getValue().drivers().contains(driver))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow(
            () -> new GantryException(NOT_FOUND, "no bundle is known to bring " + title(driver)));
  }

  private List<DriverName> replace(@Nullable Source before, Source next) {
    List<DriverName> expected =
        record.get().bundle(next.symbolicName()).map(Entry::drivers).orElse(List.of());
    Set<DriverName> lacking = expected.stream().filter(this::isUnfit).collect(Collectors.toSet());
    operated(expected, true);
    try {
      String failure = attempt(next, expected, lacking::contains);
      if (failure != null) {
        throw takenBack(before, next, expected, lacking::contains, failure);
      }
      remember(next);
      discardOthers(next.symbolicName());
      log.log(INFO, "driver bundle {0} is in place of {1}", next, before == null ? "none" : before);
      return offers(next).stream().map(Offer::driver).toList();
    } finally {
      operated(expected, false);
    }
  }

  private boolean isUnfit(DriverName driver) {
    var now = kind(driver).slot(driver.name()).snapshot();
    return now.state() == State.UNAVAILABLE && now.reason().contains(LeasedDrivers.UNFIT);
  }

  private GantryException takenBack(
      @Nullable Source before,
      Source next,
      List<DriverName> expected,
      Predicate<DriverName> mayLack,
      String failure) {
    String rejected = "driver bundle " + next + " was not taken: " + failure;
    if (before == null) {
      bundles.remove(next.symbolicName());
      return new GantryException(
          INVALID, rejected + "; nothing was changed. Mend the bundle and install it again");
    }
    String second = attempt(before, expected, mayLack);
    return second == null
        ? new GantryException(
            INVALID,
            rejected
                + "; %s is back and serves. Mend the bundle, give it a new version and try again"
                    .formatted(before.version()))
        : new GantryException(
            INTERNAL,
            "%s; and %s does not come back: %s. Install a version that works"
                .formatted(rejected, before.version(), second));
  }

  /** Runs a source; tells why it does not serve, or null when it does. */
  private @Nullable String attempt(
      Source source, List<DriverName> expected, Predicate<DriverName> mayLack) {
    try {
      bundles.run(source);
    } catch (GantryException e) {
      return unlessStopping(e).getMessage();
    }
    return failure(source, expected, mayLack);
  }

  /** The stop of the engine is no driver's failure: it ends the whole operation. */
  private static GantryException unlessStopping(GantryException e) {
    if (e.kind() == CANCELLED) {
      throw e;
    }
    return e;
  }

  /**
   * Waits until all drivers of a bundle are decided on; tells what is wrong with one, or null.
   *
   * @param mayLack those that the host may have nothing for, as long as another one serves
   */
  private @Nullable String failure(
      Source source, List<DriverName> expected, Predicate<DriverName> mayLack) {
    Duration limit = limits.get().recover().plusSeconds(1);
    try {
      settled.await(() -> isDecided(source, expected), limit);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "the engine stops", e);
    }
    List<Offer> offers = offers(source);
    Set<DriverName> missing = new LinkedHashSet<>(expected);
    offers.forEach(offer -> missing.remove(offer.driver()));
    if (offers.isEmpty() || !missing.isEmpty()) {
      return "it does not register "
          + (missing.isEmpty() ? "any driver" : title(missing.iterator().next()))
          + ": a component of it lacks something, or the service has no property gantry.driver";
    }
    if (!offers.stream().allMatch(Offer::isDecided)) {
      return "it did not take over within " + limit.toSeconds() + " s";
    }
    boolean anyServes = offers.stream().anyMatch(offer -> offer.failure().isEmpty());
    return offers.stream()
        .filter(offer -> !offer.failure().isEmpty())
        .filter(
            offer ->
                !anyServes
                    || !mayLack.test(offer.driver())
                    || !offer.failure().contains(LeasedDrivers.UNFIT))
        .map(offer -> title(offer.driver()) + ": " + offer.failure())
        .findFirst()
        .orElse(null);
  }

  private boolean isDecided(Source source, List<DriverName> expected) {
    List<Offer> offers = offers(source);
    return !offers.isEmpty()
        && offers.stream().allMatch(Offer::isDecided)
        && offers.stream().map(Offer::driver).toList().containsAll(expected);
  }

  private List<Offer> offers(Source source) {
    return kinds.values().stream()
        .flatMap(kind -> kind.offers(source.symbolicName(), source.version().toString()).stream())
        .toList();
  }

  private void operated(List<DriverName> drivers, boolean underWay) {
    drivers.forEach(driver -> kind(driver).know(driver.name()).operated(underWay));
  }

  private void remember(Source running) {
    record.change(
        list -> {
          String bundle = running.symbolicName();
          String version = running.jar() == null ? SHIPPED : running.version().toString();
          Source own = shipped.get(bundle);
          Entry old = list.bundle(bundle).orElse(new Entry(version, List.of(), "", List.of()));
          Set<DriverName> drivers = new LinkedHashSet<>(old.drivers());
          offers(running).forEach(offer -> drivers.add(offer.driver()));
          Entry next = old.version().equals(version) ? old : old.run(version);
          return list.with(
              bundle,
              new Entry(
                  version,
                  next.before(),
                  own == null ? "" : own.version().toString(),
                  List.copyOf(drivers)));
        });
  }

  /** Only what runs and what a roll-back would run keep their jars. */
  private void discardOthers(String bundle) {
    Entry entry = record.get().bundle(bundle).orElseThrow();
    Set<Version> kept =
        Stream.concat(Stream.of(entry.version()), entry.before().stream())
            .filter(version -> !version.equals(SHIPPED))
            .map(Version::parseVersion)
            .collect(Collectors.toSet());
    try {
      jars.retain(bundle, kept);
    } catch (GantryException e) { // the next swap tries again
      log.log(WARNING, "an old version of driver bundle {0} stays: {1}", bundle, e.getMessage());
    }
  }

  private String title(DriverName driver) {
    return kind(driver).kind().words() + " " + driver.name();
  }

  private LeasedDrivers<?> kind(DriverName driver) {
    LeasedDrivers<?> kind = kinds.get(driver.kind());
    if (kind == null) {
      throw new GantryException(INVALID, "no such kind of driver: " + driver.kind());
    }
    return kind;
  }
}

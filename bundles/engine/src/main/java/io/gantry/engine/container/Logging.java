package io.gantry.engine.container;

import static java.lang.System.Logger.Level.WARNING;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.gantry.api.HostSpec;
import io.gantry.engine.log.Shipping;
import io.gantry.engine.spec.LogOptions;
import io.gantry.monitor.Spool;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.log.LogAttributes;
import io.gantry.spi.log.LogTag;
import io.gantry.spi.log.LogTarget;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Logs of containers: how each is kept, what its monitor is told, and what is done with it besides.
 * A container whose log is neither compressed nor shipped costs nothing here while it runs.
 */
final class Logging {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  /** A removal waits so long for the rest of a log to be shipped. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final Workshop shop;
  private final Shipping shipping;
  private final Compressing compressing;

  Logging(Workshop shop) {
    this.shop = shop;
    this.shipping = new Shipping(shop.shippers(), shop.timer(), shop.workers(), shop.damages());
    this.compressing = new Compressing(shop);
  }

  Shipping shipping() {
    return shipping;
  }

  /** The driver of a container that asks for none. */
  String defaultDriver() {
    return shop.logs().driver();
  }

  /**
   * Before a container is made.
   *
   * @throws GantryException INVALID for a driver that there is not, or an option that it has not
   */
  void check(HostSpec.Log asked) {
    String driver = asked.driver().isEmpty() ? defaultDriver() : asked.driver();
    var left = LogOptions.check(driver, asked.options());
    if (!LogOptions.isShipped(driver)) {
      return;
    }
    try {
      shop.shippers()
          .call(
              driver,
              shipper -> {
                shipper.check(left);
                return true;
              });
    } catch (GantryException e) {
      if (e.kind() == Kind.UNAVAILABLE) {
        return; // its start says why
      }
      if (e.kind() == Kind.NOT_FOUND) {
        throw new GantryException(
            Kind.INVALID,
            "error looking up logging plugin %s: plugin \"%s\" not found".formatted(driver, driver),
            e);
      }
      throw e;
    }
  }

  /** What a monitor is told when it is made; null: to keep nothing. */
  @Nullable Spool spool(ContainerRecord record) {
    try {
      return spool(record, shop.logs().of(record.spec().host()));
    } catch (GantryException e) {
      throw new GantryException(
          e.kind(),
          "failed to create task for container: failed to initialize logging driver: "
              + e.getMessage(),
          e);
    }
  }

  private @Nullable Spool spool(ContainerRecord record, LogOptions options) {
    if (!options.kept()) {
      return null;
    }
    String driver = record.spec().host().log().driver();
    if (LogOptions.isShipped(driver)) { // said now, not when the first line comes
      shipping.check(target(record), driver, ofDriver(options));
    }
    return new Spool(
        shop.place().log(record.id()).toString(),
        options.maxBytes(),
        options.maxFiles(),
        options.bufferBytes() > 0 ? options.bufferBytes() : -1,
        attributes(record, options),
        shop.logs().input());
  }

  /** What {@code --details} shows, as JSON; empty for none. */
  private static String attributes(ContainerRecord record, LogOptions options) {
    if (options.options().isEmpty()
        || !record.spec().host().log().driver().equals(LogOptions.JSON_FILE)) {
      return "";
    }
    var attributes = new TreeMap<>(LogAttributes.of(target(record), options.options()));
    String tag = LogTag.expand(options.options().getOrDefault("tag", ""), target(record));
    if (!tag.isEmpty()) {
      attributes.put("tag", tag);
    }
    return attributes.isEmpty() ? "" : json(attributes);
  }

  /** As Go writes a map, which is what dockerd's log holds. */
  private static String json(Map<String, String> texts) {
    var json = new StringBuilder();
    texts.forEach(
        (name, value) ->
            json.append(json.isEmpty() ? "{" : ",")
                .append(quoted(name))
                .append(':')
                .append(quoted(value)));
    return json.append('}').toString();
  }

  private static String quoted(String text) {
    var out = new StringBuilder("\"");
    JsonStringEncoder.getInstance().quoteAsString(text, out);
    return out.append('"')
        .toString()
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029");
  }

  private static LogTarget target(ContainerRecord record) {
    var env = new HashMap<String, String>();
    for (String variable : record.spec().process().env()) {
      int equals = variable.indexOf('=');
      if (equals > 0) {
        env.put(variable.substring(0, equals), variable.substring(equals + 1));
      }
    }
    return new LogTarget(
        record.id(),
        record.name(),
        record.imageId(),
        record.spec().image(),
        record.spec().labels(),
        env);
  }

  boolean isReadable(Container container) {
    String driver = container.record().spec().host().log().driver();
    if (driver.equals("none")) {
      return false;
    }
    return !LogOptions.isShipped(driver)
        || shop.logs().of(container.record().spec().host()).readable();
  }

  /** One that runs: was started, or found again. */
  void begun(Container container) {
    try {
      var options = shop.logs().of(container.record().spec().host());
      if (options.kept()) {
        compressing.watch(container, options.compress());
        ship(container, options);
      }
    } catch (GantryException e) { // the configuration has changed since
      log.log(WARNING, "the log of container " + container.id + ": " + e.getMessage());
    }
  }

  /**
   * One that does not run, and whose log may not have been shipped to its end. What a start that
   * failed or was cut short has printed is in it, too.
   */
  void notRunning(Container container) {
    if (LogOptions.isShipped(container.record().spec().host().log().driver())
        && (container.run().started() != null || Files.exists(shop.place().log(container.id)))) {
      begun(container);
    }
  }

  private void ship(Container container, LogOptions options) {
    String driver = container.record().spec().host().log().driver();
    if (LogOptions.isShipped(driver)) {
      shipping.begin(
          target(container.record()),
          driver,
          ofDriver(options),
          shop.place().log(container.id),
          () -> container.run().running() && !container.isRemoved());
    }
  }

  private static Map<String, String> ofDriver(LogOptions options) {
    return LogOptions.check("", options.options());
  }

  /** Before the files of a container go. */
  void leave(Container container) {
    compressing.leave(container);
    if (!shipping.finish(container.id, PATIENCE)) {
      log.log(WARNING, "container {0} goes with lines that were not shipped", container.id);
    }
  }

  /** The configuration has changed: monitors learn how they rotate from now on. */
  void configured(Collection<Container> all) {
    for (var container : all) {
      var running = container.running();
      if (running != null) {
        try {
          tell(container, running);
        } catch (GantryException e) { // as it was, until its next start
          log.log(WARNING, "the log of container " + container.id + ": " + e.getMessage());
        }
      }
    }
  }

  private void tell(Container container, Running running) {
    var options = shop.logs().of(container.record().spec().host());
    if (options.kept()) {
      running
          .monitor()
          .output(
              new Spool(
                  shop.place().log(container.id).toString(),
                  options.maxBytes(),
                  options.maxFiles(),
                  -1));
      compressing.watch(container, options.compress());
    }
  }
}

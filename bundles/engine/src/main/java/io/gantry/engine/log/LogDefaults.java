package io.gantry.engine.log;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static java.lang.System.Logger.Level.ERROR;

import io.gantry.api.HostSpec;
import io.gantry.engine.config.EngineConfig;
import io.gantry.engine.spec.LogOptions;
import io.gantry.spi.GantryException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/**
 * The configured log driver and its options, for containers that say nothing of theirs. They never
 * become a container's own: a change holds for those there are.
 */
@Component(immediate = true, service = LogDefaults.class, configurationPid = EngineConfig.PID)
public final class LogDefaults {
  private static final System.Logger log = System.getLogger(LogDefaults.class.getName());

  /**
   * @param rotation of a json-file log that says nothing of it
   * @param plain how a log is kept whose container says nothing of it
   * @param input what containers are given is logged, too
   */
  private record Values(
      String driver,
      Map<String, String> options,
      Map<String, String> rotation,
      LogOptions plain,
      boolean input) {

    static Values of(
        String driver, Map<String, String> options, Map<String, String> rotation, boolean input) {
      LogOptions.check(driver, options);
      var plain = LogOptions.of(SILENT, driver, options, rotation);
      return new Values(driver, options, rotation, plain, input);
    }

    LogOptions of(HostSpec.Log asked) {
      boolean says = !asked.options().isEmpty() || !asked.driver().equals(driver);
      return says ? LogOptions.of(asked, driver, options, rotation) : plain;
    }
  }

  private static final HostSpec.Log SILENT = new HostSpec.Log("", Map.of());

  private volatile Values now;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

  /**
   * @param unable hears what keeps the engine from starting; without it logs are kept as if nothing
   *     were configured
   */
  @Activate
  public LogDefaults(
      EngineConfig config,
      @Reference(
              target = "(gantry.role=unable)",
              cardinality = ReferenceCardinality.OPTIONAL,
              policyOption = ReferencePolicyOption.RELUCTANT)
          @Nullable Consumer<String> unable) {
    now =
        Values.of(
            LogOptions.JSON_FILE, Map.of(), Map.of("max-size", "100m", "max-file", "5"), false);
    try {
      now = values(config);
    } catch (GantryException e) {
      String reason = "failed to set log opts: " + e.getMessage();
      if (unable == null) {
        log.log(ERROR, "{0}", reason);
      } else {
        unable.accept(reason);
      }
    }
  }

  public LogDefaults(String driver, Map<String, String> options, boolean input) {
    now = Values.of(driver, Map.copyOf(options), Map.of(), input);
  }

  @Modified
  void modified(EngineConfig config) {
    try {
      now = values(config);
    } catch (GantryException e) {
      log.log(ERROR, "how logs are kept stays as it was: {0}", e.getMessage());
      return;
    }
    listeners.forEach(Runnable::run);
  }

  private static Values values(EngineConfig config) {
    var rotation =
        config.logMaxSize().isEmpty()
            ? Map.<String, String>of()
            : Map.of(
                "max-size",
                config.logMaxSize(),
                "max-file",
                Integer.toString(config.logMaxFiles()));
    return Values.of(config.logDriver(), options(config.logOptions()), rotation, config.logStdin());
  }

  private static Map<String, String> options(String... texts) {
    var options = new LinkedHashMap<String, String>();
    for (String text : texts) {
      int equals = text.indexOf('=');
      if (equals <= 0) {
        throw new GantryException(INVALID, "an option of a log is written NAME=VALUE, not " + text);
      }
      options.put(text.substring(0, equals), text.substring(equals + 1));
    }
    return Map.copyOf(options);
  }

  public String driver() {
    return now.driver();
  }

  public boolean input() {
    return now.input();
  }

  /**
   * How a container's log is kept.
   *
   * @throws GantryException INVALID for a value that is none
   */
  public LogOptions of(HostSpec host) {
    return now.of(host.log());
  }

  /** Told after a change; must not block. */
  public void listen(Runnable listener) {
    listeners.add(listener);
  }
}

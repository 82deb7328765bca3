package io.gantry.auth.helpers;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Support;
import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.RegistryAuthProvider;
import java.lang.System.Logger;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.metatype.annotations.Designate;

/**
 * Asks a program for the credentials of a registry, when the client has brought none. A program
 * that fails has none: its registry is asked as nobody, and no other is.
 */
@Component(
    name = HelpersConfig.PID,
    configurationPid = HelpersConfig.PID,
    property = Driver.NAME + "=helpers")
@Designate(ocd = HelpersConfig.class)
public final class HelpersAuth implements RegistryAuthProvider {

  private static final Logger log = System.getLogger(HelpersAuth.class.getName());
  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9.:_\\[\\]-]{1,255}");
  private static final Pattern AROUND_HOST = Pattern.compile("^https?://|/.*$");
  private static final String HUB = "docker.io";

  /** What logins to Docker's registry are kept under. */
  private static final String HUB_KEY = "https://index.docker.io/v1/";

  private final Map<String, String> programs;
  private final String store;
  private final List<Path> directories;
  private final Duration limit;
  private final LongAdder asked = new LongAdder();
  private final LongAdder failed = new LongAdder();

  @Activate
  public HelpersAuth(HelpersConfig config) {
    this(
        List.of(config.credHelpers()),
        config.credsStore(),
        Arrays.stream(config.directories()).map(Path::of).toList(),
        Duration.ofSeconds(config.timeoutSeconds()));
  }

  HelpersAuth(List<String> credHelpers, String store, List<Path> directories, Duration limit) {
    this.programs = programs(credHelpers);
    this.store = store;
    this.directories = List.copyOf(directories);
    this.limit = limit;
  }

  /** What is none is reported and left out. */
  private static Map<String, String> programs(List<String> entries) {
    Map<String, String> programs = new HashMap<>();
    for (String entry : entries) {
      int at = entry.indexOf('=');
      if (at < 1 || at == entry.length() - 1) {
        log.log(ERROR, "credHelpers: {0} is not HOST[:PORT]=NAME", entry);
      } else {
        programs.put(bare(entry.substring(0, at)), entry.substring(at + 1));
      }
    }
    return Map.copyOf(programs);
  }

  private static String bare(String registry) {
    String host = AROUND_HOST.matcher(registry).replaceAll("");
    return host.equals("index.docker.io") ? HUB : host;
  }

  @Override
  public Support probe() {
    return Support.yes();
  }

  @Override
  public Map<String, String> status() {
    Map<String, String> status = new LinkedHashMap<>();
    status.put("Programs", Integer.toString(programs.size() + (store.isEmpty() ? 0 : 1)));
    status.put("Asked", Long.toString(asked.sum()));
    status.put("Failed", Long.toString(failed.sum()));
    return status;
  }

  @Override
  public @Nullable Credentials credentials(String registry) {
    String program = programs.getOrDefault(registry, store);
    if (program.isEmpty() || !HOST.matcher(registry).matches()) {
      return null;
    }
    asked.increment();
    try {
      var helper = new Helper(program, directories, limit);
      return helper.get(registry.equals(HUB) ? HUB_KEY : registry);
    } catch (GantryException e) {
      if (e.kind() == Kind.CANCELLED) {
        throw e;
      }
      failed.increment();
      log.log(WARNING, "{0} is asked as nobody: {1}", registry, e.getMessage());
      return null;
    }
  }
}

package io.gantry.itests.architecture;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Who may import whom, and what else every bundle keeps to. Says what is violated, in sentences.
 */
final class Rules {

  private static final String SPI_ROOT = "io.gantry.spi";
  private static final Set<String> EXPORTERS =
      Set.of(
          "io.gantry.spi",
          "io.gantry.linux",
          "io.gantry.monitor",
          "io.gantry.api",
          "io.gantry.store",
          "io.gantry.image");

  /** Bundle to the bundles whose packages it may import; SPI_ROOT alone is everybody's. */
  private static final Map<String, Set<String>> ALLOWED =
      Map.ofEntries(
          Map.entry("io.gantry.spi", Set.of()),
          Map.entry("io.gantry.linux", Set.of()),
          Map.entry("io.gantry.api", Set.of()),
          Map.entry("io.gantry.monitor", Set.of("io.gantry.linux")),
          Map.entry("io.gantry.store", Set.of("io.gantry.linux")),
          Map.entry("io.gantry.image", Set.of("io.gantry.store", "io.gantry.linux")),
          Map.entry("io.gantry.engine", EXPORTERS),
          Map.entry(
              "io.gantry.build", Set.of("io.gantry.api", "io.gantry.image", "io.gantry.store")),
          Map.entry(
              "io.gantry.registry.client",
              Set.of("io.gantry.api", "io.gantry.image", "io.gantry.store")),
          Map.entry(
              "io.gantry.registry.server",
              Set.of("io.gantry.api", "io.gantry.image", "io.gantry.store")),
          Map.entry("io.gantry.rest", Set.of("io.gantry.api")),
          Map.entry("io.gantry.jmx", Set.of("io.gantry.api")),
          Map.entry("io.gantry.shell", Set.of("io.gantry.api")));

  private static final Set<String> DRIVERS_MAY = Set.of("io.gantry.spi", "io.gantry.linux");
  private static final Pattern DRIVER =
      Pattern.compile(
          "io\\.gantry\\.(storage|exec|network|portmap|volume|handler|auth|log)\\.[a-z0-9.]+");
  private static final Pattern JNR = Pattern.compile("jnr\\..*|com\\.kenai\\.jffi(\\..*)?");

  /** Ways around Import-Package. */
  private static final Set<String> BACK_DOORS =
      Set.of("Require-Bundle", "DynamicImport-Package", "Fragment-Host");

  private final List<String> violations = new ArrayList<>();

  private Rules() {}

  static boolean isDriver(String bundle) {
    return DRIVER.matcher(bundle).matches();
  }

  static List<String> violations(List<Shipped> bundles) {
    Rules rules = new Rules();
    bundles.forEach(rules::check);
    return rules.violations;
  }

  private void check(Shipped bundle) {
    checkNames(bundle);
    checkRole(bundle);
    checkVersions(bundle);
    for (String imported : bundle.imports().keySet()) {
      if (imported.startsWith("io.gantry.")) {
        checkImport(bundle, imported);
      } else if (JNR.matcher(imported).matches() && !bundle.name().equals("io.gantry.linux")) {
        say(bundle, "imports " + imported + ", which is for io.gantry.linux only");
      }
    }
  }

  private void checkNames(Shipped bundle) {
    if (!bundle.file().startsWith(bundle.name() + "-")) {
      say(bundle, "is in a jar of another name: " + bundle.file());
    }
    for (String held : bundle.packages()) {
      if (!within(bundle.name(), held)) {
        say(bundle, "holds the package " + held + ", which is outside its root package");
      }
    }
    for (String door : BACK_DOORS) {
      if (bundle.headers().contains(door)) {
        say(bundle, "has the header " + door);
      }
    }
    if (!ALLOWED.containsKey(bundle.name()) && !isDriver(bundle.name())) {
      say(bundle, "has no row in the table of who may import whom");
    }
  }

  private void checkRole(Shipped bundle) {
    boolean exports = !bundle.exports().isEmpty();
    if (exports && bundle.works()) {
      say(bundle, "exports packages and does work");
    }
    if (exports && isDriver(bundle.name())) {
      say(bundle, "is a driver and exports " + bundle.exports().keySet());
    } else if (exports && !EXPORTERS.contains(bundle.name())) {
      say(bundle, "exports " + bundle.exports().keySet() + ", but its work is to work");
    }
  }

  private void checkVersions(Shipped bundle) {
    bundle
        .exports()
        .forEach(
            (exported, version) -> {
              if (version.isEmpty() || version.startsWith("0.0.0")) {
                say(bundle, "exports " + exported + " without a version");
              }
            });
    bundle
        .imports()
        .forEach(
            (imported, range) -> {
              if (imported.startsWith("io.gantry.") && range.isEmpty()) {
                say(bundle, "imports " + imported + " without a version range");
              }
            });
  }

  private void checkImport(Shipped bundle, String imported) {
    String owner = owner(imported);
    boolean allowed;
    if (bundle.name().equals("io.gantry.spi")) {
      allowed = false;
    } else if (imported.equals(SPI_ROOT)) {
      allowed = true;
    } else if (isDriver(bundle.name())) {
      allowed =
          DRIVERS_MAY.contains(owner)
              || (bundle.name().startsWith("io.gantry.exec.")
                  && imported.equals("io.gantry.monitor.program"));
    } else if (bundle.name().equals("io.gantry.registry.client")
        && imported.equals("io.gantry.spi.registry")) {
      allowed = true;
    } else {
      allowed = ALLOWED.getOrDefault(bundle.name(), Set.of()).contains(owner);
    }
    if (!allowed) {
      say(bundle, "may not import " + imported);
    }
  }

  /** The exporting bundle that a package belongs to; the package itself when it is nobody's. */
  private static String owner(String imported) {
    return EXPORTERS.stream()
        .filter(exporter -> within(exporter, imported))
        .findFirst()
        .orElse(imported);
  }

  private static boolean within(String root, String name) {
    return name.equals(root) || name.startsWith(root + ".");
  }

  private void say(Shipped bundle, String what) {
    violations.add(bundle.name() + " " + what);
  }
}

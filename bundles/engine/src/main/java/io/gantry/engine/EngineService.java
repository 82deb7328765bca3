package io.gantry.engine;

import io.gantry.api.ContainerView;
import io.gantry.api.ContainerView.Status;
import io.gantry.api.Containers;
import io.gantry.api.Engine;
import io.gantry.api.Images;
import io.gantry.api.Networks;
import io.gantry.engine.apparmor.AppArmor;
import io.gantry.engine.cdi.CdiDevices;
import io.gantry.engine.config.LogLevel;
import io.gantry.engine.container.Recovered;
import io.gantry.engine.image.ImageKeeper;
import io.gantry.engine.log.LogDamages;
import io.gantry.engine.log.LogDefaults;
import io.gantry.engine.userns.UserRemap;
import io.gantry.linux.CgroupTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The engine about itself: what it is, what this host lets it do, what it holds. */
@Component(name = "io.gantry.engine.self", service = Engine.class)
public final class EngineService implements Engine {
  private final BundleContext context;
  private static final String ADVICE =
      "NOTE: favordynmods is off: a start or an exec may wait 10 ms and more for the kernel"
          + " (gantryd --favordynmods; it changes the whole host)";

  private final Containers containers;
  private final Networks networks;
  private final Images images;
  private final LogLevel logLevel;
  private final LogDefaults logs;
  private final LogDamages damages;
  private final CdiDevices cdi;
  private final UserRemap users;
  private final AppArmor appArmor;
  private final ImageKeeper layers;
  private final Recovered recovered;
  private final Instant started = Instant.now();
  private final Map<String, String> facts;
  private final List<String> warnings;

  @Activate
  public EngineService(
      BundleContext context,
      @Reference Containers containers,
      @Reference Networks networks,
      @Reference Images images,
      @Reference LogLevel logLevel,
      @Reference LogDefaults logs,
      @Reference LogDamages damages,
      @Reference CdiDevices cdi,
      @Reference UserRemap users,
      @Reference AppArmor appArmor,
      @Reference ImageKeeper layers,
      @Reference Recovered recovered) {
    this.context = context;
    this.containers = containers;
    this.networks = networks;
    this.images = images;
    this.logLevel = logLevel;
    this.logs = logs;
    this.damages = damages;
    this.cdi = cdi;
    this.users = users;
    this.appArmor = appArmor;
    this.layers = layers;
    this.recovered = recovered;
    var cgroups = CgroupTree.detect();
    this.facts = facts(cgroups);
    this.warnings = warnings(cgroups);
  }

  @Override
  public EngineView view() {
    var all = containers.list();
    int running = count(all, Status.RUNNING) + count(all, Status.RESTARTING);
    int paused = count(all, Status.PAUSED);
    return new EngineView(
        property("gantry.instance"),
        property("gantry.version"),
        property("gantry.commit"),
        property("gantry.built"),
        property("gantry.data.root"),
        property("gantry.exec.root"),
        started,
        logLevel.get(),
        all.size(),
        running,
        paused,
        all.size() - running - paused,
        images.list().size(),
        withAdvice(),
        facts());
  }

  private List<String> withAdvice() {
    var all = new ArrayList<>(warnings);
    if (!users.warning().isEmpty()) {
      all.add("WARNING: " + users.warning());
    }
    if (!appArmor.warning().isEmpty()) {
      all.add("WARNING: " + appArmor.warning());
    }
    networks.warnings().forEach(words -> all.add("WARNING: " + words));
    damages.list().forEach(words -> all.add("WARNING: " + words));
    if (!CgroupTree.favorsChanges()) {
      all.add(ADVICE);
    }
    return all;
  }

  /** What may change while the engine runs is looked up. */
  private Map<String, String> facts() {
    var all = new LinkedHashMap<>(facts);
    all.put("cgroup.favordynmods", CgroupTree.favorsChanges() ? "on" : "off");
    all.put("log.driver", logs.driver());
    all.put("cdi.folders", String.join(" ", cdi.folders()));
    all.put("userns.remap", users.asked());
    all.put("apparmor", appArmor.confines() ? AppArmor.DEFAULT : "");
    layers.codecs().forEach(codec -> all.put(codec.name(), codec.by()));
    return all;
  }

  @Override
  public CompletionStage<Void> recovered() {
    return recovered.recovered();
  }

  @Override
  public void setLogLevel(String level) {
    logLevel.set(level);
  }

  private String property(String name) {
    String value = context.getProperty(name);
    return value == null ? "" : value;
  }

  private static int count(List<ContainerView> all, Status status) {
    return (int) all.stream().filter(view -> view.state().status() == status).count();
  }

  private static Map<String, String> facts(CgroupTree cgroups) {
    var facts = new LinkedHashMap<String, String>();
    facts.put("cgroup.version", Integer.toString(cgroups.version()));
    facts.put("cgroup.layout", cgroups.layout().name().toLowerCase(Locale.ROOT));
    facts.put("cgroup.driver", "cgroupfs");
    facts.put("cgroup.controllers", String.join(" ", cgroups.controllers()));
    facts.put("seccomp", read("/proc/self/status").contains("\nSeccomp:") ? "builtin" : "");
    facts.put("kernel", read("/proc/sys/kernel/osrelease").strip());
    return facts;
  }

  private static List<String> warnings(CgroupTree cgroups) {
    var warnings = new ArrayList<String>();
    var controllers = cgroups.controllers();
    lacking(controllers.contains("memory"), "memory", warnings);
    lacking(controllers.contains("pids"), "pids", warnings);
    lacking(controllers.contains("cpu"), "cpu", warnings);
    lacking(controllers.contains("cpuset"), "cpuset", warnings);
    return warnings;
  }

  private static void lacking(boolean there, String controller, List<String> warnings) {
    if (!there) {
      warnings.add("WARNING: No " + controller + " limit support");
    }
  }

  private static String read(String file) {
    try {
      return Files.readString(Path.of(file));
    } catch (IOException e) { // a host without it has nothing to say about it
      return "";
    }
  }
}

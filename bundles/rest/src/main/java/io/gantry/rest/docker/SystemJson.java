package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;

import io.gantry.api.Drivers;
import io.gantry.api.Drivers.DriverView;
import io.gantry.api.Engine.EngineView;
import io.gantry.rest.http.ApiVersion;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** {@code /version} and {@code /info}. */
public final class SystemJson {

  private static final String INDEX = "https://index.docker.io/v1/";

  private SystemJson() {}

  public static Map<String, @Nullable Object> version(EngineView engine) {
    String java = "java " + Runtime.version();
    var details =
        object(
            "ApiVersion", ApiVersion.NEWEST.toString(),
            "Arch", HostFacts.goArchitecture(),
            "BuildTime", engine.built(),
            "Experimental", "false",
            "GitCommit", engine.commit(),
            "GoVersion", java,
            "KernelVersion", HostFacts.kernel(),
            "MinAPIVersion", ApiVersion.OLDEST.toString(),
            "Os", "linux");
    return object(
        "Platform", object("Name", "Gantry"),
        "Components",
            List.of(object("Name", "Engine", "Version", engine.version(), "Details", details)),
        "Version", engine.version(),
        "ApiVersion", ApiVersion.NEWEST.toString(),
        "MinAPIVersion", ApiVersion.OLDEST.toString(),
        "GitCommit", engine.commit(),
        "GoVersion", java,
        "Os", "linux",
        "Arch", HostFacts.goArchitecture(),
        "KernelVersion", HostFacts.kernel(),
        "BuildTime", engine.built());
  }

  public static Map<String, @Nullable Object> info(
      EngineView engine, Drivers drivers, ApiVersion version, Instant now) {
    List<DriverView> all = drivers.list();
    String storage = drivers.defaultName("StorageDriver");
    String cgroup = engine.facts().getOrDefault("cgroup.version", "");
    var controllers = List.of(engine.facts().getOrDefault("cgroup.controllers", "").split(" "));
    var json =
        object(
            "ID", engine.id(),
            "Containers", engine.containers(),
            "ContainersRunning", engine.running(),
            "ContainersPaused", engine.paused(),
            "ContainersStopped", engine.stopped(),
            "Images", engine.images(),
            "Driver", DockerNames.storage(storage),
            "DriverStatus", status(all, storage),
            "Plugins", plugins(all),
            "MemoryLimit", controllers.contains("memory"),
            "SwapLimit", controllers.contains("memory"));
    if (!cgroup.equals("2")) {
      json.put("KernelMemoryTCP", true);
    }
    json.putAll(
        object(
            "CpuCfsPeriod", controllers.contains("cpu"),
            "CpuCfsQuota", controllers.contains("cpu"),
            "CPUShares", controllers.contains("cpu"),
            "CPUSet", controllers.contains("cpuset"),
            "PidsLimit", controllers.contains("pids"),
            "IPv4Forwarding", HostFacts.ipForwarding()));
    if (version.below(50)) {
      json.put("BridgeNfIptables", false);
      json.put("BridgeNfIp6tables", false);
    }
    json.putAll(
        object(
            "Debug", engine.logLevel().equals("debug"),
            "NFd", HostFacts.openFiles(),
            "OomKillDisable", !cgroup.equals("2"),
            "NGoroutines", Thread.activeCount(),
            "SystemTime", GoTime.nano(now),
            "LoggingDriver", engine.facts().getOrDefault("log.driver", "json-file"),
            "CgroupDriver", engine.facts().getOrDefault("cgroup.driver", "cgroupfs"),
            "CgroupVersion", cgroup,
            "NEventsListener", 0,
            "KernelVersion", HostFacts.kernel(),
            "OperatingSystem", HostFacts.operatingSystem(),
            "OSVersion", HostFacts.operatingSystemVersion(),
            "OSType", "linux",
            "Architecture", HostFacts.machine(),
            "IndexServerAddress", INDEX,
            "RegistryConfig", registries(version),
            "NCPU", Runtime.getRuntime().availableProcessors(),
            "MemTotal", HostFacts.memoryBytes(),
            "GenericResources", null,
            "DockerRootDir", engine.dataRoot(),
            "HttpProxy", "",
            "HttpsProxy", "",
            "NoProxy", "",
            "Name", HostFacts.hostname(),
            "Labels", List.of(),
            "ExperimentalBuild", false,
            "ServerVersion", engine.version(),
            "Runtimes", runtimes(all),
            "DefaultRuntime", DockerNames.runtime(drivers.defaultName("ExecDriver")),
            "Swarm", swarm(),
            "LiveRestoreEnabled", true,
            "Isolation", "",
            "InitBinary", "gantry-helper",
            "ContainerdCommit", commit("", version),
            "RuncCommit", commit(engine.commit(), version),
            "InitCommit", commit("", version),
            "SecurityOptions", security(engine, cgroup)));
    if (version.atLeast(49)) {
      json.put("FirewallBackend", object("Driver", "nftables"));
    }
    json.put("CDISpecDirs", List.of(engine.facts().getOrDefault("cdi.folders", "").split(" ")));
    json.put("Warnings", engine.warnings().isEmpty() ? null : engine.warnings());
    return json;
  }

  private static List<List<String>> status(List<DriverView> drivers, String storage) {
    var status = new ArrayList<List<String>>();
    for (DriverView driver : drivers) {
      if (driver.kind().equals("StorageDriver") && driver.name().equals(storage)) {
        status.add(List.of("Bundle", driver.bundle() + " " + driver.version()));
        driver.status().forEach((name, value) -> status.add(List.of(name, value)));
      }
    }
    return status;
  }

  private static Map<String, @Nullable Object> plugins(List<DriverView> drivers) {
    var networks = new TreeSet<>(List.of("host", "null"));
    var volumes = new TreeSet<String>();
    var logs = new TreeSet<>(List.of("json-file", "local"));
    for (DriverView driver : drivers) {
      switch (driver.kind()) {
        case "NetworkDriver" -> {
          if (!driver.name().equals("builtin")) { // serves host and null
            networks.add(driver.name());
          }
        }
        case "VolumeDriver" -> volumes.add(driver.name());
        case "LogDriver" -> {
          if (driver.state() != Drivers.State.UNAVAILABLE) {
            logs.add(driver.name());
          }
        }
        default -> {
          // no plugin in Docker's words
        }
      }
    }
    return object("Volume", volumes, "Network", networks, "Authorization", null, "Log", logs);
  }

  private static Map<String, @Nullable Object> runtimes(List<DriverView> drivers) {
    var runtimes = new TreeMap<String, @Nullable Object>();
    for (DriverView driver : drivers) {
      if (driver.kind().equals("ExecDriver")) {
        runtimes.put(DockerNames.runtime(driver.name()), object("path", driver.bundle()));
      }
    }
    return runtimes;
  }

  private static Map<String, @Nullable Object> registries(ApiVersion version) {
    var json = new LinkedHashMap<String, @Nullable Object>();
    if (version.below(47)) {
      json.put("AllowNondistributableArtifactsCIDRs", null);
      json.put("AllowNondistributableArtifactsHostnames", null);
    }
    json.put("InsecureRegistryCIDRs", List.of("::1/128", "127.0.0.0/8"));
    json.put(
        "IndexConfigs",
        object(
            "docker.io",
            object("Name", "docker.io", "Mirrors", List.of(), "Secure", true, "Official", true)));
    json.put("Mirrors", List.of());
    return json;
  }

  private static Map<String, @Nullable Object> swarm() {
    return object(
        "NodeID",
        "",
        "NodeAddr",
        "",
        "LocalNodeState",
        "inactive",
        "ControlAvailable",
        false,
        "Error",
        "",
        "RemoteManagers",
        null);
  }

  private static Map<String, @Nullable Object> commit(String id, ApiVersion version) {
    return version.below(49) && !id.isEmpty() ? object("ID", id, "Expected", id) : object("ID", id);
  }

  private static List<String> security(EngineView engine, String cgroup) {
    var options = new ArrayList<String>();
    if (!engine.facts().getOrDefault("apparmor", "").isEmpty()) {
      options.add("name=apparmor");
    }
    String seccomp = engine.facts().getOrDefault("seccomp", "");
    if (!seccomp.isEmpty() && !seccomp.equals("false") && !seccomp.equals("no")) {
      options.add("name=seccomp,profile=builtin");
    }
    if (!engine.facts().getOrDefault("userns.remap", "").isEmpty()) {
      options.add("name=userns");
    }
    if (cgroup.equals("2")) {
      options.add("name=cgroupns");
    }
    return options;
  }
}

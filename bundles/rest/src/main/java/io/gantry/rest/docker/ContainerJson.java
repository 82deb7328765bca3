package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;
import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toList;

import io.gantry.api.ContainerSpec;
import io.gantry.api.ContainerView;
import io.gantry.api.ContainerView.State;
import io.gantry.api.ContainerView.Status;
import io.gantry.api.Containers.Sizes;
import io.gantry.api.HostSpec;
import io.gantry.rest.http.ApiVersion;
import io.gantry.rest.json.JsonObject;
import io.gantry.rest.json.JsonText;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A container as {@code GET /containers/{id}/json} shows it. */
public final class ContainerJson {

  private ContainerJson() {}

  /**
   * @param sizes null: not asked for
   */
  public static Map<String, @Nullable Object> of(
      ContainerView view, @Nullable Sizes sizes, ApiVersion version) {
    var json =
        object(
            "Id", view.id(),
            "Created", GoTime.nano(view.created()),
            "Path", view.path(),
            "Args", view.args(),
            "State", state(view.state()),
            "Image", view.imageId(),
            "ResolvConfPath", view.files().getOrDefault("resolv", ""),
            "HostnamePath", view.files().getOrDefault("hostname", ""),
            "HostsPath", view.files().getOrDefault("hosts", ""),
            "LogPath", view.files().getOrDefault("log", ""),
            "Name", "/" + view.name(),
            "RestartCount", view.restartCount(),
            "Driver", DockerNames.storage(view.storageDriver()),
            "Platform", "linux",
            "MountLabel", "",
            "ProcessLabel", "",
            "AppArmorProfile", view.apparmor(),
            "ExecIDs", view.execs().isEmpty() ? null : view.execs(),
            "HostConfig", hostConfig(view),
            "GraphDriver", graphDriver(view.storageDriver(), view.storageStatus()));
    if (sizes != null) {
      json.put("SizeRw", sizes.writableBytes());
      json.put("SizeRootFs", sizes.rootBytes());
    }
    json.put("Mounts", mounts(view));
    json.put("Config", config(view));
    json.put("NetworkSettings", EndpointJson.settings(view, version));
    return json;
  }

  /** {@code GraphDriver} of a container or an image. */
  static Map<String, @Nullable Object> graphDriver(String driver, Map<String, String> status) {
    return object(
        "Data",
        status.isEmpty() ? null : DockerNames.storageData(status),
        "Name",
        DockerNames.storage(driver));
  }

  static List<Map<String, @Nullable Object>> mounts(ContainerView view) {
    return view.mounts().stream().map(ContainerJson::mount).toList();
  }

  /** The state in one word, as lists and filters know it. */
  static String word(State state) {
    return state.status().name().toLowerCase(Locale.ROOT);
  }

  private static Map<String, @Nullable Object> state(State state) {
    var json =
        object(
            "Status",
            word(state),
            "Running",
            state.running(),
            "Paused",
            state.status() == Status.PAUSED,
            "Restarting",
            state.status() == Status.RESTARTING,
            "OOMKilled",
            state.oomKilled(),
            "Dead",
            state.status() == Status.DEAD,
            "Pid",
            state.pid(),
            "ExitCode",
            state.exitCode(),
            "Error",
            state.error(),
            "StartedAt",
            GoTime.nano(state.started()),
            "FinishedAt",
            GoTime.nano(state.finished()));
    if (state.health() != null) {
      json.put("Health", HealthJson.of(state.health()));
    }
    return json;
  }

  private static Map<String, @Nullable Object> hostConfig(ContainerView view) {
    String echo = view.spec().documents().get(ContainerSpecs.HOST_CONFIG);
    if (echo == null) { // made by somebody who does not speak Docker
      echo = HostConfigEcho.of(JsonObject.empty("HostConfig"), ApiVersion.NEWEST);
    }
    var asked = JsonObject.parse(echo, "HostConfig");
    var config = new LinkedHashMap<>(asked.entries());
    HostSpec host = view.spec().host();
    var ports = host.publishing().asked();
    if (!Set.copyOf(ports).equals(Set.copyOf(ContainerSpecs.ports(asked)))) {
      config.put("PortBindings", bindings(ports)); // changed since
    }
    config.put("CgroupnsMode", host.namespaces().cgroup());
    config.put(
        "RestartPolicy",
        object(
            "Name",
            host.life().restartPolicy().isEmpty() ? "no" : host.life().restartPolicy(),
            "MaximumRetryCount",
            host.life().restartMaximum()));
    if (!host.log().driver().isEmpty()
        && config.get("LogConfig") instanceof Map<?, ?> log
        && !host.log().driver().equals(log.get("Type"))) { // asked for none: the engine's default
      config.put("LogConfig", object("Type", host.log().driver(), "Config", log.get("Config")));
    }
    config.put("Links", view.links().isEmpty() ? null : view.links());
    limits(config, host.limits());
    if (!view.execDriver().isEmpty()) {
      config.put("Runtime", DockerNames.runtime(view.execDriver()));
    }
    return config;
  }

  private static Map<String, @Nullable Object> bindings(List<HostSpec.PortRequest> ports) {
    return new TreeMap<>(
        ports.stream()
            .collect(
                groupingBy(
                    HostSpec.PortRequest::port,
                    mapping(
                        port -> object("HostIp", port.hostAddress(), "HostPort", port.hostPort()),
                        toList()))));
  }

  /** As they are now: an update changes them. */
  private static void limits(Map<String, @Nullable Object> config, HostSpec.Limits limits) {
    config.put("CpuShares", limits.cpuShares());
    config.put("Memory", limits.memory());
    config.put("NanoCpus", limits.nanoCpus());
    config.put("BlkioWeight", limits.blkioWeight());
    config.put("CpuPeriod", limits.cpuPeriod());
    config.put("CpuQuota", limits.cpuQuota());
    config.put("CpusetCpus", limits.cpusetCpus());
    config.put("CpusetMems", limits.cpusetMems());
    config.put("MemoryReservation", limits.memoryReservation());
    if (limits.memorySwap() != 0) { // else the echo says what follows from the memory
      config.put("MemorySwap", limits.memorySwap());
    }
    config.put("PidsLimit", limits.pids() == 0 ? null : Math.max(0, limits.pids()));
    config.put("MemorySwappiness", limits.swappiness());
    config.put("OomKillDisable", limits.oomKillDisable());
    config.put("CpuRealtimePeriod", limits.realtime().period());
    config.put("CpuRealtimeRuntime", limits.realtime().runtime());
    var block = limits.block();
    devices(config, "BlkioWeightDevice", "Weight", block.weights());
    devices(config, "BlkioDeviceReadBps", "Rate", block.readBps());
    devices(config, "BlkioDeviceWriteBps", "Rate", block.writeBps());
    devices(config, "BlkioDeviceReadIOps", "Rate", block.readIops());
    devices(config, "BlkioDeviceWriteIOps", "Rate", block.writeIops());
  }

  /** Of none what was sent stays, null or an empty list, but not what the host does not know. */
  private static void devices(
      Map<String, @Nullable Object> config,
      String key,
      String number,
      List<HostSpec.DeviceValue> values) {
    if (values.isEmpty()) {
      config.computeIfPresent(key, (same, echo) -> List.of());
      return;
    }
    config.put(
        key,
        values.stream().map(value -> object("Path", value.path(), number, value.value())).toList());
  }

  private static Map<String, @Nullable Object> mount(ContainerView.MountPoint mount) {
    var json = object("Type", mount.type());
    if (!mount.name().isEmpty()) {
      json.put("Name", mount.name());
    }
    json.put("Source", mount.source());
    json.put("Destination", mount.destination());
    if (!mount.driver().isEmpty()) {
      json.put("Driver", mount.driver());
    }
    json.put("Mode", mount.mode());
    json.put("RW", mount.writable());
    json.put("Propagation", mount.propagation());
    return json;
  }

  private static Map<String, @Nullable Object> config(ContainerView view) {
    ContainerSpec spec = view.spec();
    ContainerSpec.Process process = spec.process();
    JsonObject extra =
        JsonObject.parse(spec.documents().getOrDefault(ContainerSpecs.CONFIG, "{}"), "Config");
    var json =
        object(
            "Hostname", process.hostname().isEmpty() ? shortId(view) : process.hostname(),
            "Domainname", process.domainname(),
            "User", process.user(),
            "AttachStdin", process.attachStdin(),
            "AttachStdout", process.attachStdout(),
            "AttachStderr", process.attachStderr());
    if (!process.exposedPorts().isEmpty()) {
      json.put("ExposedPorts", set(process.exposedPorts()));
    }
    json.put("Tty", process.terminal());
    json.put("OpenStdin", process.openStdin());
    json.put("StdinOnce", process.stdinOnce());
    json.put("Env", process.env());
    json.put("Cmd", process.cmd());
    if (process.health() != null) {
      json.put("Healthcheck", HealthJson.of(process.health()));
    }
    json.put("Image", spec.image());
    json.put("Volumes", process.volumes().isEmpty() ? null : set(process.volumes()));
    json.put("WorkingDir", process.workingDir());
    json.put("Entrypoint", process.entrypoint());
    if (process.networkDisabled()) {
      json.put("NetworkDisabled", true);
    }
    extra(json, extra, "MacAddress");
    json.put("OnBuild", null);
    extra(json, extra, "OnBuild");
    json.put("Labels", JsonText.sorted(spec.labels()));
    if (!process.stopSignal().isEmpty()) {
      json.put("StopSignal", process.stopSignal());
    }
    if (process.stopTimeoutSeconds() != null) {
      json.put("StopTimeout", process.stopTimeoutSeconds());
    }
    if (process.shell() != null && !process.shell().isEmpty()) {
      json.put("Shell", process.shell());
    }
    return json;
  }

  private static void extra(Map<String, @Nullable Object> json, JsonObject extra, String key) {
    if (extra.has(key)) {
      json.put(key, extra.raw(key));
    }
  }

  /** Go's {@code map[string]struct{}}. */
  static Map<String, Object> set(List<String> elements) {
    var set = new TreeMap<String, Object>();
    elements.forEach(element -> set.put(element, Map.of()));
    return set;
  }

  static String shortId(ContainerView view) {
    return view.id().substring(0, Math.min(12, view.id().length()));
  }
}

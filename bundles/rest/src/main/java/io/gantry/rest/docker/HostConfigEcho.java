package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;

import io.gantry.rest.http.ApiVersion;
import io.gantry.rest.json.JsonObject;
import io.gantry.rest.json.JsonText;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A {@code HostConfig} as inspect gives it back: every field in Docker's order, what the client
 * left out filled in. Reading a field checks its type.
 */
final class HostConfigEcho {

  static final List<String> MASKED_PATHS =
      List.of(
          "/proc/asound",
          "/proc/acpi",
          "/proc/interrupts",
          "/proc/kcore",
          "/proc/keys",
          "/proc/latency_stats",
          "/proc/timer_list",
          "/proc/timer_stats",
          "/proc/sched_debug",
          "/proc/scsi",
          "/sys/firmware",
          "/sys/devices/virtual/powercap");
  static final List<String> READONLY_PATHS =
      List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");
  static final long SHM_SIZE = 64L * 1024 * 1024;

  private static final Object LEFT_OUT = new Object();
  private static final Map<String, Function<JsonObject, @Nullable Object>> FIELDS = fields();

  private HostConfigEcho() {}

  static String of(JsonObject asked, ApiVersion version) {
    var echo = new LinkedHashMap<String, @Nullable Object>();
    FIELDS.forEach(
        (name, field) -> {
          Object value = field.apply(asked);
          if (value != LEFT_OUT) {
            echo.put(name, value);
          }
        });
    if (version.below(LimitRequests.NO_KERNEL_MEMORY) && asked.number("KernelMemory") != 0) {
      echo.put("KernelMemory", asked.number("KernelMemory"));
    }
    return JsonText.of(echo);
  }

  private static Map<String, Function<JsonObject, @Nullable Object>> fields() {
    var f = new LinkedHashMap<String, Function<JsonObject, @Nullable Object>>();
    texts(f, "Binds");
    text(f, "ContainerIDFile", "");
    f.put("LogConfig", HostConfigEcho::logConfig);
    f.put("NetworkMode", HostConfigEcho::networkMode);
    f.put("PortBindings", HostConfigEcho::portBindings);
    f.put("RestartPolicy", HostConfigEcho::restartPolicy);
    flag(f, "AutoRemove");
    text(f, "VolumeDriver", "");
    texts(f, "VolumesFrom");
    f.put("ConsoleSize", HostConfigEcho::consoleSize);
    optionalTextMap(f, "Annotations");
    f.put("CapAdd", asked -> asked.wordsOrNull("CapAdd"));
    f.put("CapDrop", asked -> asked.wordsOrNull("CapDrop"));
    text(f, "CgroupnsMode", "");
    texts(f, "Dns");
    texts(f, "DnsOptions");
    texts(f, "DnsSearch");
    texts(f, "ExtraHosts");
    texts(f, "GroupAdd");
    text(f, "IpcMode", "private");
    text(f, "Cgroup", "");
    texts(f, "Links");
    number(f, "OomScoreAdj");
    text(f, "PidMode", "");
    flag(f, "Privileged");
    flag(f, "PublishAllPorts");
    flag(f, "ReadonlyRootfs");
    texts(f, "SecurityOpt");
    optionalTextMap(f, "StorageOpt");
    optionalTextMap(f, "Tmpfs");
    text(f, "UTSMode", "");
    text(f, "UsernsMode", "");
    f.put("ShmSize", asked -> asked.number("ShmSize") == 0 ? SHM_SIZE : asked.number("ShmSize"));
    optionalTextMap(f, "Sysctls");
    text(f, "Runtime", "runc");
    text(f, "Isolation", "");
    number(f, "CpuShares");
    number(f, "Memory");
    number(f, "NanoCpus");
    text(f, "CgroupParent", "");
    number(f, "BlkioWeight");
    objects(f, "BlkioWeightDevice");
    objects(f, "BlkioDeviceReadBps");
    objects(f, "BlkioDeviceWriteBps");
    objects(f, "BlkioDeviceReadIOps");
    objects(f, "BlkioDeviceWriteIOps");
    number(f, "CpuPeriod");
    number(f, "CpuQuota");
    number(f, "CpuRealtimePeriod");
    number(f, "CpuRealtimeRuntime");
    text(f, "CpusetCpus", "");
    text(f, "CpusetMems", "");
    objects(f, "Devices");
    texts(f, "DeviceCgroupRules");
    objects(f, "DeviceRequests");
    f.put(
        "KernelMemoryTCP",
        asked -> asked.number("KernelMemoryTCP") == 0 ? LEFT_OUT : asked.number("KernelMemoryTCP"));
    number(f, "MemoryReservation");
    f.put("MemorySwap", HostConfigEcho::memorySwap);
    f.put("MemorySwappiness", asked -> unless(asked.numberOrNull("MemorySwappiness"), -1));
    f.put("OomKillDisable", asked -> asked.flag("OomKillDisable"));
    f.put("PidsLimit", HostConfigEcho::pidsLimit);
    objects(f, "Ulimits");
    number(f, "CpuCount");
    f.put("CpuPercent", asked -> 0); // said to be discarded when asked for
    number(f, "IOMaximumIOps");
    number(f, "IOMaximumBandwidth");
    f.put("Mounts", asked -> asked.objects("Mounts").isEmpty() ? LEFT_OUT : raw(asked, "Mounts"));
    f.put("MaskedPaths", asked -> paths(asked, "MaskedPaths", MASKED_PATHS));
    f.put("ReadonlyPaths", asked -> paths(asked, "ReadonlyPaths", READONLY_PATHS));
    f.put("Init", asked -> Objects.requireNonNullElse(asked.flagOrNull("Init"), LEFT_OUT));
    return f;
  }

  private static Object logConfig(JsonObject asked) {
    JsonObject log = asked.object("LogConfig");
    String type = log.text("Type");
    return object(
        "Type",
        type.isEmpty() ? "json-file" : type,
        "Config",
        JsonText.sorted(log.textMap("Config")));
  }

  private static Object networkMode(JsonObject asked) {
    String mode = asked.text("NetworkMode");
    return mode.isEmpty() || mode.equals("default") ? "bridge" : mode;
  }

  private static @Nullable Object portBindings(JsonObject asked) {
    JsonObject bindings = asked.objectOrNull("PortBindings");
    if (bindings == null) {
      return null;
    }
    var ports = new LinkedHashMap<String, @Nullable Object>();
    for (String port : bindings.entries().keySet()) {
      var list = new ArrayList<@Nullable Object>();
      for (JsonObject binding : bindings.objects(port)) {
        list.add(object("HostIp", binding.text("HostIp"), "HostPort", binding.text("HostPort")));
      }
      ports.put(port, list);
    }
    return JsonText.sorted(ports);
  }

  private static Object restartPolicy(JsonObject asked) {
    JsonObject policy = asked.object("RestartPolicy");
    String name = policy.text("Name");
    return object(
        "Name",
        name.isEmpty() ? "no" : name,
        "MaximumRetryCount",
        policy.number("MaximumRetryCount"));
  }

  private static Object consoleSize(JsonObject asked) {
    return asked.raw("ConsoleSize") instanceof List<?> size && size.size() == 2
        ? size
        : List.of(0, 0);
  }

  private static long memorySwap(JsonObject asked) {
    long swap = asked.number("MemorySwap");
    long memory = asked.number("Memory");
    return swap == 0 && memory > 0 ? Math.multiplyExact(Math.min(memory, 1L << 61), 2L) : swap;
  }

  private static @Nullable Object pidsLimit(JsonObject asked) {
    Long limit = asked.numberOrNull("PidsLimit");
    return limit == null || limit <= 0 ? null : limit;
  }

  private static @Nullable Object paths(JsonObject asked, String name, List<String> usual) {
    List<String> paths = asked.textsOrNull(name);
    if (paths != null) {
      return paths;
    }
    return asked.flag("Privileged") ? null : usual;
  }

  private static @Nullable Object unless(@Nullable Long number, long none) {
    return number == null || number == none ? null : number;
  }

  private static @Nullable Object raw(JsonObject asked, String name) {
    return asked.raw(name);
  }

  private static void text(
      Map<String, Function<JsonObject, @Nullable Object>> fields, String name, String usual) {
    fields.put(name, asked -> asked.text(name).isEmpty() ? usual : asked.text(name));
  }

  private static void texts(
      Map<String, Function<JsonObject, @Nullable Object>> fields, String name) {
    fields.put(name, asked -> asked.textsOrNull(name));
  }

  private static void flag(
      Map<String, Function<JsonObject, @Nullable Object>> fields, String name) {
    fields.put(name, asked -> asked.flag(name));
  }

  private static void number(
      Map<String, Function<JsonObject, @Nullable Object>> fields, String name) {
    fields.put(name, asked -> asked.number(name));
  }

  private static void optionalTextMap(
      Map<String, Function<JsonObject, @Nullable Object>> fields, String name) {
    fields.put(
        name,
        asked -> {
          var map = asked.textMap(name);
          return map.isEmpty() ? LEFT_OUT : JsonText.sorted(map);
        });
  }

  /** Lists of objects come back as they were sent, once their form is right. */
  private static void objects(
      Map<String, Function<JsonObject, @Nullable Object>> fields, String name) {
    fields.put(
        name,
        asked -> {
          asked.objects(name);
          return raw(asked, name);
        });
  }
}

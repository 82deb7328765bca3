package io.gantry.engine.container;

import io.gantry.api.ContainerSpec;
import io.gantry.api.HealthCheck;
import io.gantry.api.HostSpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Makes container specs, a field at a time. */
public final class Specs {
  public String name = "";
  public boolean terminal;
  public boolean openStdin;
  public boolean stdinOnce;
  public String user = "";
  public String workingDir = "";
  public String hostname = "";
  public String stopSignal = "";
  public @Nullable Integer stopTimeout;
  public @Nullable HealthCheck health;
  public List<String> env = new ArrayList<>();
  public @Nullable List<String> cmd;
  public @Nullable List<String> entrypoint;
  public List<String> volumes = new ArrayList<>();
  public Map<String, String> labels = new HashMap<>();
  public String networkMode = "none";
  public String pidMode = "";
  public String ipcMode = "";
  public String utsMode = "";
  public String usernsMode = "";
  public String cgroupMode = "";
  public boolean privileged;
  public boolean readonly;
  public boolean autoRemove;
  public @Nullable Boolean init;
  public List<String> capAdd = new ArrayList<>();
  public List<String> capDrop = new ArrayList<>();
  public List<String> securityOptions = new ArrayList<>();
  public List<String> groupAdd = List.of();
  public List<String> binds = new ArrayList<>();
  public List<HostSpec.MountRequest> mounts = new ArrayList<>();
  public List<String> volumesFrom = new ArrayList<>();
  public List<String> dns = List.of();
  public List<String> dnsSearch = List.of();
  public List<String> dnsOptions = List.of();
  public List<String> links = List.of();
  public List<String> exposed = List.of();
  public Map<String, String> tmpfs = new HashMap<>();
  public Map<String, String> sysctls = new HashMap<>();
  public List<HostSpec.Ulimit> ulimits = new ArrayList<>();
  public List<HostSpec.PortRequest> ports = new ArrayList<>();
  public List<HostSpec.DriverRequest> requests = new ArrayList<>();
  public List<HostSpec.DeviceRequest> devices = new ArrayList<>();
  public long shmSize;
  public @Nullable Integer oomScoreAdj;
  public String cgroupParent = "";
  public String restartPolicy = "";
  public int restartMaximum;
  public String logDriver = "";
  public Map<String, String> logOptions = new HashMap<>();
  public HostSpec.Limits limits = new HostSpec.Limits(0, 0, 0, 0, 0, 0, 0, "", "", 0, 0, false);

  public static ContainerSpec spec(Consumer<Specs> how) {
    var specs = new Specs();
    how.accept(specs);
    return specs.build();
  }

  public static ContainerSpec running(String... command) {
    return spec(s -> s.cmd = List.of(command));
  }

  /** A container named web that never ran, and that no engine knows. */
  static Container container(ContainerSpec spec) {
    return new Container(
        new ContainerRecord(
            "c".repeat(64),
            "web",
            Instant.EPOCH,
            "sha256:" + "a".repeat(64),
            spec,
            "vfs",
            "namespaces",
            "",
            "container-c",
            List.of(),
            false,
            List.of(),
            true),
        RunRecord.NEVER);
  }

  public ContainerSpec build() {
    var process =
        new ContainerSpec.Process(
            hostname,
            "",
            user,
            false,
            true,
            true,
            terminal,
            openStdin,
            stdinOnce,
            env,
            cmd,
            entrypoint,
            workingDir,
            exposed,
            volumes,
            stopSignal,
            stopTimeout,
            false,
            health,
            null);
    var host =
        new HostSpec(
            new HostSpec.Namespaces(networkMode, pidMode, ipcMode, utsMode, cgroupMode, usernsMode),
            new HostSpec.Privileges(
                privileged, capAdd, capDrop, securityOptions, null, null, groupAdd),
            new HostSpec.Files(readonly, binds, tmpfs, shmSize, Map.of(), mounts, volumesFrom, ""),
            new HostSpec.Devices(devices, List.of(), requests),
            new HostSpec.Kernel(sysctls, ulimits, oomScoreAdj, cgroupParent),
            limits,
            new HostSpec.Resolver(List.of(), dns, dnsSearch, dnsOptions, links),
            new HostSpec.Publishing(ports, false),
            new HostSpec.Life(autoRemove, init, restartPolicy, restartMaximum),
            new HostSpec.Log(logDriver, logOptions),
            new HostSpec.Drivers("", ""),
            new HostSpec.Console(0, 0));
    return new ContainerSpec(name, "busybox", "", process, host, List.of(), labels, Map.of());
  }
}

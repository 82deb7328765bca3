package io.gantry.engine.spec;

import io.gantry.api.ContainerSpec;
import io.gantry.api.HostSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a container gets unless it asked otherwise, so that inspect can say it. */
public final class Defaults {
  static final long SHM_BYTES = 64L << 20;
  static final String PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  static final List<String> MASKED =
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
  static final List<String> READ_ONLY =
      List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");

  private Defaults() {}

  /** The spec with the host's part filled in, the host name included. */
  public static ContainerSpec fill(
      ContainerSpec spec, String id, HostFacts facts, String nodeName, String logDriver) {
    var host = spec.host();
    boolean open = host.privileges().privileged();
    var filled =
        new HostSpec(
            namespaces(host, facts),
            privileges(host.privileges(), open),
            files(host.files()),
            host.devices(),
            host.kernel(),
            limits(host.limits()),
            host.resolver(),
            host.publishing(),
            life(host.life()),
            log(host.log(), logDriver),
            host.drivers(),
            host.console());
    return new ContainerSpec(
        spec.name(),
        spec.image(),
        spec.platform(),
        hostname(spec.process(), host, id, nodeName),
        filled,
        spec.networks(),
        spec.labels(),
        spec.documents());
  }

  private static HostSpec.Namespaces namespaces(HostSpec host, HostFacts facts) {
    var modes = host.namespaces();
    return new HostSpec.Namespaces(
        modes.network().isEmpty() ? "default" : modes.network(),
        modes.pid(),
        modes.ipc().isEmpty() ? "private" : modes.ipc(),
        modes.uts(),
        cgroupns(host, facts),
        modes.user());
  }

  private static HostSpec.Privileges privileges(HostSpec.Privileges asked, boolean open) {
    return new HostSpec.Privileges(
        asked.privileged(),
        asked.capAdd(),
        asked.capDrop(),
        asked.securityOptions(),
        paths(asked.maskedPaths(), open, MASKED),
        paths(asked.readonlyPaths(), open, READ_ONLY),
        asked.groupAdd());
  }

  private static HostSpec.Files files(HostSpec.Files asked) {
    return new HostSpec.Files(
        asked.readonlyRootfs(),
        asked.binds(),
        asked.tmpfs(),
        asked.shmSize() == 0 ? SHM_BYTES : asked.shmSize(),
        asked.storageOptions(),
        asked.mounts(),
        asked.volumesFrom(),
        asked.volumeDriver());
  }

  private static HostSpec.Life life(HostSpec.Life asked) {
    return asked.restartPolicy().isEmpty() ? asked.with("no", asked.restartMaximum()) : asked;
  }

  private static HostSpec.Log log(HostSpec.Log asked, String driver) {
    return asked.driver().isEmpty() ? new HostSpec.Log(driver, asked.options()) : asked;
  }

  private static List<String> paths(
      @Nullable List<String> asked, boolean open, List<String> otherwise) {
    if (asked != null) {
      return asked;
    }
    return open ? List.of() : otherwise;
  }

  /** Containers on version 1 keep Docker's old default: they see the host's tree of names. */
  private static String cgroupns(HostSpec host, HostFacts facts) {
    if (!host.namespaces().cgroup().isEmpty()) {
      return host.namespaces().cgroup();
    }
    return facts.cgroupVersion() == 2 && !host.privileges().privileged() ? "private" : Modes.HOST;
  }

  /** As much swap as memory unless said otherwise; what is negative is no limit. */
  private static HostSpec.Limits limits(HostSpec.Limits limits) {
    boolean twice = limits.memory() > 0 && limits.memorySwap() == 0;
    long most = Long.MAX_VALUE / 2;
    long swap = !twice ? limits.memorySwap() : limits.memory() > most ? -1 : 2 * limits.memory();
    return new HostSpec.Limits(
        limits.memory(),
        swap,
        limits.memoryReservation(),
        limits.nanoCpus(),
        limits.cpuShares(),
        limits.cpuPeriod(),
        limits.cpuQuota(),
        limits.cpusetCpus(),
        limits.cpusetMems(),
        Math.max(0, limits.pids()),
        limits.blkioWeight(),
        limits.oomKillDisable(),
        limits.swappiness(),
        limits.kernelMemoryTcp(),
        limits.realtime(),
        limits.block());
  }

  private static ContainerSpec.Process hostname(
      ContainerSpec.Process process, HostSpec host, String id, String nodeName) {
    boolean ofHost =
        host.namespaces().uts().equals(Modes.HOST)
            || host.namespaces().network().equals(Modes.HOST);
    String name =
        !process.hostname().isEmpty()
            ? process.hostname()
            : ofHost ? nodeName : id.substring(0, 12);
    return new ContainerSpec.Process(
        name,
        process.domainname(),
        process.user(),
        process.attachStdin(),
        process.attachStdout(),
        process.attachStderr(),
        process.terminal(),
        process.openStdin(),
        process.stdinOnce(),
        process.env(),
        process.cmd(),
        process.entrypoint(),
        process.workingDir(),
        process.exposedPorts(),
        process.volumes(),
        process.stopSignal(),
        process.stopTimeoutSeconds(),
        process.networkDisabled(),
        process.health(),
        process.shell());
  }
}

package io.gantry.engine.spec;

import io.gantry.api.ContainerSpec;
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
      ContainerSpec spec, String id, HostFacts facts, String nodeName) {
    var host = spec.host();
    boolean open = host.privileged() || SecurityOptions.parse(host).openSystemPaths();
    var filled =
        new ContainerSpec.Host(
            host.networkMode().isEmpty() ? "default" : host.networkMode(),
            host.pidMode(),
            host.ipcMode().isEmpty() ? "private" : host.ipcMode(),
            host.utsMode(),
            cgroupns(host, facts),
            host.usernsMode(),
            host.privileged(),
            host.readonlyRootfs(),
            host.autoRemove(),
            host.init(),
            host.capAdd(),
            host.capDrop(),
            host.securityOptions(),
            paths(host.maskedPaths(), open, MASKED),
            paths(host.readonlyPaths(), open, READ_ONLY),
            host.groupAdd(),
            host.binds(),
            host.tmpfs(),
            host.sysctls(),
            host.ulimits(),
            host.devices(),
            host.deviceRules(),
            host.shmSize() == 0 ? SHM_BYTES : host.shmSize(),
            host.oomScoreAdj(),
            host.extraHosts(),
            host.dns(),
            host.dnsSearch(),
            host.dnsOptions(),
            host.restartPolicy().isEmpty() ? "no" : host.restartPolicy(),
            host.restartMaximum(),
            host.logDriver().isEmpty() ? "json-file" : host.logDriver(),
            host.logOptions(),
            swap(host.limits()),
            host.cgroupParent(),
            host.execDriver(),
            host.storageDriver(),
            host.consoleRows(),
            host.consoleColumns(),
            host.ports(),
            host.publishAll(),
            host.storageOptions());
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

  private static List<String> paths(
      @Nullable List<String> asked, boolean open, List<String> otherwise) {
    if (asked != null) {
      return asked;
    }
    return open ? List.of() : otherwise;
  }

  /** Containers on version 1 keep Docker's old default: they see the host's tree of names. */
  private static String cgroupns(ContainerSpec.Host host, HostFacts facts) {
    if (!host.cgroupnsMode().isEmpty()) {
      return host.cgroupnsMode();
    }
    return facts.cgroupVersion() == 2 && !host.privileged() ? "private" : Modes.HOST;
  }

  /** As much swap as memory unless said otherwise. */
  private static ContainerSpec.Limits swap(ContainerSpec.Limits limits) {
    long swap =
        limits.memory() > 0 && limits.memorySwap() == 0 ? 2 * limits.memory() : limits.memorySwap();
    return new ContainerSpec.Limits(
        limits.memory(),
        swap,
        limits.memoryReservation(),
        limits.nanoCpus(),
        limits.cpuShares(),
        limits.cpuPeriod(),
        limits.cpuQuota(),
        limits.cpusetCpus(),
        limits.cpusetMems(),
        limits.pids(),
        limits.blkioWeight(),
        limits.oomKillDisable());
  }

  private static ContainerSpec.Process hostname(
      ContainerSpec.Process process, ContainerSpec.Host host, String id, String nodeName) {
    boolean ofHost = host.utsMode().equals(Modes.HOST) || host.networkMode().equals(Modes.HOST);
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
        process.networkDisabled());
  }
}

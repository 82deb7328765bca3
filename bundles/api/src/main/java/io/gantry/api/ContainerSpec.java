package io.gantry.api;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A container as asked for. What the image says is merged in by the engine.
 *
 * @param name empty: the engine makes one up
 * @param image as the client wrote it
 * @param platform {@code os/arch/variant} or empty
 * @param documents texts that the engine keeps and gives back unread, by name: what a client sent
 *     that inspect must echo ({@code docker.hostConfig}: JSON)
 */
public record ContainerSpec(
    String name,
    String image,
    String platform,
    Process process,
    Host host,
    List<NetworkRequest> networks,
    Map<String, String> labels,
    Map<String, String> documents) {

  public ContainerSpec {
    networks = List.copyOf(networks);
    labels = Map.copyOf(labels);
    documents = Map.copyOf(documents);
  }

  /** The same with another host's part. */
  public ContainerSpec with(Host other) {
    return new ContainerSpec(name, image, platform, process, other, networks, labels, documents);
  }

  /**
   * Docker's {@code Config}: what runs.
   *
   * @param hostname empty: the short id
   * @param env {@code NAME=value}; {@code NAME} alone takes the image's variable away
   * @param cmd null: the image's, unless there is an entrypoint of one's own
   * @param entrypoint null: the image's; empty list: none
   * @param workingDir empty: the image's
   * @param user empty: the image's
   * @param openStdin standard input is kept open
   * @param stdinOnce it ends with the first client that was attached to it
   * @param exposedPorts {@code 80/tcp}
   * @param volumes paths
   * @param stopSignal empty: the image's, else SIGTERM
   * @param stopTimeoutSeconds null: 10
   */
  public record Process(
      String hostname,
      String domainname,
      String user,
      boolean attachStdin,
      boolean attachStdout,
      boolean attachStderr,
      boolean terminal,
      boolean openStdin,
      boolean stdinOnce,
      List<String> env,
      @Nullable List<String> cmd,
      @Nullable List<String> entrypoint,
      String workingDir,
      List<String> exposedPorts,
      List<String> volumes,
      String stopSignal,
      @Nullable Integer stopTimeoutSeconds,
      boolean networkDisabled) {

    public Process {
      env = List.copyOf(env);
      cmd = cmd == null ? null : List.copyOf(cmd);
      entrypoint = entrypoint == null ? null : List.copyOf(entrypoint);
      exposedPorts = List.copyOf(exposedPorts);
      volumes = List.copyOf(volumes);
    }
  }

  /**
   * Docker's {@code HostConfig}, as far as the engine acts on it. Sizes in bytes; 0, -1, null or
   * empty: not asked for.
   *
   * @param networkMode {@code default}, {@code none}, {@code host}, {@code bridge}, {@code
   *     container:REF} or a network's name
   * @param capAdd as the client wrote them
   * @param securityOptions {@code seccomp=…}, {@code no-new-privileges}, {@code
   *     systempaths=unconfined} …
   * @param maskedPaths null: the default ones
   * @param readonlyPaths null: the default ones
   * @param binds {@code source:target[:options]}
   * @param tmpfs options by target
   */
  public record Host(
      String networkMode,
      String pidMode,
      String ipcMode,
      String utsMode,
      String cgroupnsMode,
      String usernsMode,
      boolean privileged,
      boolean readonlyRootfs,
      boolean autoRemove,
      @Nullable Boolean init,
      List<String> capAdd,
      List<String> capDrop,
      List<String> securityOptions,
      @Nullable List<String> maskedPaths,
      @Nullable List<String> readonlyPaths,
      List<String> groupAdd,
      List<String> binds,
      Map<String, String> tmpfs,
      Map<String, String> sysctls,
      List<Ulimit> ulimits,
      List<DeviceRequest> devices,
      List<String> deviceRules,
      long shmSize,
      @Nullable Integer oomScoreAdj,
      List<String> extraHosts,
      List<String> dns,
      List<String> dnsSearch,
      List<String> dnsOptions,
      String restartPolicy,
      int restartMaximum,
      String logDriver,
      Map<String, String> logOptions,
      Limits limits,
      String cgroupParent,
      String execDriver,
      String storageDriver,
      int consoleRows,
      int consoleColumns,
      List<PortRequest> ports,
      boolean publishAll,
      Map<String, String> storageOptions) {

    public Host {
      capAdd = List.copyOf(capAdd);
      capDrop = List.copyOf(capDrop);
      securityOptions = List.copyOf(securityOptions);
      maskedPaths = maskedPaths == null ? null : List.copyOf(maskedPaths);
      readonlyPaths = readonlyPaths == null ? null : List.copyOf(readonlyPaths);
      groupAdd = List.copyOf(groupAdd);
      binds = List.copyOf(binds);
      tmpfs = Map.copyOf(tmpfs);
      sysctls = Map.copyOf(sysctls);
      ulimits = List.copyOf(ulimits);
      devices = List.copyOf(devices);
      deviceRules = List.copyOf(deviceRules);
      extraHosts = List.copyOf(extraHosts);
      dns = List.copyOf(dns);
      dnsSearch = List.copyOf(dnsSearch);
      dnsOptions = List.copyOf(dnsOptions);
      logOptions = Map.copyOf(logOptions);
      ports = List.copyOf(ports);
      storageOptions = Map.copyOf(storageOptions);
    }

    /** The same with other limits and another restart policy. */
    public Host with(Limits otherLimits, String policy, int maximum) {
      return new Host(
          networkMode,
          pidMode,
          ipcMode,
          utsMode,
          cgroupnsMode,
          usernsMode,
          privileged,
          readonlyRootfs,
          autoRemove,
          init,
          capAdd,
          capDrop,
          securityOptions,
          maskedPaths,
          readonlyPaths,
          groupAdd,
          binds,
          tmpfs,
          sysctls,
          ulimits,
          devices,
          deviceRules,
          shmSize,
          oomScoreAdj,
          extraHosts,
          dns,
          dnsSearch,
          dnsOptions,
          policy,
          maximum,
          logDriver,
          logOptions,
          otherLimits,
          cgroupParent,
          execDriver,
          storageDriver,
          consoleRows,
          consoleColumns,
          ports,
          publishAll,
          storageOptions);
    }
  }

  /** A resource limit by its name in getrlimit(2), lower case; -1 is unlimited. */
  public record Ulimit(String name, long soft, long hard) {}

  /** {@code --device}. */
  public record DeviceRequest(String hostPath, String containerPath, String permissions) {}

  /**
   * {@code -p}.
   *
   * @param port {@code 80/tcp}
   * @param hostPort a port, a range, or empty
   */
  public record PortRequest(String port, String hostAddress, String hostPort) {}

  /** Limits; 0 or empty: none. {@code pids} and {@code memorySwap}: -1 is unlimited. */
  public record Limits(
      long memory,
      long memorySwap,
      long memoryReservation,
      long nanoCpus,
      long cpuShares,
      long cpuPeriod,
      long cpuQuota,
      String cpusetCpus,
      String cpusetMems,
      long pids,
      int blkioWeight,
      boolean oomKillDisable) {}

  /** An endpoint asked for. */
  public record NetworkRequest(
      String network,
      List<String> aliases,
      List<String> addresses,
      String mac,
      Map<String, String> options) {

    public NetworkRequest {
      aliases = List.copyOf(aliases);
      addresses = List.copyOf(addresses);
      options = Map.copyOf(options);
    }
  }
}

package io.gantry.api;

import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Docker's {@code HostConfig}, as far as the engine acts on it. Sizes in bytes; 0, -1, null or
 * empty: not asked for.
 */
public record HostSpec(
    Namespaces namespaces,
    Privileges privileges,
    Files files,
    Devices devices,
    Kernel kernel,
    Limits limits,
    Resolver resolver,
    Publishing publishing,
    Life life,
    Log log,
    Drivers drivers,
    Console console) {

  /** The same in other namespaces. */
  public HostSpec with(Namespaces other) {
    return new HostSpec(
        other,
        privileges,
        files,
        devices,
        kernel,
        limits,
        resolver,
        publishing,
        life,
        log,
        drivers,
        console);
  }

  /** The same with other names that it knows. */
  public HostSpec with(Resolver other) {
    return new HostSpec(
        namespaces,
        privileges,
        files,
        devices,
        kernel,
        limits,
        other,
        publishing,
        life,
        log,
        drivers,
        console);
  }

  /** The same with other ports. */
  public HostSpec with(Publishing other) {
    return new HostSpec(
        namespaces,
        privileges,
        files,
        devices,
        kernel,
        limits,
        resolver,
        other,
        life,
        log,
        drivers,
        console);
  }

  /** The same with other limits and another life. */
  public HostSpec with(Limits otherLimits, Life otherLife) {
    return new HostSpec(
        namespaces,
        privileges,
        files,
        devices,
        kernel,
        otherLimits,
        resolver,
        publishing,
        otherLife,
        log,
        drivers,
        console);
  }

  /**
   * Modes: empty, {@code host}, {@code private}, {@code container:REF} …, as each has them.
   *
   * @param network {@code default}, {@code none}, {@code host}, {@code bridge}, {@code
   *     container:REF} or a network's name
   */
  public record Namespaces(
      String network, String pid, String ipc, String uts, String cgroup, String user) {}

  /**
   * What its processes may do.
   *
   * @param capAdd as the client wrote them
   * @param securityOptions {@code seccomp=…}, {@code no-new-privileges} …
   * @param maskedPaths null: the default ones
   * @param readonlyPaths null: the default ones
   */
  public record Privileges(
      boolean privileged,
      List<String> capAdd,
      List<String> capDrop,
      List<String> securityOptions,
      @Nullable List<String> maskedPaths,
      @Nullable List<String> readonlyPaths,
      List<String> groupAdd) {

    public Privileges {
      capAdd = List.copyOf(capAdd);
      capDrop = List.copyOf(capDrop);
      securityOptions = List.copyOf(securityOptions);
      maskedPaths = maskedPaths == null ? null : List.copyOf(maskedPaths);
      readonlyPaths = readonlyPaths == null ? null : List.copyOf(readonlyPaths);
      groupAdd = List.copyOf(groupAdd);
    }
  }

  /**
   * Its root and what is mounted there.
   *
   * @param binds {@code source:target[:options]}
   * @param tmpfs options by target
   * @param storageOptions of the storage driver: {@code size}
   * @param mounts {@code --mount}
   * @param volumesFrom {@code container[:mode]}
   * @param volumeDriver of volumes that {@code binds} name and of those without a name; empty: the
   *     default one
   */
  public record Files(
      boolean readonlyRootfs,
      List<String> binds,
      Map<String, String> tmpfs,
      long shmSize,
      Map<String, String> storageOptions,
      List<MountRequest> mounts,
      List<String> volumesFrom,
      String volumeDriver) {

    public Files {
      binds = List.copyOf(binds);
      tmpfs = Map.copyOf(tmpfs);
      storageOptions = Map.copyOf(storageOptions);
      mounts = List.copyOf(mounts);
      volumesFrom = List.copyOf(volumesFrom);
    }
  }

  /**
   * {@code --mount}. Options of another type than {@code type} are refused.
   *
   * @param type {@code bind}, {@code volume}, {@code tmpfs}, {@code image}
   */
  public record MountRequest(
      String type,
      String source,
      String target,
      boolean readOnly,
      @Nullable BindOptions bind,
      @Nullable VolumeOptions volume,
      @Nullable TmpfsOptions tmpfs,
      @Nullable ImageOptions image) {}

  /**
   * @param propagation empty: {@code rprivate}
   * @param createSource one that is missing becomes a directory
   * @param readOnlyFlat mounts below stay writable
   * @param readOnlyDeep mounts below must become read-only, too
   */
  public record BindOptions(
      String propagation,
      boolean nonRecursive,
      boolean createSource,
      boolean readOnlyFlat,
      boolean readOnlyDeep) {}

  /**
   * @param driverOptions null: not said
   */
  public record VolumeOptions(
      boolean noCopy,
      @Nullable Map<String, String> labels,
      String driver,
      @Nullable Map<String, String> driverOptions,
      String subpath) {

    public VolumeOptions {
      labels = labels == null ? null : Map.copyOf(labels);
      driverOptions = driverOptions == null ? null : Map.copyOf(driverOptions);
    }
  }

  /**
   * @param mode of its root, 0: not said
   * @param options {@code exec}, {@code noexec} …
   */
  public record TmpfsOptions(long sizeBytes, int mode, List<String> options) {

    public TmpfsOptions {
      options = List.copyOf(options);
    }
  }

  /** A part of an image. */
  public record ImageOptions(String subpath) {}

  /**
   * Devices to be seen, and to be allowed.
   *
   * @param rules {@code c 1:3 rwm}
   * @param requests those that somebody else knows by name
   */
  public record Devices(
      List<DeviceRequest> list, List<String> rules, List<DriverRequest> requests) {

    public Devices {
      list = List.copyOf(list);
      rules = List.copyOf(rules);
      requests = List.copyOf(requests);
    }
  }

  /**
   * Docker's {@code DeviceRequests}: {@code --device vendor.com/class=name}, {@code --gpus}.
   *
   * @param driver {@code cdi}, or empty for whoever has the capabilities
   * @param ids {@code vendor.com/class=name}
   */
  public record DriverRequest(
      String driver,
      int count,
      List<String> ids,
      List<List<String>> capabilities,
      Map<String, String> options) {

    public DriverRequest {
      ids = List.copyOf(ids);
      capabilities = capabilities.stream().map(List::copyOf).toList();
      options = Map.copyOf(options);
    }
  }

  /** {@code --device}. */
  public record DeviceRequest(String hostPath, String containerPath, String permissions) {}

  /** What is set in the kernel for its processes. */
  public record Kernel(
      Map<String, String> sysctls,
      List<Ulimit> ulimits,
      @Nullable Integer oomScoreAdj,
      String cgroupParent) {

    public Kernel {
      sysctls = Map.copyOf(sysctls);
      ulimits = List.copyOf(ulimits);
    }
  }

  /** A resource limit by its name in getrlimit(2), lower case; -1 is unlimited. */
  public record Ulimit(String name, long soft, long hard) {}

  /**
   * Limits; 0 or empty: none. {@code pids} and {@code memorySwap}: -1 is unlimited.
   *
   * @param swappiness 0 to 100, cgroup version 1 only; null: as the host does
   * @param kernelMemoryTcp bytes of TCP's buffers, version 1 only
   */
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
      boolean oomKillDisable,
      @Nullable Integer swappiness,
      long kernelMemoryTcp,
      Realtime realtime,
      BlockLimits block) {

    public static final Limits NONE = new Limits(0, 0, 0, 0, 0, 0, 0, "", "", 0, 0, false);

    /** Without those that only some hosts know. */
    public Limits(
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
        boolean oomKillDisable) {
      this(
          memory,
          memorySwap,
          memoryReservation,
          nanoCpus,
          cpuShares,
          cpuPeriod,
          cpuQuota,
          cpusetCpus,
          cpusetMems,
          pids,
          blkioWeight,
          oomKillDisable,
          null,
          0,
          Realtime.NONE,
          BlockLimits.NONE);
    }
  }

  /** Microseconds of real-time scheduling; cgroup version 1 only. */
  public record Realtime(long period, long runtime) {
    public static final Realtime NONE = new Realtime(0, 0);
  }

  /** Limits by block device. An update replaces a list that is not empty. */
  public record BlockLimits(
      List<DeviceValue> weights,
      List<DeviceValue> readBps,
      List<DeviceValue> writeBps,
      List<DeviceValue> readIops,
      List<DeviceValue> writeIops) {

    public static final BlockLimits NONE =
        new BlockLimits(List.of(), List.of(), List.of(), List.of(), List.of());

    public BlockLimits {
      weights = List.copyOf(weights);
      readBps = List.copyOf(readBps);
      writeBps = List.copyOf(writeBps);
      readIops = List.copyOf(readIops);
      writeIops = List.copyOf(writeIops);
    }
  }

  /** A number for the device at a path of the host. */
  public record DeviceValue(String path, long value) {}

  /**
   * How it looks up names.
   *
   * @param extraHosts {@code name:address}
   */
  public record Resolver(
      List<String> extraHosts,
      List<String> servers,
      List<String> search,
      List<String> options,
      List<String> links) {

    public Resolver {
      extraHosts = List.copyOf(extraHosts);
      servers = List.copyOf(servers);
      search = List.copyOf(search);
      options = List.copyOf(options);
      links = List.copyOf(links);
    }
  }

  /**
   * Its ports on the host.
   *
   * @param all every exposed one, at a port of the engine's choice
   * @param ifExposed further ones, of ports that the request or the image exposes; of a container
   *     that has been made, those that neither does
   */
  public record Publishing(List<PortRequest> ports, boolean all, List<PortRequest> ifExposed) {

    public Publishing {
      ports = List.copyOf(ports);
      ifExposed = List.copyOf(ifExposed);
    }

    public Publishing(List<PortRequest> ports, boolean all) {
      this(ports, all, List.of());
    }

    /** Whatever comes of them. */
    public List<PortRequest> asked() {
      var asked = new ArrayList<>(ports);
      asked.addAll(ifExposed);
      return asked;
    }
  }

  /**
   * {@code -p}.
   *
   * @param port {@code 80/tcp}
   * @param hostPort a port, a range, or empty
   */
  public record PortRequest(String port, String hostAddress, String hostPort) {
    private static final Pattern FORM =
        Pattern.compile(
            "(?:(?:\\[([0-9a-fA-F:.]+)]|([0-9.]*)):([\\d-]*):|([\\d-]+):)?"
                + "(\\d+)(?:/([a-zA-Z]+))?");

    /**
     * As {@code -p} has it: {@code 80}, {@code 8080:80/udp}, {@code 127.0.0.1::80}, {@code
     * [::1]:8080:80}.
     *
     * @throws GantryException INVALID
     */
    public static PortRequest parse(String text) {
      var m = FORM.matcher(text);
      if (!m.matches()) {
        throw new GantryException(
            GantryException.Kind.INVALID, "invalid port specification: \"" + text + "\"");
      }
      String protocol = m.group(6) == null ? "tcp" : m.group(6).toLowerCase(Locale.ROOT);
      return new PortRequest(
          m.group(5) + "/" + protocol,
          first(m.group(1), m.group(2)),
          first(m.group(3), m.group(4)));
    }

    private static String first(@Nullable String one, @Nullable String other) {
      return one != null ? one : other != null ? other : "";
    }
  }

  /**
   * What happens when it ends, and who reaps its processes.
   *
   * @param init null: as the engine does by default
   * @param restartPolicy {@code no}, {@code on-failure} …, or empty
   */
  public record Life(
      boolean autoRemove, @Nullable Boolean init, String restartPolicy, int restartMaximum) {

    /** The same with another policy. */
    public Life with(String policy, int maximum) {
      return new Life(autoRemove, init, policy, maximum);
    }
  }

  /** Where its output goes. */
  public record Log(String driver, Map<String, String> options) {

    public Log {
      options = Map.copyOf(options);
    }
  }

  /** Empty: the engine's default at its creation. */
  public record Drivers(String exec, String storage) {}

  /** Size of its first terminal; 0: not said. */
  public record Console(int rows, int columns) {}
}

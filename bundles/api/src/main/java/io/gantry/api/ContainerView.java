package io.gantry.api;

import io.gantry.api.ContainerSpec.NetworkRequest;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A container as it was at one moment.
 *
 * @param name without a slash
 * @param imageId digest of the image's configuration
 * @param spec as asked for, with the image's settings merged into {@code process} and labels
 * @param path program that runs, {@code args} what follows it
 * @param execs ids of exec instances that run or have not started
 * @param files paths on the host by name: {@code log}, {@code hosts}, {@code hostname}, {@code
 *     resolv}
 * @param networks endpoints by network name
 * @param links of its own, {@code /CHILD:/NAME/ALIAS}
 * @param aliases names that others have for it, {@code NAME/ALIAS}
 * @param ports of the host that lead to it
 * @param apparmor profile of its last run, before the first one the one asked for; or empty
 */
public record ContainerView(
    String id,
    String name,
    Instant created,
    String imageId,
    ContainerSpec spec,
    String path,
    List<String> args,
    State state,
    int restartCount,
    String storageDriver,
    String execDriver,
    Map<String, String> storageStatus,
    List<String> execs,
    Map<String, String> files,
    List<MountPoint> mounts,
    Map<String, EndpointView> networks,
    List<String> links,
    List<String> aliases,
    List<PortView> ports,
    String apparmor) {

  public ContainerView {
    args = List.copyOf(args);
    storageStatus = Map.copyOf(storageStatus);
    execs = List.copyOf(execs);
    files = Map.copyOf(files);
    mounts = List.copyOf(mounts);
    networks = Map.copyOf(networks);
    links = List.copyOf(links);
    aliases = List.copyOf(aliases);
    ports = List.copyOf(ports);
  }

  /** Where it is in its life. */
  public enum Status {
    CREATED,
    RUNNING,
    PAUSED,
    RESTARTING,
    REMOVING,
    EXITED,
    DEAD
  }

  /**
   * @param pid on the host, 0 when it does not run
   * @param exitCode of the last run
   * @param error of the last start, or empty
   * @param started null: never
   * @param finished null: never
   * @param health null: nobody checks
   */
  public record State(
      Status status,
      long pid,
      int exitCode,
      boolean oomKilled,
      String error,
      @Nullable Instant started,
      @Nullable Instant finished,
      @Nullable Health health) {

    public boolean running() {
      return status == Status.RUNNING || status == Status.PAUSED || status == Status.RESTARTING;
    }
  }

  /**
   * A mount as {@code docker inspect} lists it.
   *
   * @param image id of the image that is mounted, or empty
   */
  public record MountPoint(
      String type,
      String name,
      String source,
      String destination,
      String driver,
      String mode,
      boolean writable,
      String propagation,
      String image) {

    public MountPoint(
        String type,
        String name,
        String source,
        String destination,
        String driver,
        String mode,
        boolean writable,
        String propagation) {
      this(type, name, source, destination, driver, mode, writable, propagation, "");
    }
  }

  /**
   * A published port.
   *
   * @param port inside, {@code 80/tcp}
   * @param hostAddress {@code 0.0.0.0} and {@code ::} for all of a family
   * @param hostPort of the host; 0: none, clients come to the container's own address
   */
  public record PortView(String port, String hostAddress, int hostPort) {}

  /**
   * Where it meets a network. What only a running container has is empty, or 0, else.
   *
   * @param address IPv4, without prefix
   * @param gateway of IPv4
   * @param address6 IPv6, without prefix
   * @param names that others in the network find it by; empty where there are none
   * @param asked what was asked for
   */
  public record EndpointView(
      String networkId,
      String endpointId,
      String address,
      int prefixLength,
      String gateway,
      String address6,
      int prefixLength6,
      String gateway6,
      String mac,
      List<String> names,
      NetworkRequest asked) {

    public EndpointView {
      names = List.copyOf(names);
    }
  }
}

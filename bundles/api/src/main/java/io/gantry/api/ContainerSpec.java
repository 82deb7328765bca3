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
    HostSpec host,
    List<NetworkRequest> networks,
    Map<String, String> labels,
    Map<String, String> documents) {

  public ContainerSpec {
    networks = List.copyOf(networks);
    labels = Map.copyOf(labels);
    documents = Map.copyOf(documents);
  }

  /** The same with another host's part. */
  public ContainerSpec with(HostSpec other) {
    return new ContainerSpec(name, image, platform, process, other, networks, labels, documents);
  }

  /** The same that runs something else. */
  public ContainerSpec with(Process other) {
    return new ContainerSpec(name, image, platform, other, host, networks, labels, documents);
  }

  /** The same with other endpoints. */
  public ContainerSpec with(List<NetworkRequest> others) {
    return new ContainerSpec(name, image, platform, process, host, others, labels, documents);
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
   * @param health null: the image's
   * @param shell of health checks that are texts; null: the image's, else {@code /bin/sh -c}
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
      boolean networkDisabled,
      @Nullable HealthCheck health,
      @Nullable List<String> shell) {

    public Process {
      env = List.copyOf(env);
      cmd = cmd == null ? null : List.copyOf(cmd);
      entrypoint = entrypoint == null ? null : List.copyOf(entrypoint);
      exposedPorts = List.copyOf(exposedPorts);
      volumes = List.copyOf(volumes);
      shell = shell == null ? null : List.copyOf(shell);
    }

    /** The same with the host and domain name of another. */
    public Process named(Process other) {
      return new Process(
          other.hostname,
          other.domainname,
          user,
          attachStdin,
          attachStdout,
          attachStderr,
          terminal,
          openStdin,
          stdinOnce,
          env,
          cmd,
          entrypoint,
          workingDir,
          exposedPorts,
          volumes,
          stopSignal,
          stopTimeoutSeconds,
          networkDisabled,
          health,
          shell);
    }

    /** The same with these variables. */
    public Process withEnv(List<String> other) {
      return new Process(
          hostname,
          domainname,
          user,
          attachStdin,
          attachStdout,
          attachStderr,
          terminal,
          openStdin,
          stdinOnce,
          other,
          cmd,
          entrypoint,
          workingDir,
          exposedPorts,
          volumes,
          stopSignal,
          stopTimeoutSeconds,
          networkDisabled,
          health,
          shell);
    }
  }

  /**
   * An endpoint asked for.
   *
   * @param network name or id
   * @param aliases further names that others in the network have for it
   * @param address IPv4, empty: the engine chooses
   * @param address6 IPv6, empty: the engine chooses
   * @param linkLocal further addresses of link-local subnets
   * @param mac empty: the engine chooses
   * @param links {@code CONTAINER:ALIAS}: names that it has for others in the network
   * @param options of the driver, for this endpoint
   * @param gatewayPriority of several networks, that with the highest has the default route
   */
  public record NetworkRequest(
      String network,
      List<String> aliases,
      String address,
      String address6,
      List<String> linkLocal,
      String mac,
      List<String> links,
      Map<String, String> options,
      int gatewayPriority) {

    public NetworkRequest {
      aliases = List.copyOf(aliases);
      linkLocal = List.copyOf(linkLocal);
      links = List.copyOf(links);
      options = Map.copyOf(options);
    }

    /** Of whom nothing was asked. */
    public static NetworkRequest of(String network) {
      return new NetworkRequest(network, List.of(), "", "", List.of(), "", List.of(), Map.of(), 0);
    }

    /** The same in a network that is called so. */
    public NetworkRequest in(String other) {
      return new NetworkRequest(
          other, aliases, address, address6, linkLocal, mac, links, options, gatewayPriority);
    }

    /** The same with this MAC address. */
    public NetworkRequest withMac(String other) {
      return new NetworkRequest(
          network, aliases, address, address6, linkLocal, other, links, options, gatewayPriority);
    }

    /** Whether an address was asked for. */
    public boolean hasAddress() {
      return !address.isEmpty() || !address6.isEmpty() || !linkLocal.isEmpty();
    }
  }
}

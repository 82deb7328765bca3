package io.gantry.rest.docker;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerSpec;
import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.ContainerUpdate;
import io.gantry.api.HostSpec;
import io.gantry.api.HostSpec.DeviceRequest;
import io.gantry.api.HostSpec.PortRequest;
import io.gantry.api.HostSpec.Ulimit;
import io.gantry.rest.http.ApiVersion;
import io.gantry.rest.json.JsonObject;
import io.gantry.rest.json.JsonText;
import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads what {@code POST /containers/create} asks for. */
public final class ContainerSpecs {

  /** Names of the texts kept with a container for inspect. */
  static final String HOST_CONFIG = "docker.hostConfig";

  static final String CONFIG = "docker.config";

  private static final List<String> CONFIG_KEYS =
      List.of(
          "Hostname",
          "Domainname",
          "User",
          "AttachStdin",
          "AttachStdout",
          "AttachStderr",
          "ExposedPorts",
          "Tty",
          "OpenStdin",
          "StdinOnce",
          "Env",
          "Cmd",
          "Healthcheck",
          "ArgsEscaped",
          "Image",
          "Volumes",
          "WorkingDir",
          "Entrypoint",
          "NetworkDisabled",
          "MacAddress",
          "OnBuild",
          "Labels",
          "StopSignal",
          "StopTimeout",
          "Shell");
  private static final Pattern PORT =
      Pattern.compile("(\\d{1,5})(-\\d{1,5})?(/(tcp|udp|sctp))?", Pattern.CASE_INSENSITIVE);

  private ContainerSpecs() {}

  /**
   * @param name empty: made up
   */
  public static ContainerSpec read(
      JsonObject body, String name, String platform, ApiVersion version) {
    if (CONFIG_KEYS.stream().noneMatch(body::has)) {
      throw new GantryException(INVALID, "config cannot be empty in order to create a container");
    }
    JsonObject host = body.object("HostConfig");
    JsonObject endpoints = body.object("NetworkingConfig").object("EndpointsConfig");
    if (version.below(44) && endpoints.entries().size() > 1) {
      throw new GantryException(
          INVALID,
          "Container cannot be connected to network endpoints: "
              + String.join(", ", endpoints.entries().keySet()));
    }
    CreateChecks.check(host);
    LimitRequests.refuse(host, version);
    var documents = new LinkedHashMap<String, String>();
    documents.put(HOST_CONFIG, HostConfigEcho.of(host, version));
    documents.put(CONFIG, JsonText.of(configEcho(body)));
    return new ContainerSpec(
        name,
        body.text("Image"),
        platform,
        process(body, version),
        host(host, version),
        networks(body, host, endpoints, version),
        body.textMap("Labels"),
        documents);
  }

  /** Reads what {@code POST /containers/{id}/update} asks for. */
  public static ContainerUpdate readUpdate(JsonObject body, ApiVersion version) {
    LimitRequests.refuseInUpdate(body);
    JsonObject restart = body.object("RestartPolicy");
    return new ContainerUpdate(
        LimitRequests.update(body, version),
        restart.text("Name"),
        restart.smallNumber("MaximumRetryCount"));
  }

  private static Map<String, @Nullable Object> configEcho(JsonObject body) {
    var echo = new LinkedHashMap<String, @Nullable Object>();
    if (!body.text("MacAddress").isEmpty()) {
      echo.put("MacAddress", body.text("MacAddress"));
    }
    List<String> onBuild = body.textsOrNull("OnBuild");
    if (onBuild != null) {
      echo.put("OnBuild", onBuild);
    }
    body.flag("ArgsEscaped"); // for Windows only, but a flag
    return echo;
  }

  private static ContainerSpec.Process process(JsonObject body, ApiVersion version) {
    var exposed = new ArrayList<String>();
    body.object("ExposedPorts").entries().keySet().forEach(port -> exposed.add(port(port)));
    Long timeout = body.numberOrNull("StopTimeout");
    return new ContainerSpec.Process(
        body.text("Hostname"),
        body.text("Domainname"),
        body.text("User"),
        body.flag("AttachStdin"),
        body.flag("AttachStdout"),
        body.flag("AttachStderr"),
        body.flag("Tty"),
        body.flag("OpenStdin"),
        body.flag("StdinOnce"),
        body.texts("Env"),
        body.wordsOrNull("Cmd"),
        body.wordsOrNull("Entrypoint"),
        body.text("WorkingDir"),
        exposed,
        List.copyOf(body.object("Volumes").entries().keySet()),
        body.text("StopSignal"),
        timeout == null ? null : body.smallNumber("StopTimeout"),
        body.flag("NetworkDisabled"),
        HealthJson.read(body.objectOrNull("Healthcheck"), version),
        body.wordsOrNull("Shell"));
  }

  private static HostSpec host(JsonObject host, ApiVersion version) {
    JsonObject log = host.object("LogConfig");
    return new HostSpec(
        namespaces(host),
        privileges(host),
        files(host, version),
        new HostSpec.Devices(devices(host), host.texts("DeviceCgroupRules"), requests(host)),
        kernel(host),
        LimitRequests.read(host),
        new HostSpec.Resolver(
            host.texts("ExtraHosts"),
            host.texts("Dns"),
            host.texts("DnsSearch"),
            host.texts("DnsOptions"),
            host.texts("Links")),
        new HostSpec.Publishing(List.of(), host.flag("PublishAllPorts"), ports(host)),
        life(host),
        new HostSpec.Log(log.text("Type"), log.textMap("Config")),
        new HostSpec.Drivers(DockerNames.execDriver(host.text("Runtime")), ""),
        new HostSpec.Console(host.pair("ConsoleSize")[0], host.pair("ConsoleSize")[1]));
  }

  private static HostSpec.Namespaces namespaces(JsonObject host) {
    String network = host.text("NetworkMode");
    return new HostSpec.Namespaces(
        network.isEmpty() ? "default" : network,
        host.text("PidMode"),
        host.text("IpcMode"),
        host.text("UTSMode"),
        host.text("CgroupnsMode"),
        host.text("UsernsMode"));
  }

  private static HostSpec.Privileges privileges(JsonObject host) {
    return new HostSpec.Privileges(
        host.flag("Privileged"),
        words(host, "CapAdd"),
        words(host, "CapDrop"),
        host.texts("SecurityOpt"),
        host.textsOrNull("MaskedPaths"),
        host.textsOrNull("ReadonlyPaths"),
        host.texts("GroupAdd"));
  }

  private static List<String> words(JsonObject host, String key) {
    List<String> words = host.wordsOrNull(key);
    return words == null ? List.of() : words;
  }

  private static HostSpec.Files files(JsonObject host, ApiVersion version) {
    return new HostSpec.Files(
        host.flag("ReadonlyRootfs"),
        host.texts("Binds"),
        host.textMap("Tmpfs"),
        host.number("ShmSize"),
        host.textMap("StorageOpt"),
        MountRequests.read(host.objects("Mounts"), version),
        host.texts("VolumesFrom"),
        host.text("VolumeDriver"));
  }

  private static HostSpec.Kernel kernel(JsonObject host) {
    Long oomScore = host.numberOrNull("OomScoreAdj");
    return new HostSpec.Kernel(
        host.textMap("Sysctls"),
        ulimits(host),
        oomScore == null ? null : host.smallNumber("OomScoreAdj"),
        host.text("CgroupParent"));
  }

  private static HostSpec.Life life(JsonObject host) {
    JsonObject restart = host.object("RestartPolicy");
    return new HostSpec.Life(
        host.flag("AutoRemove"),
        host.flagOrNull("Init"),
        restart.text("Name"),
        restart.smallNumber("MaximumRetryCount"));
  }

  private static List<Ulimit> ulimits(JsonObject host) {
    return host.objects("Ulimits").stream()
        .map(limit -> new Ulimit(limit.text("Name"), limit.number("Soft"), limit.number("Hard")))
        .toList();
  }

  private static List<HostSpec.DriverRequest> requests(JsonObject host) {
    return host.objects("DeviceRequests").stream()
        .map(
            request ->
                new HostSpec.DriverRequest(
                    request.text("Driver"),
                    request.smallNumber("Count"),
                    request.texts("DeviceIDs"),
                    request.textLists("Capabilities"),
                    request.textMap("Options")))
        .toList();
  }

  private static List<DeviceRequest> devices(JsonObject host) {
    return host.objects("Devices").stream()
        .map(
            device ->
                new DeviceRequest(
                    device.text("PathOnHost"),
                    device.text("PathInContainer"),
                    device.text("CgroupPermissions")))
        .toList();
  }

  /** A port without any binding is published by {@code PublishAllPorts} alone. */
  static List<PortRequest> ports(JsonObject host) {
    var ports = new ArrayList<PortRequest>();
    JsonObject bindings = host.object("PortBindings");
    for (String key : bindings.entries().keySet()) {
      String port = port(key);
      for (JsonObject address : bindings.objects(key)) {
        ports.add(new PortRequest(port, address.text("HostIp"), address.text("HostPort")));
      }
    }
    return ports;
  }

  /** {@code 80/tcp} for {@code 80}. */
  private static String port(String text) {
    var matcher = PORT.matcher(text);
    if (!matcher.matches() || Integer.parseInt(matcher.group(1)) > 65535) {
      throw new GantryException(INVALID, "invalid port specification: \"" + text + "\"");
    }
    return matcher.group(3) == null ? text + "/tcp" : text.toLowerCase(java.util.Locale.ROOT);
  }

  private static List<NetworkRequest> networks(
      JsonObject body, JsonObject host, JsonObject endpoints, ApiVersion version) {
    var networks = new LinkedHashMap<String, NetworkRequest>();
    endpoints
        .objectMap()
        .forEach((name, endpoint) -> networks.put(name, network(name, endpoint, version)));
    String mac = body.text("MacAddress");
    if (!mac.isEmpty()) { // the main network's, before each had its own
      String mode = host.text("NetworkMode");
      String main =
          !networks.containsKey(mode) && (mode.isEmpty() || mode.equals("default"))
              ? networks.containsKey("default") ? "default" : "bridge"
              : mode;
      var asked = networks.getOrDefault(main, NetworkRequest.of(main));
      if (!asked.mac().isEmpty() && !asked.mac().equalsIgnoreCase(mac)) {
        throw new GantryException(
            INVALID,
            "the container-wide MAC address must match the endpoint-specific MAC address for the"
                + " main network, or be left empty");
      }
      networks.put(main, asked.withMac(mac));
    }
    return List.copyOf(networks.values());
  }

  /** What an endpoint's settings ask for in a network. */
  public static NetworkRequest network(String name, JsonObject endpoint, ApiVersion version) {
    JsonObject ipam = endpoint.object("IPAMConfig");
    return new NetworkRequest(
        name,
        endpoint.texts("Aliases"),
        ipam.text("IPv4Address"),
        ipam.text("IPv6Address"),
        ipam.texts("LinkLocalIPs"),
        endpoint.text("MacAddress"),
        endpoint.texts("Links"),
        endpoint.textMap("DriverOpts"),
        version.below(48) ? 0 : endpoint.smallNumber("GwPriority"));
  }
}

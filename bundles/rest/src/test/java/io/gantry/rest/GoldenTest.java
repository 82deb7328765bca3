package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.rest.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Answers have the keys that dockerd 28.5 answers with, with values of the same types, null and
 * empty included: what clients were written against.
 */
@Timeout(20)
class GoldenTest {

  /** Paths whose content differs for a reason: names and data of the recorded machine. */
  private static final Pattern DATA =
      Pattern.compile(
          "\\.State\\.Health.*|\\.GraphDriver\\.Data\\..*|\\.HostConfig\\.PortBindings\\..*"
              + "|\\.Config\\.(Labels|ExposedPorts)\\..*|\\.NetworkSettings\\.Ports\\..*"
              + "|\\.Labels\\..*|\\.Mounts\\[].*|\\.DriverStatus.*|\\.Runtimes\\..*|\\.Options\\..*"
              + "|\\.RegistryConfig\\.(IndexConfigs|Mirrors).*|\\.IPAM\\.Config.*"
              + "|\\.Components.*|\\.Volumes\\[].*|\\.Plugins\\.Volume.*|\\.CDISpecDirs.*"
              + "|\\.Containerd\\b.*|\\.Ports\\[].*|\\.RepoDigests.*");

  @TempDir Path directory;
  private Api api;

  @BeforeEach
  void start() throws Exception {
    api = new Api(directory);
    String body =
        """
        {"Image":"busybox","Cmd":["sh","-c","echo out; echo err >&2; sleep 1000"],"Env":["A=b"],
         "ExposedPorts":{"80/tcp":{}},"Labels":{"k":"v"},
         "Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":1000000000},
         "HostConfig":{"Binds":["/tmp:/data"],"Memory":67108864,"NetworkMode":"gnet",
           "Dns":[],"DnsOptions":[],"DnsSearch":[],"BlkioWeightDevice":[],"BlkioDeviceReadBps":[],
           "BlkioDeviceWriteBps":[],"BlkioDeviceReadIOps":[],"BlkioDeviceWriteIOps":[],
           "Devices":[],"Ulimits":[],"MemorySwappiness":-1,"PidsLimit":0,
           "PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8088"}]}},
         "NetworkingConfig":{"EndpointsConfig":{"gnet":{"Aliases":["al"]}}}}
        """;
    assertEquals(201, api.post("/containers/create?name=gold", body).status());
    api.post("/containers/gold/start");
  }

  @AfterEach
  void stop() {
    api.close();
  }

  @ParameterizedTest
  @CsvSource({
    "container-inspect, /containers/gold/json?size=1",
    "container-inspect-v1.24, /v1.24/containers/gold/json",
    "container-list, /containers/json?size=1",
    "container-list-v1.24, /v1.24/containers/json",
    "image-inspect, /images/busybox/json",
    "image-inspect-v1.45, /v1.45/images/busybox/json",
    "image-inspect-v1.24, /v1.24/images/busybox/json",
    "image-list, /images/json",
    "history, /images/busybox/history",
    "version, /version",
    "info, /info",
    "info-v1.45, /v1.45/info",
    "network-bridge, /networks/bridge",
    "volumes, /volumes",
    "top, /containers/gold/top",
  })
  void answersHaveTheShapeOfDockers(String golden, String path) throws Exception {
    var reply = api.get(path);
    assertEquals(200, reply.status(), reply.body());
    assertEquals("application/json", reply.type());
    assertTrue(reply.body().endsWith("\n"));
    Set<String> theirs = shape(recorded(golden));
    Set<String> ours = shape(reply.body());
    assertEquals(without(theirs, ours), without(ours, theirs));
  }

  @Test
  void whatTheClientLeftOutIsFilledInAsDockerDoes() throws Exception {
    assertEquals(201, api.post("/containers/create?name=bare", "{\"Image\":\"busybox\"}").status());
    var host = api.get("/containers/bare/json").json().object("HostConfig");
    var golden = JsonObject.parse(recorded("container-inspect"), "Golden").object("HostConfig");
    assertEquals(golden.raw("MaskedPaths"), host.raw("MaskedPaths"));
    assertEquals(golden.raw("ReadonlyPaths"), host.raw("ReadonlyPaths"));
    assertEquals(golden.number("ShmSize"), host.number("ShmSize"));
    for (String key : List.of("Runtime", "IpcMode")) {
      assertEquals(golden.text(key), host.text(key), key);
    }
    assertEquals("no", host.object("RestartPolicy").text("Name"));
    assertEquals("json-file", host.object("LogConfig").text("Type"));
    assertEquals("bridge", host.text("NetworkMode"));
    assertEquals(
        134217728,
        api.get("/containers/gold/json").json().object("HostConfig").number("MemorySwap"));
  }

  @Test
  void aPrivilegedContainerMasksNothing() throws Exception {
    api.post(
        "/containers/create?name=p",
        "{\"Image\":\"busybox\",\"HostConfig\":{\"Privileged\":true}}");
    String body = api.get("/containers/p/json").body();
    assertTrue(body.contains("\"MaskedPaths\":null,\"ReadonlyPaths\":null"), body);
  }

  /** Testcontainers, in a container itself, goes through it without a look whether it is there. */
  @Test
  void theBridgeHasAListOfSubnets() throws Exception {
    String body = api.get("/networks/bridge").body();
    assertTrue(body.contains("\"Config\":[{\"Subnet\":\"172.17.0.0/16\""), body);
    body = api.get("/networks/host").body();
    assertTrue(body.contains("\"Config\":null"), body);
  }

  @Test
  void textsOfTheListReadAsDockers() throws Exception {
    var reply = api.get("/containers/json").body();
    assertTrue(reply.contains("\"Command\":\"sh -c 'echo out; echo err >&2; sleep 1000'\""), reply);
    assertTrue(reply.contains("\"Status\":\"Up 3 seconds\""), reply);
    assertTrue(reply.contains("\"State\":\"running\""), reply);
    assertTrue(reply.contains("\"Image\":\"busybox\""), reply);
  }

  static String recorded(String name) throws IOException {
    try (var in = GoldenTest.class.getResourceAsStream("/golden/" + name + ".json")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** Each path of the document with the type that stands there; of lists the first element. */
  static Set<String> shape(String json) {
    var shape = new TreeSet<String>();
    Object value = JsonObject.parse("{\"\":" + json + "}", "Shape").entries().get("");
    walk(value instanceof List<?> list ? list.get(0) : value, "", shape);
    return shape;
  }

  private static String without(Set<String> shape, Set<String> other) {
    var rest = new TreeSet<>(shape);
    rest.removeAll(other);
    return String.join("\n", rest);
  }

  private static void walk(Object value, String path, Set<String> shape) {
    if (DATA.matcher(path).matches()) {
      return;
    }
    shape.add(path + " " + type(value));
    if (value instanceof Map<?, ?> map) {
      map.forEach((key, element) -> walk(element, path + "." + network(path, key), shape));
    } else if (value instanceof List<?> list && !list.isEmpty()) {
      walk(list.get(0), path + "[]", shape);
    }
  }

  /** The recorded container was on a network of its own. */
  private static String network(String path, Object key) {
    return path.endsWith(".Networks") ? "*" : String.valueOf(key);
  }

  private static String type(Object value) {
    if (value == null) {
      return "null";
    }
    return value instanceof Map
        ? "object"
        : value instanceof List ? "list" : value.getClass().getSimpleName();
  }
}

package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.Networks.Ipam;
import io.gantry.api.Networks.Member;
import io.gantry.api.Networks.Pool;
import io.gantry.rest.json.JsonObject;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NetworksTest {

  @TempDir Path directory;
  private Api api;

  @BeforeEach
  void start() {
    api = new Api(directory);
  }

  @AfterEach
  void stop() {
    api.close();
  }

  @Test
  void aNetworkIsMadeAsAskedForAndShownAsDockers() throws Exception {
    var reply =
        api.post(
            "/networks/create",
            """
            {"Name":"gnet","IPAM":{"Driver":"default","Options":{},"Config":[{"Subnet":"10.9.0.0/24",
            "IPRange":"10.9.0.128/25","Gateway":"10.9.0.254","AuxiliaryAddresses":{"a":"10.9.0.5"}}]},
            "Options":{"o":"1"},"Labels":{"k":"v"}}\
            """);
    assertEquals(201, reply.status(), reply.body());
    assertEquals("", reply.json().text("Warning"));
    var made = api.networks.inspect("gnet");
    assertEquals(made.id(), reply.json().text("Id"));
    assertEquals(
        new Ipam(
            "default",
            Map.of(),
            List.of(
                new Pool("10.9.0.0/24", "10.9.0.128/25", "10.9.0.254", Map.of("a", "10.9.0.5")))),
        made.ipam());
    api.networks.join(
        "gnet", new Member("c0", "gold", "e0", "02:42:0a:09:00:80", "10.9.0.128/24", ""));
    String body = api.get("/networks/gnet").body();
    assertEquals(
        without(GoldenTest.shape(GoldenTest.recorded("network-inspect"))),
        without(GoldenTest.shape(body)));
    assertTrue(
        body.contains(
            "{\"Subnet\":\"10.9.0.0/24\",\"IPRange\":\"10.9.0.128/25\",\"Gateway\":\"10.9.0.254\","
                + "\"AuxiliaryAddresses\":{\"a\":\"10.9.0.5\"}}"),
        body);
    assertTrue(body.contains("\"IPv4Address\":\"10.9.0.128/24\""), body);
    assertFalse(api.get("/networks").body().contains("10.9.0.128/24"), "lists have no containers");
    assertTrue(api.get("/v1.27/networks").body().contains("10.9.0.128/24"));
  }

  /** But for what this one was asked for in addition. */
  private static String without(java.util.Set<String> shape) {
    return String.join(
        "\n",
        shape.stream()
            .filter(line -> !line.matches("\\.(Options|Labels|Containers|IPAM\\.Config)\\W.*"))
            .toList());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | bridge,gnet,host,none",
        "{'name':['n']} | gnet,none",
        "{'driver':['null']} | none",
        "{'driver':['bridge']} | bridge,gnet",
        "{'type':['builtin']} | bridge,host,none",
        "{'type':['custom']} | gnet",
        "{'scope':['swarm']} |",
        "{'label':['k=v']} | gnet",
        "{'label':['k=w']} |",
        "{'dangling':['true']} | gnet",
        "{'dangling':['false']} | bridge,host,none",
      })
  void listsAreFiltered(String filters, String names) throws Exception {
    api.networks.add("gnet", "bridge", false, Ipam.NONE, Map.of(), Map.of("k", "v"));
    String escaped = filters.replace("'", "%22").replace("{", "%7B").replace("}", "%7D");
    var listed =
        JsonObject.parse("{\"l\":" + api.get("/networks?filters=" + escaped).body() + "}", "L")
            .objects("l")
            .stream()
            .map(network -> network.text("Name"))
            .sorted()
            .toList();
    assertEquals(names == null ? "" : names, String.join(",", listed));
  }

  @Test
  void containersComeAndGoAsAskedFor() throws Exception {
    var reply =
        api.post(
            "/networks/bridge/connect",
            """
            {"Container":"web","EndpointConfig":{"IPAMConfig":{"IPv4Address":"10.9.0.9",
            "IPv6Address":"fd00::9","LinkLocalIPs":["169.254.1.1"]},"Aliases":["a"],"Links":["x:y"],
            "MacAddress":"02:42:00:00:00:01","DriverOpts":{"o":"1"},"GwPriority":7}}\
            """);
    assertEquals(200, reply.status(), reply.body());
    assertEquals(
        200,
        api.post("/networks/bridge/disconnect", "{\"Container\":\"web\",\"Force\":true}").status());
    assertEquals(
        List.of(
            "connect bridge web "
                + new NetworkRequest(
                    "",
                    List.of("a"),
                    "10.9.0.9",
                    "fd00::9",
                    List.of("169.254.1.1"),
                    "02:42:00:00:00:01",
                    List.of("x:y"),
                    Map.of("o", "1"),
                    7),
            "disconnect bridge web true"),
        api.networks.calls);
    assertEquals(404, api.post("/networks/nosuch/connect", "{\"Container\":\"web\"}").status());
  }

  @Test
  void whatIsRefusedHasDockersStatus() throws Exception {
    assertEquals(403, api.post("/networks/create", "{\"Name\":\"host\"}").status());
    assertEquals(201, api.post("/networks/create", "{\"Name\":\"gnet\"}").status());
    assertEquals(409, api.post("/networks/create", "{\"Name\":\"gnet\"}").status());
    assertEquals(204, api.ask("DELETE", "/networks/gnet", "").status());
    assertEquals(404, api.ask("DELETE", "/networks/gnet", "").status());
    assertEquals(404, api.get("/networks/bridge?scope=swarm").status());
    assertEquals(200, api.get("/networks/bridge?scope=local&verbose=true").status());
  }

  @Test
  void pruneSaysWhatWent() throws Exception {
    assertEquals("{\"NetworksDeleted\":null}\n", api.post("/networks/prune").body());
    api.networks.add("gnet", "bridge", false, Ipam.NONE, Map.of(), Map.of("k", "v"));
    String other = "/networks/prune?filters=%7B%22label%22:%5B%22z%22%5D%7D";
    assertEquals("{\"NetworksDeleted\":null}\n", api.post(other).body());
    String young = "/networks/prune?filters=%7B%22until%22:%5B%2210h%22%5D%7D";
    assertEquals(200, api.post(young).status());
    assertEquals("{\"NetworksDeleted\":[\"gnet\"]}\n", api.post("/networks/prune").body());
  }

  @Test
  void theMacAddressOfAContainerIsThatOfItsMainNetwork() throws Exception {
    assertEquals(
        201,
        api.post(
                "/containers/create?name=old",
                "{\"Image\":\"busybox\",\"MacAddress\":\"02:42:00:00:00:01\"}")
            .status());
    var asked = api.containers.box("old").spec.networks();
    assertEquals("bridge", asked.get(0).network());
    assertEquals("02:42:00:00:00:01", asked.get(0).mac());
    var reply =
        api.post(
            "/containers/create?name=two",
            "{\"Image\":\"busybox\",\"MacAddress\":\"02:42:00:00:00:01\",\"NetworkingConfig\":"
                + "{\"EndpointsConfig\":{\"bridge\":{\"MacAddress\":\"02:42:00:00:00:02\"}}}}");
    assertEquals(400, reply.status());
  }
}

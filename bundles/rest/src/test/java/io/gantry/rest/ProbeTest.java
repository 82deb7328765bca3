package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Status and sentence of requests gone wrong, as dockerd 28.5 gave them. */
@Timeout(20)
class ProbeTest {

  private static final String ID =
      "0000000000000000000000000000000000000000000000000" + "08d69565cf88318";

  @TempDir Path directory;
  private Api api;

  @BeforeEach
  void start() throws Exception {
    api = new Api(directory);
    api.post("/containers/create?name=probe", "{\"Image\":\"busybox\",\"Cmd\":[\"sleep\"]}");
  }

  @AfterEach
  void stop() {
    api.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "GET | /containers/nosuch/json | 404 | No such container: nosuch",
        "GET | /images/nosuch/json | 404 | No such image: nosuch:latest",
        "GET | /networks/nosuch | 404 | network nosuch not found",
        "GET | /volumes/nosuch | 404 | get nosuch: no such volume",
        "GET | /exec/nosuch/json | 404 | No such exec instance: nosuch",
        "POST | /containers/probe/kill | 409 | cannot kill container: probe: container ID is not running",
        "POST | /containers/probe/kill?signal=FOO | 400 | cannot kill container: probe: invalid signal: FOO",
        "POST | /containers/probe/pause | 409 | container ID is not running",
        "POST | /containers/probe/unpause | 500 | Container ID is not paused",
        "POST | /containers/probe/wait?condition=foo | 400 | invalid condition: \"foo\"",
        "GET | /containers/json?filters=garbage | 400 | invalid filter",
        "GET | /containers/json?filters={%22nokey%22:[%22a%22]} | 400 | invalid filter 'nokey'",
        "GET | /containers/json?filters={%22label%22:%22a%22} | 400 | invalid filter",
        "GET | /containers/json?limit=x | 400 | strconv.Atoi: parsing \"x\": invalid syntax",
        "GET | /containers/probe/logs | 400 | Bad parameters: you must choose at least one stream",
        "POST | /containers/probe/resize?h=a&w=1 | 400 | invalid resize height \"a\": invalid syntax",
        "POST | /containers/probe/resize | 400 | invalid resize height \"\": invalid syntax",
        "POST | /exec/x/resize?h=a&w=1 | 400 | invalid resize height \"a\": invalid syntax",
        "POST | /images/busybox/tag?repo=Bad | 400 | invalid reference format: repository name (library/Bad) must be lowercase",
        "DELETE | /networks/bridge | 403 | bridge is a pre-defined network and cannot be removed",
        "DELETE | /volumes/nosuch | 404 | get nosuch: no such volume",
        "GET | /containers/json?filters={%22status%22:[%22foo%22]} | 400 | invalid filter 'status=foo': invalid value for state (foo): must be one of created, running, paused, restarting, removing, exited, dead",
        "GET | /containers/json?filters={%22health%22:[%22foo%22]} | 400 | invalid filter 'health=foo': invalid value for health (foo): must be one of none, starting, healthy, unhealthy",
        "POST | /containers/prune?filters={%22foo%22:[%22a%22]} | 400 | invalid filter 'foo'",
        "GET | /networks?filters={%22foo%22:[%22a%22]} | 400 | invalid filter 'foo'",
        "GET | /volumes?filters={%22foo%22:[%22a%22]} | 400 | invalid filter 'foo'",
        "GET | /images/busybox/json?platform={%22os%22:%22linux%22,%22architecture%22:%22arm64%22} | 404 | image with reference busybox was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)",
        "GET | /images/busybox/json?platform=linux | 400 | failed to parse platform: invalid character 'l' looking for beginning of value",
        "GET | /images/busybox/json?platform={}&manifests=1 | 400 | conflicting options: manifests and platform options cannot both be set",
        "GET | /images/busybox/history?platform=x | 400 | failed to parse platform: invalid character 'x' looking for beginning of value",
        "DELETE | /images/busybox?platforms=x | 400 | failed to parse platform: invalid character 'x' looking for beginning of value",
        "GET | /swarm | 503 | This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.",
        "GET | /services | 503 | This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.",
        "POST | /containers/probe/checkpoints | 501 | This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.",
        "GET | /containers/ps | 404 | page not found",
        "POST | /build | 501 | building images is not built yet",
        "POST | /images/a/b/c:1/push?tag=b!d | 400 | invalid tag format",
        "GET | /containers/probe/archive | 400 | bad parameter: pathcannot be empty",
        "GET | /containers/probe/archive?path=/nosuch | 404 | Could not find the file /nosuch in container probe",
        "PUT | /containers/probe/archive?path=/nosuch | 404 | Could not find the file /nosuch in container probe",
        "GET | /containers/nosuch/archive?path=/x | 404 | No such container: nosuch",
        "GET | /containers/nosuch/export | 404 | No such container: nosuch",
        "GET | /containers/nosuch/changes | 404 | No such container: nosuch",
        "POST | /commit?container=nosuch | 404 | No such container: nosuch",
        "PUT | /volumes/x | 503 | This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.",
        "GET | /system/df?type=x | 400 | unknown object type: x",
      })
  void failuresReadAsDockers(String method, String path, int status, String message)
      throws Exception {
    String escaped = path.replace("{", "%7B").replace("}", "%7D");
    var reply = api.ask(method, escaped, "Content-Length: 0\r\n");
    assertEquals(message.replace("ID", ID), reply.json().text("message"));
    assertEquals(status, reply.status());
    assertEquals("application/json", reply.type());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\'',
      value = {
        "{} | 400 | config cannot be empty in order to create a container",
        "{\"HostConfig\":{}} | 400 | config cannot be empty in order to create a container",
        "{\"Image\":\"nosuch:1\"} | 404 | No such image: nosuch:1",
        "{\"Image\": | 400 | invalid JSON: unexpected EOF",
        "{\"Image\":\"a | 400 | invalid JSON: unexpected EOF",
        "{\"Image\":x} | 400 | invalid JSON: invalid character 'x' looking for beginning of value",
        "{\"Image\":\"busybox\"}{} | 400 | unexpected content after JSON",
        "[1] | 400 | invalid JSON: json: cannot unmarshal array into Go value of type CreateRequest",
        "{\"Image\":5} | 400 | invalid JSON: json: cannot unmarshal number into Go struct field CreateRequest.Image of type string",
        "{\"Image\":\"busybox\",\"Tty\":\"yes\"} | 400 | invalid JSON: json: cannot unmarshal string into Go struct field CreateRequest.Tty of type bool",
        "{\"Image\":\"busybox\",\"Env\":{}} | 400 | invalid JSON: json: cannot unmarshal object into Go struct field CreateRequest.Env of type []string",
        "{\"Image\":\"busybox\",\"HostConfig\":{\"Memory\":1.5}} | 400 | invalid JSON: json: cannot unmarshal number 1.5 into Go struct field CreateRequest.HostConfig.Memory of type int64",
        "{\"Image\":\"busybox\",\"HostConfig\":{\"Memory\":9223372036854775808}} | 400 | invalid JSON: json: cannot unmarshal number 9223372036854775808 into Go struct field CreateRequest.HostConfig.Memory of type int64",
        "{\"Image\":\"busybox\",\"HostConfig\":{\"PortBindings\":{\"x\":[{}]}}} | 400 | invalid port specification: \"x\"",
      })
  void badBodiesOfCreateAreRefused(String body, int status, String message) throws Exception {
    var reply = api.post("/containers/create", body);
    assertEquals(message, reply.json().text("message"));
    assertEquals(status, reply.status());
  }

  @Test
  void imageMountsNeedANewerVersion() throws Exception {
    var reply =
        api.post(
            "/v1.47/containers/create",
            "{\"Image\":\"busybox\",\"HostConfig\":{\"Mounts\":[{\"Type\":\"image\",\"Target\":\"/i\"}]}}");
    assertEquals(400, reply.status());
    assertEquals("Mount type \"Image\" needs API v1.48 or newer", reply.json().text("message"));
  }

  @Test
  void aBodyMustBeJsonAndBeThere() throws Exception {
    assertEquals(
        "invalid JSON: got EOF while reading request body",
        api.post("/containers/create").json().text("message"));
    var text =
        api.ask(
            "POST",
            "/containers/create",
            "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}");
    assertEquals(400, text.status());
    assertEquals(
        "unsupported Content-Type header (text/plain): must be 'application/json'",
        text.json().text("message"));
    var none = api.ask("POST", "/containers/create", "Content-Length: 2\r\n\r\n{}");
    assertEquals(400, none.status());
    assertEquals(
        "malformed Content-Type header (): mime: no media type", none.json().text("message"));
    var charset =
        api.ask(
            "POST",
            "/containers/create",
            "Content-Type: application/json; charset=utf-8\r\nContent-Length: 20\r\n\r\n"
                + "{\"Image\" : \"busybox\"}".substring(0, 20));
    assertEquals("invalid JSON: unexpected EOF", charset.json().text("message"));
  }

  @Test
  void keysMatchWhateverTheirCaseAndUnknownOnesDoNotMatter() throws Exception {
    var reply =
        api.post(
            "/containers/create?name=cased",
            "{\"image\":\"busybox\",\"CMD\":\"top\",\"nosuch\":{\"a\":[1]},\"hostconfig\":{\"readonlyrootfs\":true}}");
    assertEquals(201, reply.status(), reply.body());
    var spec = api.containers.box("cased").spec;
    assertEquals(java.util.List.of("top"), spec.process().cmd());
    assertEquals(true, spec.host().files().readonlyRootfs());
  }

  @Test
  void aNameInUseIsAConflict() throws Exception {
    var reply = api.post("/containers/create?name=probe", "{\"Image\":\"busybox\"}");
    assertEquals(409, reply.status());
    assertEquals(
        "Conflict. The container name \"/probe\" is already in use by container \""
            + ID
            + "\". You have to remove (or rename) that container to be able to reuse that name.",
        reply.json().text("message"));
  }

  @Test
  void startingTwiceAndStoppingTwiceAreNotModified() throws Exception {
    assertEquals(304, api.post("/containers/probe/stop").status());
    assertEquals(204, api.post("/containers/probe/start").status());
    var again = api.post("/containers/probe/start");
    assertEquals(304, again.status());
    assertEquals("", again.body());
    var running = api.ask("DELETE", "/containers/probe", "");
    assertEquals(409, running.status());
    assertEquals(
        "cannot remove container \"probe\": container is running: stop the container before"
            + " removing or force remove",
        running.json().text("message"));
    assertEquals(204, api.ask("DELETE", "/containers/probe?force=1&v=true", "").status());
    assertEquals("remove true true", api.containers.called.get(api.containers.called.size() - 1));
  }

  @Test
  void filtersHaveTwoForms() throws Exception {
    api.post("/containers/probe/start");
    for (String form : new String[] {"{\"name\":[\"pro\"]}", "{\"name\":{\"pro\":true}}"}) {
      String query = java.net.URLEncoder.encode(form, java.nio.charset.StandardCharsets.UTF_8);
      String body = api.get("/containers/json?filters=" + query).body();
      assertEquals(true, body.contains(ID), body);
      assertEquals(
          "[]\n", api.get("/containers/json?filters=" + query.replace("pro", "xyz")).body());
    }
  }

  @Test
  void fixedAnswersOfWhatIsNotThere() throws Exception {
    assertEquals("[]\n", api.get("/plugins").body());
    assertEquals("{\"Volumes\":[],\"Warnings\":null}\n", api.get("/volumes").body());
    assertEquals(204, api.ask("DELETE", "/volumes/nosuch?force=1", "").status());
  }

  @Test
  void anEmptyListIsAListAndAnEmptyPruneIsNull() throws Exception {
    api.ask("DELETE", "/containers/probe", "");
    assertEquals("[]\n", api.get("/containers/json?all=1").body());
    assertEquals(
        "{\"ContainersDeleted\":null,\"SpaceReclaimed\":7}\n",
        api.post("/containers/prune").body());
  }

  @Test
  void anUpdateIsHandedOnAndInspectShowsIt() throws Exception {
    var reply =
        api.post(
            "/containers/probe/update",
            "{\"Memory\":100663296,\"MemorySwap\":-1,\"CpuShares\":512,\"PidsLimit\":0,"
                + "\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":3}}");
    assertEquals("{\"Warnings\":null}\n", reply.body());
    assertEquals(-1, api.containers.lastUpdate.limits().pids(), "no limit, as Docker has it");
    var host = api.get("/containers/probe/json").json().object("HostConfig");
    assertEquals(100663296, host.number("Memory"));
    assertEquals(-1, host.number("MemorySwap"));
    assertEquals(512, host.number("CpuShares"));
    assertEquals("on-failure", host.object("RestartPolicy").text("Name"));
    assertEquals(3, host.object("RestartPolicy").number("MaximumRetryCount"));
    api.post("/v1.39/containers/probe/update", "{\"PidsLimit\":5}");
    assertEquals(0, api.containers.lastUpdate.limits().pids(), "unknown before 1.40");
    api.post("/containers/probe/update", "{\"CpuRealtimePeriod\":1000}");
    assertEquals(1000, api.containers.lastUpdate.limits().realtime().period());
    assertEquals(404, api.post("/containers/nosuch/update", "{}").status());
  }

  @Test
  void startWithABodyIsRefused() throws Exception {
    var reply = api.post("/containers/probe/start", "{\"HostConfig\":{}}");
    assertEquals(400, reply.status());
    assertEquals(
        "starting container with non-empty request body was deprecated since API v1.22 and removed"
            + " in v1.24",
        reply.json().text("message"));
  }

  @Test
  void aHealthCheckComesBackAsItWasSentAndIsNewerThanItsStartInterval() throws Exception {
    String create =
        "{\"Image\":\"busybox\",\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"],\"Retries\":4,"
            + "\"StartInterval\":5000000}}";
    assertEquals(201, api.post("/containers/create?name=a", create).status());
    var config = api.get("/containers/a/json").json().object("Config");
    assertEquals(
        "{Test=[CMD, true], StartInterval=5000000, Retries=4}",
        config.object("Healthcheck").entries().toString());
    assertEquals(201, api.post("/v1.43/containers/create?name=b", create).status());
    var older = api.get("/containers/b/json").json().object("Config");
    assertEquals("{Test=[CMD, true], Retries=4}", older.object("Healthcheck").entries().toString());
  }
}

package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
class NegotiationTest {

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
  void pingSaysWhichVersionsThereAre() throws Exception {
    var ping = api.get("/_ping");
    assertEquals(200, ping.status());
    assertEquals("OK", ping.body());
    assertEquals("text/plain; charset=utf-8", ping.type());
    assertEquals("1.51", ping.headers().get("api-version"));
    assertEquals("1", ping.headers().get("builder-version"));
    assertEquals("false", ping.headers().get("docker-experimental"));
    assertEquals("linux", ping.headers().get("ostype"));
    assertEquals("inactive", ping.headers().get("swarm"));
    assertEquals("Gantry/0.1.0 (linux)", ping.headers().get("server"));
    assertEquals("no-cache, no-store, must-revalidate", ping.headers().get("cache-control"));
  }

  @Test
  void infoNamesNoLimitThatTheHostLacks() throws Exception {
    api.engine.facts = Map.of("cgroup.version", "2", "cgroup.controllers", "cpu pids");
    var info = api.get("/info").json();
    assertTrue(info.flag("CPUShares") && info.flag("PidsLimit"));
    assertFalse(info.flag("MemoryLimit"));
    assertFalse(info.flag("CPUSet"));
  }

  @Test
  void headOfPingHasNoBody() throws Exception {
    var ping = api.ask("HEAD", "/_ping", "");
    assertEquals(200, ping.status());
    assertEquals("", ping.body());
    assertEquals("0", ping.headers().get("content-length"));
  }

  @Test
  void versionsOutsideTheWindowAreRefusedInDockersWords() throws Exception {
    var tooNew = api.get("/v1.99/info");
    assertEquals(400, tooNew.status());
    assertEquals(
        "{\"message\":\"client version 1.99 is too new. Maximum supported API version is 1.51\"}\n",
        tooNew.body());
    var tooOld = api.get("/v1.23/containers/json");
    assertEquals(400, tooOld.status());
    assertEquals("text/plain; charset=utf-8", tooOld.type());
    assertEquals(
        "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade"
            + " your client to a newer version",
        tooOld.body());
    assertEquals(200, api.get("/v1.24/containers/json").status());
    assertEquals(200, api.get("/v1.51/containers/json").status());
    assertEquals(200, api.get("/containers/json").status());
  }

  @Test
  void unknownPathsAreNotFound() throws Exception {
    for (String path : new String[] {"/nosuch", "/v1.51/nosuch", "/vx/info", "/grpc", "/session"}) {
      var reply = api.get(path);
      assertEquals(404, reply.status(), path);
      assertEquals("{\"message\":\"page not found\"}\n", reply.body(), path);
    }
    assertEquals(404, api.post("/grpc").status());
    assertEquals(404, api.ask("DELETE", "/info", "").status());
  }

  @Test
  void doubledSlashesAreRedirected() throws Exception {
    var reply = api.get("/v1.51/containers//probe/json?size=1");
    assertEquals(301, reply.status());
    assertEquals("/v1.51/containers/probe/json?size=1", reply.headers().get("location"));
  }

  @Test
  void statefulCallsWaitForRecoveryAndPingDoesNot() throws Exception {
    api.engine.recovered = new CompletableFuture<>();
    assertEquals(200, api.get("/_ping").status());
    assertEquals(200, api.get("/version").status());
    try (var waiting = api.connect()) {
      Api.send(waiting, "GET /containers/json HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
      assertEquals(200, api.get("/_ping").status());
      api.engine.recovered.complete(null);
      assertEquals(200, Api.parse(Api.readAll(waiting)).status());
    }
  }

  @Test
  void anEngineThatCannotRecoverSaysSo() throws Exception {
    api.engine.recovered = CompletableFuture.failedFuture(new IllegalStateException("no disk"));
    var reply = api.get("/containers/json");
    assertEquals(503, reply.status());
    assertTrue(reply.body().contains("no disk"), reply.body());
  }

  @Test
  void optionsAreAnsweredEverywhere() throws Exception {
    assertEquals(200, api.ask("OPTIONS", "/containers/json", "").status());
    assertEquals(200, api.ask("OPTIONS", "/nosuch", "").status());
  }

  @Test
  void corsIsOffUntilAskedFor() throws Exception {
    assertTrue(!api.get("/_ping").headers().containsKey("access-control-allow-origin"));
    try (var open = new Api(java.nio.file.Files.createDirectory(directory.resolve("o")), "*")) {
      for (String path : new String[] {"/_ping", "/nosuch", "/v1.99/info", "/containers/no/json"}) {
        assertEquals("*", open.get(path).headers().get("access-control-allow-origin"), path);
      }
      assertEquals(
          "HEAD, GET, POST, DELETE, PUT, OPTIONS",
          open.ask("OPTIONS", "/x", "").headers().get("access-control-allow-methods"));
      assertEquals("*", open.raw("NONSENSE\r\n\r\n").headers().get("access-control-allow-origin"));
    }
  }
}

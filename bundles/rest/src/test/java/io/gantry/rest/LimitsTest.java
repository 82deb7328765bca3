package io.gantry.rest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Requests that want to confuse or exhaust. */
@Timeout(180)
class LimitsTest {

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
  void lengthTogetherWithChunksIsRefusedAndNothingSmuggled() throws Exception {
    var reply =
        api.raw(
            "POST /containers/create?name=a HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
                + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "0\r\n\r\nPOST /containers/create?name=smuggled HTTP/1.1\r\nHost: d\r\n"
                + "Content-Type: application/json\r\nContent-Length: 19\r\n\r\n"
                + "{\"Image\":\"busybox\"}");
    assertEquals(400, reply.status());
    assertTrue(reply.type().startsWith("application/json"), reply.type());
    assertTrue(!reply.json().text("message").isEmpty(), reply.body());
    assertTrue(api.containers.called.isEmpty(), api.containers.called.toString());
  }

  @Test
  void noListFailsBecauseOneContainerHasNoSize() throws Exception {
    api.post("/containers/create?name=going", "{\"Image\":\"busybox\"}");
    api.post("/containers/create?name=staying", "{\"Image\":\"busybox\"}");
    api.containers.sizeless.add("going");
    var reply = api.get("/containers/json?all=1&size=1");
    assertEquals(200, reply.status());
    assertTrue(reply.body().contains("/going") && reply.body().contains("/staying"), reply.body());
    assertEquals(2, reply.body().split("SizeRootFs", -1).length, reply.body());
  }

  @Test
  void twoLengthsAreRefused() throws Exception {
    var reply =
        api.raw(
            "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\nContent-Length: 19"
                + "\r\n\r\n{}");
    assertEquals(400, reply.status());
    assertTrue(api.containers.called.isEmpty());
  }

  @Test
  void aBodyBeyondTheLimitIsRefusedBeforeItIsRead() throws Exception {
    var declared =
        api.ask(
            "POST",
            "/containers/create",
            "Content-Type: application/json\r\nContent-Length: 5000000000\r\n\r\n{");
    assertEquals(413, declared.status());
    String chunk = "100000\r\n" + " ".repeat(0x100000) + "\r\n";
    var chunked =
        api.ask(
            "POST",
            "/containers/create",
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                + chunk.repeat(5)
                + "0\r\n\r\n");
    assertEquals(413, chunked.status());
  }

  @Test
  void deepNestingIsRefused() throws Exception {
    var reply =
        api.post(
            "/containers/create",
            "{\"Image\":\"busybox\",\"x\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}");
    assertEquals(400, reply.status());
    String message = reply.json().text("message");
    assertTrue(message.startsWith("invalid JSON: "), message);
    assertTrue(message.contains("depth") && !message.contains("StreamRead"), message);
  }

  @Test
  void aConsoleSizeIsAPairOfNumbers() throws Exception {
    for (String size : new String[] {"5", "\"x\"", "{}", "[\"a\",2]", "[-1,2]", "[1.5,2]"}) {
      var reply =
          api.post(
              "/containers/create",
              "{\"Image\":\"busybox\",\"HostConfig\":{\"ConsoleSize\":" + size + "}}");
      assertEquals(400, reply.status(), size);
      assertTrue(reply.body().contains("ConsoleSize of type "), reply.body());
    }
    for (String size : new String[] {"null", "[]", "[24,80]"}) {
      var reply =
          api.post(
              "/containers/create",
              "{\"Image\":\"busybox\",\"HostConfig\":{\"ConsoleSize\":" + size + "}}");
      assertEquals(201, reply.status(), size);
    }
  }

  @Test
  void whatIsOnlyPassedOnHasItsTypeToo() throws Exception {
    for (String field : new String[] {"\"OnBuild\":5", "\"OnBuild\":[1]", "\"ArgsEscaped\":5"}) {
      var reply = api.post("/containers/create", "{\"Image\":\"busybox\"," + field + "}");
      assertEquals(400, reply.status(), field);
      assertTrue(reply.body().contains("cannot unmarshal number"), reply.body());
    }
    api.post("/containers/create?name=b", "{\"Image\":\"busybox\",\"OnBuild\":[\"RUN true\"]}");
    assertTrue(api.get("/containers/b/json").body().contains("\"OnBuild\":[\"RUN true\"]"));
  }

  @RepeatedTest(20) // closing on unread input may lose the answer, but not always
  void aHugeHeadIsRefused() throws Exception {
    var reply = api.get("/containers/json?filters=" + "a".repeat(200_000));
    assertTrue(reply.status() == 414 || reply.status() == 431, reply.line());
    assertTrue(reply.type().startsWith("application/json"), reply.type());
  }

  @Test
  void halfASurrogatePairComesBackAsAReplacement() throws Exception {
    assertEquals(
        201,
        api.post(
                "/containers/create?name=u",
                "{\"Image\":\"busybox\",\"Labels\":{\"l\":\"a\\ud800b\"}}")
            .status());
    assertTrue(api.get("/containers/u/json").body().contains("\"l\":\"a\uFFFDb\""));
  }

  @Test
  void noFilterIsLookedForForEver() throws Exception {
    String name = "a".repeat(40);
    api.post("/containers/create?name=" + name, "{\"Image\":\"busybox\"}");
    for (String filter :
        List.of(
            "(.*)(.*)(.*)(.*)(.*)(.*)(.*)b", "((){2000000000}){2000000000}b", "(a{1000}){1000}")) {
      var reply = api.get("/containers/json?all=1&filters=" + filter("name", filter));
      assertEquals("200 []", reply.status() + " " + reply.body().strip());
    }
    var found = api.get("/containers/json?all=1&filters=" + filter("name", "^/(a+a+)+$"));
    assertTrue(found.body().contains("/" + name), found.body());
  }

  private static String filter(String key, String value) {
    return URLEncoder.encode("{\"%s\":[\"%s\"]}".formatted(key, value), UTF_8);
  }

  @Test
  void anUploadThatFailsStillGetsItsAnswer() throws Exception {
    try (var client = api.connect()) {
      Api.send(
          client,
          "POST /images/create?fromSrc=-&repo=a HTTP/1.1\r\nHost: d\r\nContent-Length: 3000000\r\n\r\nX");
      Api.send(client, "y".repeat(100_000));
      var reply = Api.parse(Api.readAll(client)); // not: connection reset
      assertEquals(400, reply.status());
      assertEquals("broken tar", reply.json().text("message"));
    }
  }

  @Test
  void anUploadThatGoesOnAndOnAfterItsAnswerIsCutOff() throws Exception {
    try (var client = api.connect()) {
      Api.send(
          client,
          "POST /images/create?fromSrc=-&repo=a HTTP/1.1\r\nHost: d\r\nContent-Length: 9000000000\r\n\r\nX");
      String more = "y".repeat(1 << 20);
      for (int i = 0; i < 10; i++) { // as one that sends all before it reads
        Api.send(client, more);
      }
      assertEquals(400, Api.parse(Api.readUntil(client, "broken tar\"}\n")).status());
      assertThrows(
          IOException.class,
          () -> {
            for (int i = 0; i < 100; i++) {
              Api.send(client, more);
            }
          });
    }
  }

  @Test
  void anImportTakesTheWholeBodyAndAnswersWithTheId() throws Exception {
    String body = "t".repeat(300_000);
    var reply =
        api.ask(
            "POST",
            "/images/create?fromSrc=-&repo=a/b:v1&changes=CMD+sh&changes=ENV+A%3Db",
            "Content-Type: text/plain\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
    assertEquals(200, reply.status());
    assertEquals(FakeImages.ID, reply.json().text("status"));
    assertEquals(body.length(), api.images.imported);
    assertEquals("a/b|v1|Imported from -", api.images.importedAs);
    assertEquals(java.util.List.of("CMD sh", "ENV A=b"), api.images.changes);
  }

  @Test
  void imageNamesInPathsMayHoldSlashesAndEscapes() throws Exception {
    api.get("/images/localhost:5000/a/b:v1/json");
    assertEquals("localhost:5000/a/b:v1", api.images.asked);
    api.get("/images/localhost:5000%2Fa%2Fb:v1/json");
    assertEquals("localhost:5000/a/b:v1", api.images.asked);
    assertEquals(400, api.get("/images/%zz/json").status());
  }

  @Test
  void manySilentClientsKeepNobodyFromBeingServed() throws Exception {
    var clients = new java.nio.channels.SocketChannel[400];
    try {
      for (int i = 0; i < clients.length; i++) {
        clients[i] = api.connect();
        Api.send(
            clients[i],
            "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
                + "Content-Length: 100\r\n\r\n{");
      }
      assertEquals(200, api.get("/containers/json").status());
    } finally {
      for (var client : clients) {
        if (client != null) {
          client.close();
        }
      }
    }
  }

  @Test
  void uploadsThatStallKeepNobodyFromBeingServed() throws Exception {
    var clients = new ArrayList<SocketChannel>();
    try {
      for (int i = 0; i < 300; i++) {
        clients.add(api.connect());
        Api.send(
            clients.get(i),
            "POST /images/create?fromSrc=- HTTP/1.1\r\nHost: d\r\nContent-Length: 1000\r\n\r\nx");
      }
      assertEquals(200, api.get("/containers/json").status());
      assertEquals(201, api.post("/containers/create", "{\"Image\":\"busybox\"}").status());
    } finally {
      for (var client : clients) {
        client.close();
      }
    }
  }

  @Test
  void largeBodiesThatStallLeaveRoomForOrdinaryOnes() throws Exception {
    String head =
        "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
            + "Content-Length: 4000000\r\n\r\n";
    var clients = new ArrayList<SocketChannel>();
    try {
      for (int i = 0; i < 8; i++) {
        clients.add(api.connect());
        Api.send(clients.get(i), head + " ".repeat(3_999_999));
      }
      String large = "{\"Image\":\"busybox\"" + " ".repeat(3_900_000) + "}";
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
      int status = 0;
      while (status != 503 && System.nanoTime() < deadline) { // once the others have been read
        status = api.post("/containers/create", large).status();
      }
      assertEquals(503, status);
      assertEquals(201, api.post("/containers/create", "{\"Image\":\"busybox\"}").status());
    } finally {
      for (var client : clients) {
        client.close();
      }
    }
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    String large = "{\"Image\":\"busybox\"" + " ".repeat(3_900_000) + "}";
    int status = 503;
    while (status == 503 && System.nanoTime() < deadline) { // their room comes back
      status = api.post("/containers/create", large).status();
    }
    assertEquals(201, status);
  }

  @Test
  void aBodyOfMillionsOfValuesIsRefused() throws Exception {
    var reply =
        api.post("/containers/create", "{\"Image\":\"b\",\"x\":[" + "[],".repeat(500_000) + "1]}");
    assertEquals(400, reply.status());
    assertTrue(reply.json().text("message").startsWith("invalid JSON: "), reply.body());
  }

  @Test
  void aZeroByteIsTheClientsMistake() throws Exception {
    for (String body :
        new String[] {
          "{\"Image\":\"a\\u0000b\"}",
          "{\"Image\":\"a\",\"Labels\":{\"l\\u0000\":\"\"}}",
          "{\"Image\":\"a\",\"HostConfig\":{\"Binds\":[\"/a\\u0000:/b\"]}}"
        }) {
      assertEquals(400, api.post("/containers/create", body).status(), body);
    }
    assertEquals(400, api.post("/containers/create?name=a%00b", "{\"Image\":\"a\"}").status());
    assertTrue(api.containers.called.isEmpty(), api.containers.called.toString());
  }

  @Test
  void keepAliveServesRequestAfterRequest() throws Exception {
    try (var client = api.connect()) {
      for (int i = 0; i < 3; i++) {
        Api.send(client, "HEAD /_ping HTTP/1.1\r\nHost: d\r\n\r\n");
        assertTrue(Api.readUntil(client, "\r\n\r\n").startsWith("HTTP/1.1 200"));
      }
    }
  }

  @Test
  void eventsOfASlowClientAreNotKeptForEver() throws Exception {
    try (var client = api.connect()) {
      Api.send(client, "GET /events HTTP/1.1\r\nHost: d\r\n\r\n");
      Api.readUntil(client, "\r\n\r\n");
      String id = "i".repeat(2000);
      for (int i = 0; i < 20_000; i++) {
        api.engine.publish(EventsTest.event("container", "start", id, java.util.Map.of()));
      }
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
      Api.readAll(client); // ends: it was cut off
      while (!api.engine.sinks.isEmpty() && System.nanoTime() < deadline) {
        Thread.onSpinWait();
      }
      assertTrue(api.engine.sinks.isEmpty());
    }
  }
}

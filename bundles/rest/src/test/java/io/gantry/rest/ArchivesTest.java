package io.gantry.rest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import io.gantry.rest.Api.Reply;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Loading, saving and pruning images over HTTP. */
@Timeout(20)
class ArchivesTest {

  private static final String ID = "sha256:" + "a".repeat(64);

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

  private Reply load(String query) throws IOException {
    return api.ask(
        "POST",
        "/images/load" + query,
        "Content-Type: application/x-tar\r\nContent-Length: 3\r\n\r\ntar");
  }

  @Test
  void aLoadTellsItsProgressUnlessItIsQuiet() throws IOException {
    api.images.loadSteps =
        loading -> {
          loading.layer("sha256:0123456789abcdef", 500, 1000);
          loading.layer("sha256:0123456789abcdef", 1234567, 1234567);
          loading.moves("x:1", ID);
          loading.loaded(ID, List.of("x:1", "y:2"));
        };
    String renaming =
        "{\"stream\":\"The image x:1 already exists, renaming the old one with ID "
            + ID
            + " to empty string\\n\"}\n";
    String loaded =
        "{\"stream\":\"Loaded image: x:1\\n\"}\n{\"stream\":\"Loaded image: y:2\\n\"}\n";
    Reply loud = load("?quiet=0");
    assertEquals(200, loud.status());
    assertEquals("application/json", loud.type());
    assertEquals(
        "{\"status\":\"Loading layer\",\"progressDetail\":{\"current\":500,\"total\":1000},"
            + "\"progress\":\"["
            + "=".repeat(25)
            + ">"
            + " ".repeat(25)
            + "]     500B/1kB\",\"id\":\"0123456789ab\"}\n"
            + "{\"status\":\"Loading layer\",\"progressDetail\":{\"current\":1234567,"
            + "\"total\":1234567},\"progress\":\"["
            + "=".repeat(50)
            + ">]  1.235MB/1.235MB\",\"id\":\"0123456789ab\"}\n"
            + renaming
            + loaded,
        loud.body());
    assertEquals(renaming + loaded, load("?quiet=1").body());
    assertEquals(renaming + loaded, load("").body());
  }

  @Test
  void anImageWithoutANameIsToldByItsIdWhenNoneHasOne() throws IOException {
    api.images.loadSteps = loading -> loading.loaded(ID, List.of());
    assertEquals("{\"stream\":\"Loaded image ID: " + ID + "\\n\"}\n", load("").body());
    api.images.loadSteps =
        loading -> {
          loading.loaded(ID, List.of());
          loading.loaded(ID, List.of("x:1"));
        };
    assertEquals("{\"stream\":\"Loaded image: x:1\\n\"}\n", load("").body());
  }

  @Test
  void aLoadThatFailsSaysSoInItsStream() throws IOException {
    api.images.loadSteps =
        loading -> {
          throw new GantryException(Kind.INVALID, "unexpected EOF");
        };
    Reply failed = load("?quiet=1");
    assertEquals(200, failed.status());
    assertEquals(
        "{\"errorDetail\":{\"message\":\"unexpected EOF\"},\"error\":\"unexpected EOF\"}\n",
        failed.body());
  }

  @Test
  void aClientThatLeavesEndsItsLoad() throws Exception {
    var began = new CountDownLatch(1);
    var ended = new CompletableFuture<String>();
    api.images.loadSteps =
        loading -> {
          began.countDown();
          try {
            new CountDownLatch(1).await();
          } catch (InterruptedException e) {
            ended.complete("interrupted");
          }
          throw new GantryException(Kind.CANCELLED, "cancelled");
        };
    try (var channel = api.connect()) {
      Api.send(channel, "POST /images/load HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\n\r\ntar");
      assertTrue(began.await(60, TimeUnit.SECONDS));
      assertFalse(ended.isDone());
    }
    assertEquals("interrupted", ended.get(60, TimeUnit.SECONDS));
    api.images.loadSteps = loading -> loading.loaded(ID, List.of("x:1"));
    assertEquals("{\"stream\":\"Loaded image: x:1\\n\"}\n", load("").body());
  }

  @Test
  void platformsAreChecked() throws IOException {
    assertEquals(
        "failed to parse platform: invalid character 'x' looking for beginning of value",
        load("?platform=x").json().text("message"));
    assertEquals(
        "multiple platform parameters not supported",
        api.get("/images/get?names=a&platform={}&platform={}").json().text("message"));
    load("?platform=%7B%22os%22:%22linux%22,%22architecture%22:%22arm64%22%7D");
    assertEquals("linux/arm64", api.images.asked);
  }

  @Test
  void aSaveIsATarAndWhatIsMissingIsSaidBefore() throws IOException {
    Reply one = api.get("/images/a/b/get");
    assertEquals(200, one.status());
    assertEquals("application/x-tar", one.type());
    assertEquals("\1\2\3", one.body());
    assertEquals("[a/b] ", api.images.asked);
    api.get("/images/get?names=a&names=b:1");
    assertEquals("[a, b:1] ", api.images.asked);
    assertEquals(2, api.images.closed);
    Reply missing = api.get("/images/get?names=nosuch");
    assertEquals(404, missing.status());
    assertEquals("No such image: nosuch", missing.json().text("message"));
  }

  @Test
  void aSaveThatBreaksOffDoesNotLookComplete() throws IOException {
    api.images.saved =
        out -> {
          out.write(new byte[100_000]);
          throw new GantryException(Kind.INTERNAL, "layer x has been damaged");
        };
    try (var channel = api.connect()) {
      Api.send(channel, "GET /images/a/get HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
      String all = Api.readAll(channel);
      assertTrue(all.startsWith("HTTP/1.1 200 "), all.substring(0, 20));
      assertFalse(all.endsWith("0\r\n\r\n"), "the last chunk is missing");
    }
    api.images.saved =
        out -> {
          throw new GantryException(Kind.INTERNAL, "layer x has been damaged");
        };
    assertEquals(500, api.get("/images/a/get").status());
    assertEquals(2, api.images.closed);
  }

  @Test
  void aPruneTakesDanglingImagesUnlessAskedForAll() throws IOException {
    assertEquals(
        "{\"ImagesDeleted\":null,\"SpaceReclaimed\":0}\n", api.post("/images/prune").body());
    assertEquals("dangling true matches true", api.images.asked);
    Reply all =
        api.post(
            "/images/prune?filters=%7B%22dangling%22:%5B%22false%22%5D,%22label%22:%5B%22no%22%5D%7D");
    assertEquals("dangling false matches false", api.images.asked);
    assertEquals(
        "{\"ImagesDeleted\":[{\"Untagged\":\"busybox:latest\"},{\"Deleted\":\""
            + FakeImages.ID
            + "\"}],\"SpaceReclaimed\":7}\n",
        all.body());
    Reply bad = api.post("/images/prune?filters=%7B%22dangling%22:%5B%22x%22%5D%7D");
    assertEquals(400, bad.status());
    assertEquals("invalid filter 'dangling=[x]'", bad.json().text("message"));
    assertEquals(
        400, api.post("/images/prune?filters=%7B%22reference%22:%5B%22x%22%5D%7D").status());
  }

  @Test
  void aCheckNamesWhatIsDamaged() throws IOException {
    assertEquals(
        "{\"layers\":3,\"damages\":[{\"what\":\"layer\",\"id\":\"%s\",\"driver\":\"vfs\","
                .formatted(FakeImages.ID)
            + "\"reason\":\"it was changed\",\"images\":[\"%s\"],\"containers\":[\"c\"]}],"
                .formatted(FakeImages.ID)
            + "\"skipped\":[]}\n",
        api.get("/gantry/v1/images/check").body());
    assertEquals(
        "{\"layers\":3,\"damages\":[],\"skipped\":[]}\n",
        api.get("/gantry/v1/images/check?image=busybox").body());
  }

  @Test
  void anImportFetchesFromAnAddress() throws IOException {
    var paths = new HashMap<String, HttpHandler>();
    paths.put("/fs.tar", call -> answer(call, 200, "t".repeat(1000)));
    paths.put("/moved", call -> move(call, "/fs.tar"));
    paths.put("/round", call -> move(call, "/round"));
    paths.put("/file", call -> move(call, "file:///etc/passwd"));
    paths.put("/secret", call -> answer(call, 401, "who are you"));
    paths.put("/broken", call -> answer(call, 200, "X"));
    try (var server = new Served(paths)) {
      Reply reply = fetch(server.host() + "/moved");
      assertEquals(200, reply.status());
      assertEquals(
          List.of(
              "{\"status\":\"Downloading from http://" + server.host() + "/moved\"}",
              importing(),
              "{\"status\":\"" + FakeImages.ID + "\"}"),
          reply.body().lines().toList());
      assertEquals(1000, api.images.imported);
      assertEquals("web|1|Imported from " + server.host() + "/moved", api.images.importedAs);

      assertRefused(
          404, "failed to GET http://%s/none with status 404 Not Found: ", server, "/none");
      assertRefused(
          401,
          "failed to GET http://%s/secret with status 401 Unauthorized: who",
          server,
          "/secret");
      assertRefused(503, "Get \"http://%s/round\": stopped after 10 redirects", server, "/round");
      assertTrue(fetch(server.host() + "/file").body().contains("unsupported protocol scheme"));
      assertEquals(
          "{\"errorDetail\":{\"message\":\"broken tar\"},\"error\":\"broken tar\"}",
          fetch(server.host() + "/broken").body().lines().toList().get(1));
    }
    assertEquals(400, fetch("file:///etc/passwd").status());
    assertEquals(503, fetch("http://127.0.0.1:1/x").status());
  }

  private static String importing() {
    return "{\"status\":\"Importing\",\"progressDetail\":{\"current\":1000,\"total\":1000},"
        + "\"progress\":\"[%s>]      1kB/1kB\"}".formatted("=".repeat(50));
  }

  private Reply fetch(String source) throws IOException {
    return api.ask(
        "POST", "/images/create?repo=web&tag=1&fromSrc=" + source, "Content-Length: 0\r\n\r\n");
  }

  private void assertRefused(int status, String sentence, Served server, String path)
      throws IOException {
    Reply reply = fetch(server.host() + path);
    assertEquals(status, reply.status());
    String text = reply.body().replace("\\\"", "\"");
    assertTrue(text.contains(sentence.formatted(server.host())), text);
  }

  private static void answer(HttpExchange call, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(UTF_8);
    call.sendResponseHeaders(status, bytes.length);
    call.getResponseBody().write(bytes);
    call.close();
  }

  private static void move(HttpExchange call, String where) throws IOException {
    call.getResponseHeaders().add("Location", where);
    call.sendResponseHeaders(302, -1);
    call.close();
  }

  /** A server on loopback that knows some paths. */
  private static final class Served implements AutoCloseable {
    private final HttpServer server;

    Served(Map<String, HttpHandler> paths) throws IOException {
      server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
      paths.forEach(server::createContext);
      server.start();
    }

    String host() {
      return "127.0.0.1:" + server.getAddress().getPort();
    }

    @Override
    public void close() {
      server.stop(0);
    }
  }
}

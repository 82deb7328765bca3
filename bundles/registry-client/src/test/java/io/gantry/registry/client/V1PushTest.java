package io.gantry.registry.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Transfers.Login;
import io.gantry.auth.v1.V1Auth;
import io.gantry.image.Image;
import io.gantry.itests.harness.v1.V1Registry;
import io.gantry.itests.harness.v1.V1Server;
import io.gantry.registry.client.TestImage.Packing;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a push to a registry of version 1 sends, and what can be pulled afterwards. */
@Timeout(60)
class V1PushTest {

  private static final TestImage.Layer BASE = TestImage.layer("base", 200_000, Packing.GZIP);
  private static final TestImage.Layer TOP =
      TestImage.layer("a/".repeat(80) + "x", 9, Packing.GZIP);
  private static final TestImage IMAGE = TestImage.of("amd64", BASE, TOP);

  @TempDir Path temp;
  private final List<V1Server> servers = new ArrayList<>();
  private Engine engine;
  private V1Server registry;
  private Image image;

  @BeforeEach
  void start() throws IOException {
    engine = new Engine(temp.resolve("own"));
    engine.providers.put("v1", new V1Auth());
    registry = serving(V1Server.standalone());
    try (FakeRegistry source = new FakeRegistry()) {
      IMAGE.in(source, "a", "1", TestImage.OCI);
      engine.pull(source.host() + "/a:1");
      image = engine.images.inspect(source.host() + "/a:1");
    }
  }

  private V1Server serving(V1Server server) {
    servers.add(server);
    return server;
  }

  @AfterEach
  void stop() {
    engine.close();
    servers.forEach(V1Server::close);
  }

  private String tagged(String host, String name, String tag) {
    engine.images.tag(image.id().toString(), host + "/" + name, tag);
    return host + "/" + name + ":" + tag;
  }

  private List<String> asked() {
    return registry.asked.stream().map(Object::toString).toList();
  }

  private String baseId() {
    return image.layers().get(0).hex();
  }

  @Test
  void theOrderIsThatOfOldClients() {
    List<String> told = engine.push(tagged(registry.host(), "x", "1"));
    List<String> expected = new ArrayList<>();
    expected.addAll(List.of("GET /v2/", "GET /v1/_ping", "PUT /v1/repositories/x/"));
    for (String id : List.of(baseId(), image.id().hex())) {
      expected.add("GET /v1/images/" + id + "/json");
      expected.add("PUT /v1/images/" + id + "/json");
      expected.add("PUT /v1/images/" + id + "/layer");
      expected.add("PUT /v1/images/" + id + "/checksum");
    }
    expected.add("PUT /v1/repositories/x/tags/1");
    expected.add("PUT /v1/repositories/x/images");
    assertEquals(expected, asked());
    assertEquals(
        2, told.stream().filter(line -> line.endsWith("Image successfully pushed")).count());
    assertEquals(image.id().hex(), registry.registry().tags("x").get("1"));
    for (V1Registry.Stored stored : registry.registry().images.values()) {
      assertTrue(registry.index().images("x").containsValue(stored.checksum()));
    }
  }

  @Test
  void whatIsThereIsNotSentAgain() {
    engine.push(tagged(registry.host(), "x", "1"));
    registry.asked.clear();
    List<String> told = engine.push(tagged(registry.host(), "x", "2"));
    assertEquals(
        2, told.stream().filter(line -> line.endsWith("already pushed, skipping")).count());
    assertFalse(asked().stream().anyMatch(one -> one.contains("/layer")));
    assertEquals(image.id().hex(), registry.registry().tags("x").get("2"));
    assertEquals(2, registry.index().images("x").values().stream().distinct().count());
  }

  @Test
  void anotherEnginePullsTheSameContent() {
    String name = tagged(registry.host(), "x", "1");
    engine.push(name);
    try (Engine other = new Engine(temp.resolve("other"))) {
      List<String> told = other.pull(name);
      assertFalse(told.stream().anyMatch(line -> line.contains("WARNING")), told::toString);
      Image pulled = other.images.inspect(name);
      assertEquals(image.config().diffs(), pulled.config().diffs());
      assertEquals(image.config().run(), pulled.config().run());
      other.push(name);
      engine.push(name);
      assertEquals(3, registry.registry().images.size()); // the configuration tells who made it
    }
  }

  @Test
  void allTagsGoAndEachImageOnce() {
    tagged(registry.host(), "x", "1");
    tagged(registry.host(), "x", "2");
    engine.push(registry.host() + "/x", true, "", null);
    assertEquals(List.of("1", "2"), List.copyOf(registry.registry().tags("x").keySet()));
    assertEquals(1, registry.count("PUT /v1/images/" + baseId() + "/layer"));
  }

  @Test
  void anIndexGetsTheUserAndItsRegistriesGetTheTokens() throws IOException {
    List<String> endpoints = new ArrayList<>();
    V1Server index = serving(V1Server.index(endpoints));
    V1Server first = serving(V1Server.registryOf(index.index()));
    endpoints.add(first.host());
    index.index().users.put("alice", "secret");
    String name = tagged(index.host(), "a/b", "1");
    engine.push(name, false, "", new Login(index.host(), "alice", "secret", "", ""));
    for (V1Server.Asked one : first.asked) {
      assertTrue(one.header("Authorization").startsWith("Token signature="), one::toString);
    }
    V1Server.Asked last = index.asked.get(index.asked.size() - 1);
    assertEquals("PUT /v1/repositories/a/b/images", last.toString());
    assertEquals(first.host(), last.header("X-docker-endpoints"));
    assertTrue(last.header("Authorization").startsWith("Basic "));
    assertFalse(index.index().images("a/b").containsValue(""));
    GantryException e = assertThrows(GantryException.class, () -> engine.push(name));
    assertEquals(Kind.UNAUTHORIZED, e.kind());
  }

  @Test
  void aSumIsOverTheMembersOfALayer() throws IOException {
    engine.push(tagged(registry.host(), "x", "1"));
    engine.make(registry.host() + "/x", "2", manyMembers());
    engine.push(registry.host() + "/x:2");
    assertEquals(3, registry.registry().images.size());
    for (V1Registry.Stored stored : registry.registry().images.values()) {
      assertEquals(sum(stored), stored.tarsum());
    }
  }

  private static byte[] manyMembers() throws IOException {
    var tar = new ByteArrayOutputStream();
    try (var out = new TarArchiveOutputStream(tar)) {
      out.setLongFileMode(TarArchiveOutputStream.LONGFILE_GNU);
      for (String name : List.of("d/", "d/file", "d/" + "long/".repeat(30) + "file")) {
        var entry = new TarArchiveEntry(name);
        entry.setSize(name.endsWith("/") ? 0 : 5000);
        entry.setIds(1000, 2000);
        entry.setNames("alice", "users");
        out.putArchiveEntry(entry);
        out.write(new byte[(int) entry.getSize()]);
        out.closeArchiveEntry();
      }
      var link = new TarArchiveEntry("d/link", TarConstants.LF_SYMLINK);
      link.setLinkName("file");
      out.putArchiveEntry(link);
      out.closeArchiveEntry();
    }
    return tar.toByteArray();
  }

  /** Written anew from the definition of the sum. */
  private static String sum(V1Registry.Stored stored) throws IOException {
    TreeSet<String> sums = new TreeSet<>();
    byte[] gzip = Objects.requireNonNull(stored.layer());
    try (var tar = new TarArchiveInputStream(new GZIPInputStream(new ByteArrayInputStream(gzip)))) {
      for (TarArchiveEntry entry; (entry = tar.getNextEntry()) != null; ) {
        String header =
            "name%smode%duid%dgid%dsize%dmtime%dtypeflag%clinkname%suname%sgname%sdevmajor%ddevminor%d"
                .formatted(
                    entry.getName(),
                    entry.getMode(),
                    entry.getLongUserId(),
                    entry.getLongGroupId(),
                    entry.getSize(),
                    entry.getLastModifiedTime().toMillis() / 1000,
                    (char) entry.getLinkFlag(),
                    entry.getLinkName(),
                    entry.getUserName(),
                    entry.getGroupName(),
                    entry.getDevMajor(),
                    entry.getDevMinor());
        byte[] content = tar.readAllBytes();
        byte[] both = new byte[header.length() + content.length];
        System.arraycopy(header.getBytes(UTF_8), 0, both, 0, header.length());
        System.arraycopy(content, 0, both, header.length(), content.length);
        sums.add(Digest.sha256(both).hex());
      }
    }
    String all = stored.json() + String.join("", sums);
    return "tarsum+sha256:" + Digest.sha256(all.getBytes(UTF_8)).hex();
  }

  @Test
  void filesGetWhatIsPushed() {
    var settings = V1Settings.with("files.example=" + temp.resolve("files").toUri());
    try (Engine knowing = new Engine(temp.resolve("knowing"), settings)) {
      engine.push(tagged(registry.host(), "x", "1"));
      knowing.pull(registry.host() + "/x:1");
      knowing.images.tag(registry.host() + "/x:1", "files.example/a/b", "1");
      Image before = knowing.images.inspect("files.example/a/b:1");
      knowing.push("files.example/a/b:1");
      knowing.push("files.example/a/b:1");
      try (Engine next = new Engine(temp.resolve("next"), settings)) {
        next.pull("files.example/a/b:1");
        Image after = next.images.inspect("files.example/a/b:1");
        assertEquals(before.config().diffs(), after.config().diffs());
      }
    }
  }

  @Test
  void aPushToFilesThatFailsCanBeRepeated() throws IOException {
    Path files = temp.resolve("files");
    var settings = V1Settings.with("files.example=" + files.toUri());
    try (Engine knowing = new Engine(temp.resolve("knowing"), settings)) {
      Image made = knowing.make("files.example/x", "1", TestImage.tar("x", 10));
      Path layer = files.resolve("v1/images").resolve(made.id().hex()).resolve("layer");
      Path obstacle = Files.createDirectories(layer.resolve("x"));
      assertThrows(GantryException.class, () -> knowing.push("files.example/x:1"));
      Files.delete(obstacle);
      Files.delete(layer);
      knowing.push("files.example/x:1");
      try (Engine next = new Engine(temp.resolve("next"), settings)) {
        next.pull("files.example/x:1");
        Image after = next.images.inspect("files.example/x:1");
        assertEquals(made.config().diffs(), after.config().diffs());
      }
    }
  }

  @Test
  void aWebServerThatTakesFilesGetsThem() {
    registry.answers.put("GET /v1/_ping", call -> call.exchange().sendResponseHeaders(404, -1));
    try (Engine knowing = new Engine(temp.resolve("knowing"), V1Settings.with(registry.host()))) {
      knowing.make(registry.host() + "/a/b", "1", TestImage.tar("x", 10));
      knowing.push(registry.host() + "/a/b:1");
      assertFalse(asked().stream().anyMatch(one -> one.matches("PUT .*(checksum|images|/)")));
      Image pushed = knowing.images.inspect(registry.host() + "/a/b:1");
      knowing.pull(registry.host() + "/a/b:1");
      assertEquals(
          pushed.config().diffs(),
          knowing.images.inspect(registry.host() + "/a/b:1").config().diffs());
    }
  }

  @Test
  void tokensThatDoNotLastAreReplacedOnce() throws IOException {
    List<String> endpoints = new ArrayList<>();
    V1Server index = serving(V1Server.index(endpoints));
    V1Server first = serving(V1Server.registryOf(index.index()));
    endpoints.add(first.host());
    String layer = "/v1/images/" + image.id().hex() + "/layer";
    first.answers.put(
        layer,
        call -> {
          first.answers.remove(layer);
          call.with("WWW-Authenticate", "Token");
          call.exchange().sendResponseHeaders(401, -1);
        });
    engine.push(tagged(index.host(), "a/b", "1"));
    assertEquals(2, index.count("PUT /v1/repositories/a/b/"));
    assertEquals(1, first.count("PUT /v1/images/" + baseId() + "/layer"));
    assertFalse(index.index().images("a/b").containsValue(""));
  }

  @Test
  void aPushThatFailsCanBeRepeated() {
    String name = tagged(registry.host(), "x", "1");
    String layer = "/v1/images/" + image.id().hex() + "/layer";
    registry.answers.put(layer, call -> call.exchange().sendResponseHeaders(500, -1));
    GantryException e = assertThrows(GantryException.class, () -> engine.push(name));
    assertEquals(Kind.UNAVAILABLE, e.kind());
    assertTrue(registry.index().images("x").values().stream().allMatch(String::isEmpty));
    assertFalse(registry.registry().tags("x").containsKey("1"));
    registry.answers.clear();
    List<String> told = engine.push(name);
    assertTrue(told.contains(baseId().substring(0, 12) + ": Image already pushed, skipping"));
    assertFalse(registry.index().images("x").containsValue(""));
  }

  /** Somebody else pushes it at the same time. */
  @Test
  void anImageThatIsThereMeanwhileIsSkipped() {
    engine.push(tagged(registry.host(), "x", "1"));
    String json = "GET /v1/images/" + image.id().hex() + "/json";
    registry.answers.put(json, call -> call.exchange().sendResponseHeaders(404, -1));
    List<String> told = engine.push(tagged(registry.host(), "x", "2"));
    assertTrue(told.contains(image.shortId() + ": Image already pushed, skipping"), told::toString);
    assertEquals(image.id().hex(), registry.registry().tags("x").get("2"));
  }

  @Test
  void aLayerGoesWhereItIsLedWithoutTokens() throws IOException {
    V1Server other = serving(V1Server.standalone());
    String layer = "/v1/images/" + image.id().hex() + "/layer";
    other.answers.put(layer, call -> call.exchange().sendResponseHeaders(200, -1));
    registry.answers.put(
        layer,
        call -> {
          call.with("Location", "http://" + other.host() + layer);
          call.exchange().sendResponseHeaders(307, -1);
        });
    assertThrows( // the registry has no layer to put a checksum on
        GantryException.class, () -> engine.push(tagged(registry.host(), "x", "1")));
    assertEquals(1, other.asked.size());
    assertTrue(other.asked.get(0).body() > 0);
    assertEquals("", other.asked.get(0).header("Authorization"));
    assertEquals("", other.asked.get(0).header("Cookie"));
  }
}

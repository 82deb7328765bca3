package io.gantry.registry.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.image.manifest.Descriptor;
import io.gantry.image.manifest.Document;
import io.gantry.spi.GantryException;
import io.gantry.store.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an engine does with layers that it was killed amid, by what it finds on its disk. */
class PushAfterAKillTest extends RegistryFixture {

  private static final byte[] TAR = TestImage.tar("own", 12 << 20);
  private static final int SENT = 3_000_000;
  private static final String FIRST = "/v2/a/b/blobs/uploads/1";
  private static final String SECOND = "/v2/a/b/blobs/uploads/2";
  private static final String UPLOADS = "registry/uploads";

  private final ExecutorService threads = Executors.newSingleThreadExecutor();
  private final CountDownLatch end = new CountDownLatch(1);
  private Path disk;

  /** A push that the registry has so many bytes of, and a copy of the engine's disk of then. */
  private void killedAmid(byte[] tar) throws Exception {
    engine.make(name(""), "1", tar);
    CountDownLatch arrived = new CountDownLatch(1);
    registry.answers.put(
        "PATCH " + FIRST,
        exchange -> {
          registry.uploads.take(exchange, "1", SENT);
          arrived.countDown();
          await(end);
          throw new IOException("hangs up");
        });
    Future<?> push = threads.submit(() -> engine.push(name(":1")));
    await(arrived);
    disk = temp.resolveSibling(temp.getFileName() + "-killed");
    copy(temp, disk);
    registry.answers.put("DELETE " + FIRST, exchange -> exchange.sendResponseHeaders(204, -1));
    engine.client.cancel(engine.client.list().get(0).id());
    end.countDown();
    assertThrows(ExecutionException.class, push::get);
    until(() -> registry.count("DELETE", FIRST) == 1);
    registry.answers.clear();
    registry.asked.clear();
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path one : all.toList()) {
        Files.copy(one, to.resolve(from.relativize(one).toString()));
      }
    }
  }

  @AfterEach
  void stop() throws IOException {
    end.countDown();
    threads.shutdownNow();
    if (disk != null) {
      try (Stream<Path> all = Files.walk(disk)) {
        for (Path one : all.sorted((a, b) -> b.compareTo(a)).toList()) {
          Files.delete(one);
        }
      }
    }
  }

  private List<String> asked() {
    return registry.asked.stream()
        .filter(one -> one.path().contains("/uploads/") && !one.method().equals("PUT"))
        .map(FakeRegistry.Asked::toString)
        .toList();
  }

  private List<String> ranges() {
    return registry.asked.stream()
        .filter(one -> one.method().equals("PATCH"))
        .map(one -> one.header("Content-range"))
        .toList();
  }

  private static List<Path> written(Path root) throws IOException {
    Path folder = root.resolve(UPLOADS);
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  private void assertPushed() {
    byte[] json = registry.content("/v2/a/b/manifests/1");
    Document manifest = Document.parse(json, "manifest");
    Descriptor layer = Descriptor.of(manifest.list("layers", 1).get(0));
    byte[] blob = registry.content(FakeRegistry.blobPath("a/b", layer.digest()));
    assertEquals(layer.digest(), Digest.sha256(blob));
    assertEquals(layer.size(), blob.length);
  }

  @Test
  void aLayerIsGoneOnWithWhereTheRegistrySays() throws Exception {
    killedAmid(TAR);
    assertEquals(1, written(disk).size());
    try (var again = new Engine(disk)) {
      again.push(name(":1"));
    }
    assertEquals("GET " + FIRST, asked().get(0));
    assertEquals(0, registry.uploads.sessions.size());
    assertTrue(ranges().get(0).startsWith(SENT + "-"), ranges()::toString);
    assertPushed();
    assertEquals(List.of(), written(disk));
  }

  @Test
  void theRecordIsForNobodyElse() throws Exception {
    killedAmid(TAR);
    Map<String, Object> attributes = Files.readAttributes(written(disk).get(0), "unix:mode");
    assertEquals(0600, (int) attributes.get("mode") & 0777);
  }

  @Test
  void aSessionThatTheRegistryHasDroppedIsBegunAnew() throws Exception {
    killedAmid(TAR);
    registry.uploads.sessions.clear();
    try (var again = new Engine(disk)) {
      again.push(name(":1"));
    }
    assertEquals("GET " + FIRST, asked().get(0));
    assertEquals(1, registry.count("PATCH", SECOND));
    assertPushed();
    assertEquals(List.of(), written(disk));
  }

  /** As docker-registry 2.8 does for one whose request broke off. */
  @Test
  void aSessionThatTheRegistryDoesNotGoOnWithIsBegunAnew() throws Exception {
    killedAmid(TAR);
    registry.answers.put(
        "GET " + FIRST,
        exchange -> {
          registry.uploads.sessions.remove("1");
          FakeRegistry.error(exchange, 400, "BLOB_UPLOAD_INVALID", "blob upload invalid");
        });
    try (var again = new Engine(disk)) {
      again.push(name(":1"));
    }
    assertEquals(1, registry.count("PATCH", SECOND));
    assertPushed();
    assertEquals(List.of(), written(disk));
  }

  /** That is one byte, or none. */
  @Test
  void aSessionOfWhichTheRegistrySaysNothingIsBegunAnew() throws Exception {
    killedAmid(TAR);
    registry.uploads.sessions.get("1").reset();
    try (var again = new Engine(disk)) {
      again.push(name(":1"));
    }
    assertEquals(1, registry.count("DELETE", FIRST));
    assertEquals(1, registry.count("PATCH", SECOND));
    assertPushed();
  }

  /** A registry that mixes sessions up, or one to which others have sent something meanwhile. */
  @Test
  void aSessionWithOtherBytesIsGivenUpAndBegunAnew() throws Exception {
    killedAmid(TAR);
    registry.uploads.sessions.get("1").reset();
    registry.uploads.sessions.get("1").write(new byte[SENT]);
    try (var again = new Engine(disk)) {
      again.push(name(":1"));
    }
    assertEquals(1, registry.count("DELETE", FIRST));
    assertEquals(0, registry.uploads.sessions.size());
    assertPushed();
    assertEquals(List.of(), written(disk));
  }

  @Test
  void aSessionWithMoreThanTheLayerIsGivenUpAndBegunAnew() throws Exception {
    killedAmid(TAR);
    registry.uploads.sessions.get("1").write(new byte[20 << 20]);
    try (var again = new Engine(disk)) {
      again.push(name(":1"));
    }
    assertPushed();
    assertEquals(List.of(), written(disk));
  }

  /** Its bytes are others, from somewhere in the middle on. */
  @Test
  void whatAnotherCompressorHasBegunIsGivenUp() throws Exception {
    killedAmid(TAR);
    rewrite("\"form\":\"gzip ", "\"form\":\"another gzip ");
    try (var again = new Engine(disk)) {
      again.push(name(":1"));
    }
    assertEquals(0, registry.count("GET", FIRST));
    assertEquals(1, registry.count("DELETE", FIRST));
    assertEquals(1, registry.count("PATCH", SECOND));
    assertPushed();
  }

  @ParameterizedTest
  @ValueSource(strings = {"ftp://127.0.0.1/x", "http://user@127.0.0.1/x", "no place"})
  void aPlaceThatNoRegistryMayNameIsNotAsked(String place) throws Exception {
    killedAmid(TAR);
    rewrite("\"place\":\"[^\"]*\"", "\"place\":\"" + place + "\"");
    try (var again = new Engine(disk)) {
      again.push(name(":1"));
    }
    assertEquals(0, registry.count("GET", FIRST));
    assertPushed();
  }

  private void rewrite(String pattern, String replacement) throws IOException {
    Path file = written(disk).get(0);
    String line = Files.readAllLines(file).get(0);
    String changed = line.replaceFirst(pattern, replacement);
    assertTrue(!changed.equals(line), line);
    Files.writeString(file, changed + "\n" + Digest.sha256(changed.getBytes(UTF_8)) + "\n");
  }

  @Test
  void aDamagedRecordIsNoMoreThanABeginningLost() throws Exception {
    killedAmid(TAR);
    Files.writeString(written(disk).get(0), "damaged");
    try (var again = new Engine(disk)) {
      again.push(name(":1"));
    }
    assertPushed();
    assertEquals(List.of(), written(disk));
  }

  /** The registry has made a blob of it, and the engine has not heard so. */
  @Test
  void aLayerWhoseEndWasNotHeardOfIsNotSentAgain() throws Exception {
    engine.make(name(""), "1", TAR);
    registry.uploads.onBlob =
        () -> {
          if (disk == null) {
            disk = temp.resolveSibling(temp.getFileName() + "-killed");
            copy(temp, disk);
          }
        };
    engine.push(name(":1"));
    assertEquals(1, written(disk).size());
    registry.uploads.onBlob = () -> {};
    registry.asked.clear();
    try (var again = new Engine(disk)) {
      again.push(name(":1"));
    }
    assertEquals(List.of(), ranges());
    assertEquals(List.of(), written(disk));
  }

  /** Its first bytes are gone before the disk would have them. */
  @Test
  void ofASmallLayerNothingIsWrittenDown() throws Exception {
    engine.make(name(""), "1", TestImage.tar("own", 200_000));
    engine.push(name(":1"));
    assertTrue(!Files.exists(temp.resolve(UPLOADS)), "a folder");
  }

  @Test
  void whatTheRegistryCannotBeToldToForgetIsGoneOnWith() throws Exception {
    engine.make(name(""), "1", TAR);
    registry.answers.put(
        "PATCH " + FIRST,
        exchange -> {
          registry.uploads.take(exchange, "1", SENT);
          throw new IOException("hangs up");
        });
    registry.answers.put("GET " + FIRST, hangingUp());
    registry.answers.put("DELETE " + FIRST, hangingUp());
    assertThrows(GantryException.class, () -> engine.push(name(":1")));
    assertEquals(1, written(temp).size());
    registry.answers.clear();
    registry.asked.clear();
    engine.push(name(":1"));
    assertTrue(ranges().get(0).startsWith(SENT + "-"), ranges()::toString);
    assertPushed();
  }

  private static FakeRegistry.Answer hangingUp() {
    return exchange -> {
      throw new IOException("hangs up");
    };
  }
}

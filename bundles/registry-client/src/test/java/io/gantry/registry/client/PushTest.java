package io.gantry.registry.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.image.Image;
import io.gantry.image.manifest.Descriptor;
import io.gantry.image.manifest.Document;
import io.gantry.registry.client.TestImage.Layer;
import io.gantry.registry.client.TestImage.Packing;
import io.gantry.registry.client.known.KnownBlob;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a push sends, has the registry take over, leaves out and tells. */
class PushTest extends RegistryFixture {

  private static final byte[] TAR = TestImage.tar("own", 200_000);
  private static final String ID = Digest.sha256(TAR).hex().substring(0, 12);
  private static final String UPLOADS = "/v2/[a-z/]+/blobs/uploads/.*";

  private static String tag(String repository, String tag) {
    return "/v2/" + repository + "/manifests/" + tag;
  }

  private Document pushed(String repository, String tag) {
    return Document.parse(registry.content(tag(repository, tag)), "manifest");
  }

  private GantryException refusedPush(String ref) {
    return assertThrows(GantryException.class, () -> engine.push(ref));
  }

  @Test
  void anImageIsInTheRegistryAsDockerWouldHaveIt() throws IOException {
    Image image = engine.make(name(""), "1", TAR);
    List<String> told = engine.push(name(":1"));
    byte[] json = registry.content(tag("a/b", "1"));
    Digest digest = Digest.sha256(json);
    assertEquals(
        List.of(
            "The push refers to repository [" + name("") + "]",
            ID + ": Preparing",
            ID + ": Pushing " + TAR.length,
            ID + ": Pushed",
            "1: digest: %s size: %d".formatted(digest, json.length),
            "1 is %s of %d".formatted(digest, json.length)),
        told.stream().distinct().toList());
    assertEquals(TestImage.DOCKER, registry.type(tag("a/b", "1")));
    Document manifest = pushed("a/b", "1");
    assertEquals(image.id(), Descriptor.of(manifest.object("config")).digest());
    Descriptor layer = Descriptor.of(manifest.list("layers", 1).get(0));
    assertEquals("application/vnd.docker.image.rootfs.diff.tar.gzip", layer.mediaType());
    byte[] blob = registry.content(FakeRegistry.blobPath("a/b", layer.digest()));
    assertEquals(layer.size(), blob.length);
    try (var gzip = new GZIPInputStream(new ByteArrayInputStream(blob))) {
      assertArrayEquals(TAR, gzip.readAllBytes());
    }
    Image now = engine.images.inspect(name(":1"));
    assertEquals(List.of(name("@" + digest)), now.digests());
    assertEquals(image.id(), engine.images.inspect(name("@" + digest)).id());
    var event = engine.events.get(0);
    assertEquals("push " + name(":1"), event.action() + " " + event.actor());
    assertEquals(Map.of("name", name("")), event.attributes());
    var traffic = engine.client.registries().get(0);
    assertTrue(traffic.sent() > blob.length, traffic::toString);
    assertEquals(List.of(), engine.client.list());
    assertEquals(0, registry.uploads.sessions.size());
  }

  @Test
  void whatTheRegistryHasIsNotSentAgain() {
    engine.make(name(""), "1", TAR);
    engine.push(name(":1"));
    registry.asked.clear();
    List<String> told = engine.push(name(":1"));
    assertEquals(ID + ": Layer already exists", told.get(2));
    assertEquals(0, registry.count("POST", UPLOADS));
    assertEquals(1, registry.count("PUT", ".*"), "the manifest");
  }

  @Test
  void anEngineThatHasForgottenAllSendsTheSameBytes() throws IOException {
    engine.make(name(""), "1", TAR);
    engine.push(name(":1"));
    byte[] first = registry.content(tag("a/b", "1"));
    try (var other = new Engine(temp.resolve("other"));
        var empty = new FakeRegistry()) {
      Image image = engine.images.inspect(name(":1"));
      other.make("x", "1", TAR);
      assertEquals(image.layers(), other.images.inspect("x:1").layers());
      other.images.tag("x:1", empty.host() + "/x", "1");
      other.push(empty.host() + "/x:1");
      Document manifest = Document.parse(empty.content(tag("x", "1")), "manifest");
      assertEquals(Document.parse(first, "manifest").list("layers", 1), manifest.list("layers", 1));
    }
  }

  @Test
  void aLayerIsTakenOverFromAnyRepositoryThatIsKnownToHaveIt() {
    engine.make(name(""), "1", TAR);
    engine.push(name(":1"));
    engine.images.tag(name(":1"), registry.host() + "/c", "1");
    engine.close();
    engine = new Engine(temp); // from disk
    registry.asked.clear();
    List<String> told = engine.push(registry.host() + "/c:1");
    assertTrue(told.contains(ID + ": Mounted from a/b"), told::toString);
    assertEquals(0, registry.count("PATCH", "/v2/c/blobs/uploads/1"), "the layer");
    assertEquals(1, registry.count("PATCH", ".*"), "the configuration");
    assertArrayEquals(registry.content(tag("a/b", "1")), registry.content(tag("c", "1")));
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 403, 404})
  void whoMayNotReadARepositoryDoesNotForgetWhatItHas(int status) {
    engine.make(name(""), "1", TAR);
    engine.push(name(":1"));
    Digest diff = Digest.sha256(TAR);
    KnownBlob there = engine.known(diff).get(0);
    engine.images.tag(name(":1"), registry.host() + "/c", "1");
    registry.answers.put(
        "POST /v2/c/blobs/uploads/?mount=" + there.digest() + "&from=a/b",
        exchange -> FakeRegistry.error(exchange, status, "X", "no"));
    List<String> told = engine.push(registry.host() + "/c:1");
    assertTrue(told.contains(ID + ": Pushed"), told::toString);
    assertTrue(engine.known(diff).contains(there), () -> engine.known(diff).toString());
  }

  @Test
  void whatIsPulledIsKnownToBeThere() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    engine.pull(name(":1"));
    engine.images.tag(name(":1"), registry.host() + "/c", "1");
    List<String> told = engine.push(registry.host() + "/c:1");
    List<String> mounted = told.stream().filter(line -> line.endsWith("Mounted from a/b")).toList();
    assertEquals(3, mounted.size(), told::toString);
    assertEquals(1, registry.count("PATCH", ".*"), "the configuration");
    assertArrayEquals(IMAGE.manifest(TestImage.OCI), registry.content(tag("c", "1")));
  }

  @ParameterizedTest
  @EnumSource(Packing.class)
  void whatCameFromARegistryGoesOutByteByByte(Packing packing) throws IOException {
    engine.keeps = true;
    Layer layer = TestImage.layer("kept", 100_000, packing);
    TestImage image = TestImage.of("amd64", BASE, layer);
    image.in(registry, "a/b", "1", TestImage.OCI);
    engine.pull(name(":1"));
    try (var other = new FakeRegistry()) {
      engine.images.tag(name(":1"), other.host() + "/c", "2");
      engine.push(other.host() + "/c:2");
      assertArrayEquals(image.manifest(TestImage.OCI), other.content(tag("c", "2")));
      assertEquals(TestImage.OCI, other.type(tag("c", "2")));
      byte[] sent = other.content(FakeRegistry.blobPath("c", layer.digest()));
      assertArrayEquals(layer.blob(), sent);
    }
  }

  /** The name that it has here is the index's. */
  @Test
  void theImageOfAPlatformGoesOutAsItsIndexHasIt() throws IOException {
    engine.keeps = true;
    IMAGE.in(registry, "a/b", "amd", TestImage.OCI);
    byte[] own = IMAGE.manifest(TestImage.OCI);
    byte[] index =
        TestImage.index(
            TestImage.OCI_INDEX,
            TestImage.descriptor(
                TestImage.OCI, Digest.sha256(own), own.length, TestImage.platform("amd64", "")));
    Digest multi = registry.manifest("a/b", "multi", TestImage.OCI_INDEX, index);
    engine.pull(name(":multi"), false, "linux/amd64");
    assertEquals(List.of(name("@" + multi)), engine.images.inspect(name(":multi")).digests());
    try (var other = new FakeRegistry()) {
      engine.images.tag(name(":multi"), other.host() + "/c", "2");
      engine.push(other.host() + "/c:2", false, "linux/amd64", null);
      assertArrayEquals(own, other.content(tag("c", "2")));
    }
  }

  /** By manifests of the same image, which differ in how its layers are compressed. */
  @Test
  void anotherBlobOfALayerInTheRepositoryIsNotTakenForTheManifestsOwn() {
    engine.keeps = true;
    for (Packing packing : List.of(Packing.GZIP, Packing.ZSTD, Packing.PLAIN)) {
      TestImage image = TestImage.of("amd64", TestImage.layer("same", 50_000, packing));
      String from = registry.host() + "/" + packing.name().toLowerCase(Locale.ROOT) + ":1";
      image.in(registry, packing.name().toLowerCase(Locale.ROOT), "1", TestImage.OCI);
      engine.pull(from);
      engine.images.tag(from, registry.host() + "/c", "1");
      engine.push(registry.host() + "/c:1");
      assertArrayEquals(image.manifest(TestImage.OCI), registry.content(tag("c", "1")), from);
      engine.images.remove(from, true, true, id -> List.of());
      engine.images.remove(registry.host() + "/c:1", true, true, id -> List.of());
      engine.assertHasNothing();
    }
  }

  /** The layer is here from another image, so nobody has looked into that blob. */
  @Test
  void whatAManifestSaysOfALayerIsNotLearntByAPush() {
    TestImage honest = TestImage.of("amd64", TestImage.layer("same", 50_000, Packing.GZIP));
    honest.in(registry, "honest", "1", TestImage.OCI);
    engine.pull(registry.host() + "/honest:1");
    Layer other = TestImage.layer("other", 50_000, Packing.GZIP);
    Digest diff = honest.blobs().get(0).diff();
    Layer lie = new Layer(other.type(), other.blob(), diff);
    TestImage.of("amd64", lie, TestImage.layer("more", 100, Packing.GZIP))
        .in(registry, "a/b", "1", TestImage.OCI);
    engine.pull(name(":1"));
    engine.push(name(":1"));
    assertEquals(
        List.of(honest.blobs().get(0).digest()),
        engine.known(diff).stream().map(KnownBlob::digest).distinct().toList());
  }

  /** It is here from an image that has it in another form. */
  @Test
  void aLayerThatWasHereIsTakenOverInTheFormOfItsOwnManifest() {
    TestImage former = TestImage.of("amd64", TestImage.layer("same", 50_000, Packing.GZIP));
    former.in(registry, "former", "1", TestImage.OCI);
    engine.pull(registry.host() + "/former:1");
    TestImage image =
        TestImage.of(
            "amd64",
            TestImage.layer("same", 50_000, Packing.ZSTD),
            TestImage.layer("more", 100, Packing.GZIP));
    image.in(registry, "a/b", "1", TestImage.OCI);
    engine.pull(name(":1"));
    assertEquals(0, registry.fetched(FakeRegistry.blobPath("a/b", image.blobs().get(0).digest())));
    engine.images.tag(name(":1"), registry.host() + "/c", "1");
    List<String> told = engine.push(registry.host() + "/c:1");
    assertArrayEquals(image.manifest(TestImage.OCI), registry.content(tag("c", "1")));
    assertEquals(2, told.stream().filter(line -> line.endsWith("Mounted from a/b")).count());
  }

  /** The layer is here from another image, so nobody has looked into the blob. */
  @Test
  void whatAManifestSaysOfALayerIsInNoOtherManifest() {
    TestImage honest = TestImage.of("amd64", TestImage.layer("same", 50_000, Packing.GZIP));
    honest.in(registry, "honest", "1", TestImage.OCI);
    engine.pull(registry.host() + "/honest:1");
    Layer other = TestImage.layer("other", 50_000, Packing.GZIP);
    Layer lie = new Layer(other.type(), other.blob(), honest.blobs().get(0).diff());
    Layer more = TestImage.layer("more", 100, Packing.GZIP);
    TestImage.of("amd64", lie, more).in(registry, "a/b", "1", TestImage.OCI);
    engine.pull(name(":1"));
    registry.answers.put(
        "HEAD " + FakeRegistry.blobPath("a/b", more.digest()),
        exchange -> exchange.sendResponseHeaders(404, -1));
    engine.images.tag(name(":1"), name(""), "2");
    List<String> told = engine.push(name(":2"));
    List<Digest> layers =
        pushed("a/b", "2").list("layers", 2).stream()
            .map(layer -> Descriptor.of(layer).digest())
            .toList();
    assertEquals(honest.blobs().get(0).digest(), layers.get(0), told::toString);
    assertFalse(layers.contains(more.digest()), "that one has to be sent anew");
  }

  /** Its bytes are gone; the image is not. */
  @Test
  void whatIsNoLongerHereAsItCameIsCompressedAnew() throws IOException {
    engine.keeps = false;
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    engine.pull(name(":1"));
    try (var other = new FakeRegistry()) {
      engine.images.tag(name(":1"), other.host() + "/c", "2");
      engine.push(other.host() + "/c:2");
      Document manifest = Document.parse(other.content(tag("c", "2")), "manifest");
      assertEquals(IMAGE.id(), Descriptor.of(manifest.object("config")).digest());
      assertEquals(TestImage.OCI, other.type(tag("c", "2")), "the plain layer is as it was");
      engine.images.remove(other.host() + "/c:2", false, true, id -> List.of());
      engine.pull(other.host() + "/c:2");
      assertEquals(IMAGE.id(), engine.images.inspect(other.host() + "/c:2").id());
    }
  }

  @Test
  void allTagsGoOutAndEachBlobOnce() {
    engine.make(name(""), "1", TAR);
    engine.images.tag(name(":1"), name(""), "2");
    engine.make(name(""), "3", TestImage.tar("other", 5000));
    List<String> told = engine.push(name(""), true, "", null);
    assertEquals(
        List.of("1", "2", "3"),
        told.stream()
            .filter(line -> line.contains(" is sha256:"))
            .map(line -> line.substring(0, 1))
            .toList());
    assertTrue(told.contains(ID + ": Layer already exists"), told::toString);
    assertEquals(4, registry.count("PATCH", ".*"), "two layers and two configurations");
    assertEquals(List.of("push"), engine.events.stream().map(event -> event.action()).toList());
  }

  private List<String> askedOfConfig() {
    return registry.asked.stream()
        .map(FakeRegistry.Asked::toString)
        .filter(one -> one.contains("/blobs/"))
        .map(one -> one.replaceFirst("sha256:[0-9a-f]+", "DIGEST"))
        .toList();
  }

  /** One whose layer is there. */
  private String withoutLayers() {
    engine.make(name(""), "1", TAR);
    engine.push(name(":1"));
    Image second = engine.make("x", "1", TAR);
    engine.images.tag(second.id().toString(), name(""), "2");
    registry.asked.clear();
    return name(":2");
  }

  @Test
  void aConfigurationGoesOutByOneRequestWhereTheRegistryTakesItSo() {
    String ref = withoutLayers();
    registry.uploads.takesWhole = true;
    engine.push(ref);
    assertEquals(
        List.of(
            "HEAD /v2/a/b/blobs/DIGEST",
            "HEAD /v2/a/b/blobs/DIGEST",
            "POST /v2/a/b/blobs/uploads/?digest=DIGEST"),
        askedOfConfig());
    assertEquals(0, registry.uploads.sessions.size());
  }

  @Test
  void aRegistryThatBeginsAnUploadInsteadGetsOneInNoMoreRequests() {
    String ref = withoutLayers();
    engine.push(ref);
    assertEquals(
        List.of(
            "HEAD /v2/a/b/blobs/DIGEST",
            "HEAD /v2/a/b/blobs/DIGEST",
            "POST /v2/a/b/blobs/uploads/?digest=DIGEST",
            "PATCH /v2/a/b/blobs/uploads/3",
            "PUT /v2/a/b/blobs/uploads/3?digest=DIGEST"),
        askedOfConfig());
    assertEquals(0, registry.uploads.sessions.size());
  }

  @ParameterizedTest
  @ValueSource(ints = {400, 405, 415})
  void aRegistryThatKnowsNoSuchRequestGetsAnUpload(int status) {
    String ref = withoutLayers();
    Digest config = engine.images.inspect(ref).id();
    registry.answers.put(
        "POST /v2/a/b/blobs/uploads/?digest=" + config,
        exchange -> FakeRegistry.send(exchange, status, "text/plain", new byte[0]));
    engine.push(ref);
    assertEquals(1, registry.count("POST", "/v2/a/b/blobs/uploads/"));
    assertEquals(0, registry.uploads.sessions.size());
  }

  @Test
  void aConfigurationThatTheRegistryCallsOtherwiseIsNoSuccess() {
    String ref = withoutLayers();
    Digest config = engine.images.inspect(ref).id();
    registry.answers.put(
        "POST /v2/a/b/blobs/uploads/?digest=" + config,
        exchange -> {
          exchange.getResponseHeaders().set("Docker-Content-Digest", Digest.sha256(TAR).toString());
          FakeRegistry.send(exchange, 201, "text/plain", new byte[0]);
        });
    assertTrue(refusedPush(ref).getMessage().contains("the blob has digest " + config));
  }

  @Test
  void aLayerThatIsThereTwiceIsSentOnce() {
    TestImage twice = TestImage.of("amd64", BASE, BASE);
    twice.in(registry, "a/b", "1", TestImage.OCI);
    engine.pull(name(":1"));
    registry.forget("a/b");
    List<String> told = engine.push(name(":1"));
    assertEquals(1, told.stream().filter(line -> line.endsWith(": Pushed")).count());
    assertEquals(2, pushed("a/b", "1").list("layers", 9).size());
  }

  @Test
  void whatIsNotHereIsSaidInDockersWords() {
    engine.make(name(""), "1", TAR);
    String none = registry.host() + "/none";
    assertEquals(
        "An image does not exist locally with the tag: " + none, refusedPush(none).getMessage());
    assertEquals("tag does not exist: " + name(":2"), refusedPush(name(":2")).getMessage());
    assertEquals(
        "cannot push a digest reference", refusedPush(name("@" + Digest.sha256(TAR))).getMessage());
    var all = assertThrows(GantryException.class, () -> engine.push(name(":1"), true, "", null));
    assertEquals("tag can't be used with --all-tags/-a", all.getMessage());
    var platform =
        assertThrows(
            GantryException.class, () -> engine.push(name(":1"), false, "linux/arm64", null));
    assertEquals(
        "image with reference %s was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)"
            .formatted(name(":1")),
        platform.getMessage());
    assertEquals(Kind.NOT_FOUND, platform.kind());
    assertEquals(List.of(), registry.asked);
    engine.push(name(":1"), false, "linux/amd64", null);
    engine.push(name(""), true, "linux/amd64", null);
  }

  @Test
  void aRefusalIsToldAsTheRegistrySaysIt() {
    engine.make(name(""), "1", TAR);
    registry.answers.put(
        "POST /v2/a/b/blobs/uploads/",
        exchange ->
            FakeRegistry.error(
                exchange, 403, "DENIED", "requested access to the resource is denied"));
    GantryException e = refusedPush(name(":1"));
    assertEquals("denied: requested access to the resource is denied", e.getMessage());
    assertEquals(Kind.FORBIDDEN, e.kind());
    registry.answers.put(
        "POST /v2/a/b/blobs/uploads/",
        exchange -> {
          exchange.getResponseHeaders().set("WWW-Authenticate", "Basic realm=\"x\"");
          FakeRegistry.send(exchange, 401, "text/plain", "no".getBytes(UTF_8));
        });
    assertTrue(refusedPush(name(":1")).getMessage().endsWith("no basic auth credentials"));
  }
}

package io.gantry.registry.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.registry.client.TestImage.Layer;
import io.gantry.registry.client.TestImage.Packing;
import io.gantry.spi.GantryException;
import io.gantry.store.Digest;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a pull fetches, makes and tells. */
class PullTest extends RegistryFixture {

  private static final TestImage OTHER =
      TestImage.of("arm64", TestImage.layer("arm", 500, Packing.GZIP));

  @ParameterizedTest
  @ValueSource(strings = {TestImage.OCI, TestImage.DOCKER})
  void anImageIsThereWithItsNames(String type) {
    Digest digest = IMAGE.in(registry, "a/b", "1", type);
    List<String> told = engine.pull(name(":1"));
    assertEquals("1: Pulling from a/b", told.get(0));
    assertEquals(
        List.of("Digest: " + digest, "Status: Downloaded newer image for " + name(":1")),
        told.subList(told.size() - 2, told.size()));
    for (Layer layer : IMAGE.blobs()) {
      int size = layer.blob().length;
      List<String> own =
          told.stream()
              .filter(line -> line.startsWith(layer.id()))
              .map(line -> line.substring(14))
              .distinct()
              .toList();
      assertEquals(
          List.of(
              "Pulling fs layer",
              "Downloading " + size,
              "Verifying Checksum",
              "Download complete",
              "Extracting " + size,
              "Pull complete"),
          own);
    }
    var image = engine.images.inspect(name(":1"));
    assertEquals(IMAGE.id(), image.id());
    assertEquals(List.of(name("@" + digest)), image.digests());
    assertEquals(3, image.layers().size());
    assertEquals(List.of(), engine.rests());
    var event = engine.events.get(0);
    assertEquals("pull " + name(":1"), event.action() + " " + event.actor());
    assertEquals(Map.of("a", "b", "name", name("")), event.attributes());
  }

  @Test
  void oneThatIsHereIsNotFetchedAgain() {
    Digest digest = IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    engine.pull(name(":1"));
    registry.asked.clear();
    assertEquals(
        List.of(
            "1: Pulling from a/b",
            "Digest: " + digest,
            "Status: Image is up to date for " + name(":1")),
        engine.pull(name(":1")));
    assertEquals(
        List.of("GET /v2/", "HEAD /v2/a/b/manifests/1"),
        registry.asked.stream().map(Object::toString).toList());
  }

  @Test
  void layersThatAreHereAreNotFetchedAgain() {
    TestImage.of("amd64", BASE).in(registry, "a/b", "base", TestImage.OCI);
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    engine.pull(name(":base"));
    List<String> told = engine.pull(name(":1"));
    assertTrue(told.contains(BASE.id() + ": Already exists"), told::toString);
    assertEquals(1, registry.fetched(FakeRegistry.blobPath("a/b", BASE.digest())));
  }

  @Test
  void aDigestIsPulledUnderItself() {
    Digest digest = IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    List<String> told = engine.pull(name("@" + digest));
    assertEquals(name("@" + digest) + ": Pulling from a/b", told.get(0));
    assertEquals(
        "Status: Downloaded newer image for " + name("@" + digest), told.get(told.size() - 1));
    assertEquals(List.of(), engine.images.inspect(IMAGE.id().toString()).tags());
  }

  @Test
  void ofAnIndexTheImageForThisPlatformIsTaken() {
    Digest index = index(TestImage.OCI_INDEX);
    engine.pull(name(":multi"));
    var image = engine.images.inspect(name(":multi"));
    assertEquals(IMAGE.id(), image.id());
    assertEquals(List.of(name("@" + index)), image.digests());
    engine.pull(name(":multi"), false, "linux/arm64/v8");
    assertEquals(OTHER.id(), engine.images.inspect(name(":multi")).id());
    assertEquals(
        "no matching manifest for linux/s390x in the manifest list entries",
        assertThrows(GantryException.class, () -> engine.pull(name(":multi"), false, "linux/s390x"))
            .getMessage());
    assertEquals(
        List.of("linux/arm64", "unknown/unknown", "linux/amd64"),
        engine.client.manifest(name(":multi"), null).platforms());
  }

  /** The image for this platform lies behind a second index. */
  private Digest index(String type) {
    IMAGE.in(registry, "a/b", "amd", TestImage.OCI);
    OTHER.in(registry, "a/b", "arm", TestImage.OCI);
    byte[] own = IMAGE.manifest(TestImage.OCI);
    byte[] other = OTHER.manifest(TestImage.OCI);
    byte[] inner =
        TestImage.index(
            TestImage.OCI_INDEX,
            TestImage.descriptor(
                TestImage.OCI, Digest.sha256(own), own.length, TestImage.platform("amd64", "")));
    registry.manifest("a/b", "inner", TestImage.OCI_INDEX, inner);
    return registry.manifest(
        "a/b",
        "multi",
        type,
        TestImage.index(
            type,
            TestImage.descriptor(
                TestImage.OCI, Digest.sha256(other), other.length, TestImage.platform("arm64", "")),
            TestImage.descriptor(
                TestImage.OCI,
                Digest.sha256(other),
                other.length,
                ",\"platform\":{\"os\":\"unknown\",\"architecture\":\"unknown\"}"
                    + ",\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}"),
            TestImage.descriptor(
                TestImage.OCI_INDEX,
                Digest.sha256(inner),
                inner.length,
                TestImage.platform("amd64", ""))));
  }

  @Test
  void aSingleManifestIsTakenForWhateverItIsAndTheUserIsWarned() {
    OTHER.in(registry, "a/b", "1", TestImage.OCI);
    List<String> told = engine.pull(name(":1"), false, "linux/amd64");
    assertEquals(
        "WARNING: image with reference %s was found but its platform (linux/arm64) does not match the specified platform (linux/amd64)"
            .formatted(name(":1")),
        told.get(told.size() - 1));
  }

  @Test
  void allTagsComeByWayOfTheirPages() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    OTHER.in(registry, "a/b", "2", TestImage.OCI);
    registry.answers.put(
        "/v2/a/b/tags/list",
        exchange -> {
          exchange.getResponseHeaders().set("Link", "</v2/a/b/tags/list?last=2>; rel=\"next\"");
          FakeRegistry.send(exchange, 200, "", "{\"tags\":[\"2\"]}".getBytes(UTF_8));
        });
    registry.answers.put(
        "/v2/a/b/tags/list?last=2",
        exchange -> {
          exchange.getResponseHeaders().set("Link", "<http://127.0.0.1:9/v2/x>; rel=\"next\"");
          FakeRegistry.send(exchange, 200, "", "{\"tags\":[\"1\",\"../x\"]}".getBytes(UTF_8));
        });
    List<String> told = engine.pull(name(""), true, "");
    assertEquals("2: Pulling from a/b", told.get(0));
    assertEquals("Status: Downloaded newer image for " + name(""), told.get(told.size() - 1));
    assertEquals(2, engine.images.list().size());
    told = engine.pull(name(""), true, "");
    assertEquals("Status: Image is up to date for " + name(""), told.get(told.size() - 1));
  }

  @ParameterizedTest
  @EnumSource(Packing.class)
  void whatThePolicyKeepsIsTheBlobAsItCame(Packing packing) throws IOException {
    engine.keeps = true;
    Layer layer = TestImage.layer("kept", 1000, packing);
    TestImage.of("amd64", layer).in(registry, "a/b", "1", TestImage.OCI);
    engine.pull(name(":1"));
    boolean isKept = packing != Packing.PLAIN; // the layer itself gives plain ones back
    assertEquals(isKept, engine.store.has(layer.digest()));
  }

  @Test
  void aMirrorIsAskedFirstAndTheRegistryWhenItHasNothing() throws IOException {
    try (var mirror = new FakeRegistry()) {
      engine.close();
      engine =
          new Engine(
              temp.resolve("mirrored"),
              List.of(URI.create("http://" + mirror.host())),
              Engine.PATIENCE);
      IMAGE.in(mirror, "library/x", "1", TestImage.OCI);
      List<String> told = engine.pull("x:1");
      assertEquals("1: Pulling from library/x", told.get(0));
      assertEquals(List.of("x:1"), engine.images.inspect("x:1").tags());
    }
  }

  @Test
  void aBlobOfAnotherDigestIsNoLayerWhateverItUnpacksTo() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    byte[] wrong = TOP.blob().clone();
    wrong[600] ^= 1; // in the content of a file: still a tar
    registry.answers.put(
        FakeRegistry.blobPath("a/b", TOP.digest()),
        exchange -> FakeRegistry.send(exchange, 200, "", wrong));
    assertEquals(
        "filesystem layer verification failed for digest %s: it has %s"
            .formatted(TOP.digest(), Digest.sha256(wrong)),
        refused(name(":1")).getMessage());
    engine.assertHasNothing();
    assertEquals(2, engine.rests().size(), "the two that are good");
  }

  @Test
  void aBodyWithoutEndIsRefusedAtItsFirstSurplusByte() {
    IMAGE.in(registry, "a/b", "1", TestImage.OCI);
    registry.answers.put(
        FakeRegistry.blobPath("a/b", TOP.digest()),
        exchange -> {
          exchange.sendResponseHeaders(200, 0); // chunked
          try (OutputStream out = exchange.getResponseBody()) {
            while (true) {
              out.write(new byte[1 << 16]);
            }
          }
        });
    assertEquals(
        "blob %s is larger than the %d bytes that its manifest says"
            .formatted(TOP.digest(), TOP.blob().length),
        refused(name(":1")).getMessage());
    engine.assertHasNothing();
  }
}

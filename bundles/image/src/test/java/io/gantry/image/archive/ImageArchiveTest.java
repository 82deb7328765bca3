package io.gantry.image.archive;

import static io.gantry.image.archive.Host.config;
import static io.gantry.image.archive.Host.configFor;
import static io.gantry.image.archive.Host.digest;
import static io.gantry.image.archive.Host.docker;
import static io.gantry.image.archive.Host.files;
import static io.gantry.image.archive.Host.gzip;
import static io.gantry.image.archive.Host.hex;
import static io.gantry.image.archive.Host.layer;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.image.Image;
import io.gantry.image.archive.ImageLoader.Loaded;
import io.gantry.image.layer.Tar;
import io.gantry.image.manifest.Descriptor;
import io.gantry.image.manifest.Platform;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.compress.compressors.CompressorStreamFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageArchiveTest {

  private static final String ONE = layer("one", "1");
  private static final String TWO = layer("two", "22");

  @TempDir Path temp;
  private Host host;

  @BeforeEach
  void open() {
    host = new Host(temp.resolve("host"));
  }

  private static List<Loaded> loaded(String config, String... names) {
    return List.of(new Loaded(Digest.parse(digest(config)), List.of(names)));
  }

  @Test
  void aDockerArchiveIsLoadedWithAllItsTags() throws IOException {
    String config = config(ONE, TWO);
    var loaded = host.load(docker(config, "[\"x:1\",\"localhost:5000/y:2\"]", ONE, TWO).end());
    assertEquals(loaded(config, "x:1", "localhost:5000/y:2"), loaded);
    Image image = host.images.inspect("x:1");
    assertEquals(List.of(), image.digests());
    assertEquals(3, image.bytes());
    var run = image.config().run();
    assertEquals(List.of("sh"), run.cmd());
    assertEquals(List.of("/e"), run.entrypoint());
    assertEquals(List.of("A=b"), run.env());
    assertEquals("u", run.user());
    assertEquals("/w", run.workingDir());
    assertEquals("SIGINT", run.stopSignal());
    assertEquals(Map.of("k", "v"), run.labels());
    Path top = host.trees.path("one", image.layers().get(1).hex());
    assertEquals("1", Files.readString(top.resolve("one")));
    assertEquals("22", Files.readString(top.resolve("two")));
    host.assertNothingIsHalfDone();
    assertEquals(digest(ONE) + " " + ONE.length() + "/" + ONE.length(), host.told.get(0));
  }

  @Test
  void membersMayComeInAnyOrderAndLinkToEachOther() {
    String config = config(ONE, TWO, ONE);
    byte[] archive =
        new Tar()
            .file(
                "./manifest.json",
                "[{\"Config\":\"c.json\",\"RepoTags\":null,"
                    + "\"Layers\":[\"a/layer.tar\",\"two.tar\",\"b/layer.tar\"]}]")
            .symlink("a/layer.tar", "../b/layer.tar")
            .link("b/layer.tar", "one.tar")
            .file("two.tar", "replaced by what follows")
            .file("two.tar", TWO)
            .file("one.tar", ONE)
            .file("c.json", config)
            .end();
    assertEquals(loaded(config), host.load(archive));
    assertEquals(List.of(), host.images.inspect(digest(config)).tags());
    assertEquals(2, host.trees.all().stream().filter(t -> t.startsWith("one/")).count() - 1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gz", "bzip2", "xz", "zstd"})
  void archiveAndLayersMayBeCompressed(String method) throws Exception {
    String config = config(ONE, TWO);
    String packed = method.equals("zstd") ? zstd(TWO) : packed(method, TWO);
    byte[] archive = docker(config, "[\"x:1\"]", ONE, packed).end();
    byte[] outer =
        (method.equals("zstd") ? zstd(Host.text(archive)) : packed(method, Host.text(archive)))
            .getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
    assertEquals(loaded(config, "x:1"), host.load(outer));
    assertEquals(
        List.of(digest(ONE), digest(TWO)),
        host.images.inspect("x:1").config().diffs().stream().map(Digest::toString).toList());
  }

  private static String packed(String method, String content) throws Exception {
    var out = new ByteArrayOutputStream();
    try (OutputStream packing =
        new CompressorStreamFactory().createCompressorOutputStream(method, out)) {
      packing.write(content.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
    }
    return Host.text(out.toByteArray());
  }

  private static String zstd(String content) throws IOException {
    var out = new ByteArrayOutputStream();
    try (var packing = new io.airlift.compress.zstd.ZstdOutputStream(out)) {
      packing.write(content.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
    }
    return Host.text(out.toByteArray());
  }

  @Test
  void aV1ArchiveIsLoadedByItsParents() {
    String low = "a".repeat(64);
    String empty = "b".repeat(64);
    String top = "c".repeat(64);
    byte[] archive =
        new Tar()
            .file("repositories", "{\"old/app\":{\"1\":\"" + top + "\"}}")
            .file(
                top + "/json",
                "{\"id\":\"%s\",\"parent\":\"%s\",\"os\":\"linux\",\"architecture\":\"amd64\","
                        .formatted(top, empty)
                    + "\"config\":{\"Cmd\":[\"x\"]},\"created\":\"2014-01-01T00:00:00Z\"}")
            .file(top + "/layer.tar", TWO)
            .file(
                empty + "/json",
                "{\"id\":\"%s\",\"parent\":\"%s\",\"throwaway\":true,".formatted(empty, low)
                    + "\"container_config\":{\"Cmd\":[\"ENV\",\"a\"]}}")
            .file(empty + "/layer.tar", "")
            .file(low + "/json", "{\"id\":\"" + low + "\"}")
            .file(low + "/layer.tar", ONE)
            .end();
    var loaded = host.load(archive);
    assertEquals(List.of("old/app:1"), loaded.get(0).names());
    var config = host.images.inspect("old/app:1").config();
    assertEquals(
        List.of(digest(ONE), digest(TWO)), config.diffs().stream().map(Digest::toString).toList());
    assertEquals(List.of("x"), config.run().cmd());
    assertEquals(
        List.of("", "ENV a", ""), config.history().stream().map(s -> s.createdBy()).toList());
    assertEquals(loaded, host.load(archive), "the same configuration each time");
  }

  @Test
  void anOciLayoutIsLoadedForThePlatform() {
    var layout = new Layout();
    String ours = configFor(Platform.host().architecture(), ONE);
    String theirs = configFor("s390x", TWO);
    String index =
        layout.index(
            layout.blob(
                Descriptor.MANIFEST, layout.manifest(theirs, gzip(TWO)), Layout.platform("s390x")),
            layout.blob(
                Descriptor.MANIFEST,
                layout.manifest(ours, gzip(ONE)),
                Layout.platform(Platform.host().architecture())),
            layout.blob(
                Descriptor.MANIFEST,
                "{\"no\":\"image\"}",
                "\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}"));
    layout.top(layout.blob(Descriptor.INDEX, index, Layout.named("repo/app:1")));
    byte[] archive = layout.tar().end();
    assertEquals(loaded(ours, "repo/app:1"), host.load(archive));
    assertEquals(List.of("repo/app@" + digest(index)), host.images.inspect("repo/app:1").digests());
    assertEquals(
        loaded(theirs, "repo/app:1"), host.load(archive, new Platform("linux", "s390x", "")));
    assertTrue(
        host.told.contains("repo/app:1 from " + digest(ours)), "the name has moved: " + host.told);
    var e =
        assertThrows(
            GantryException.class, () -> host.load(archive, new Platform("linux", "mips", "")));
    assertEquals(Kind.NOT_FOUND, e.kind());
  }

  @Test
  void severalImagesOfAnOciLayoutAreLoaded() {
    var layout = new Layout();
    String a = config(ONE);
    String b = config(ONE, TWO);
    String manifest = layout.manifest(a, gzip(ONE));
    layout.top(layout.blob(Descriptor.MANIFEST, manifest, Layout.named("app:1")));
    layout.top(layout.blob(Descriptor.MANIFEST, manifest, Layout.named("app:2")));
    layout.top(
        layout.blob(
            Descriptor.MANIFEST, layout.manifest(b, gzip(ONE), gzip(TWO)), Layout.named("latest")));
    var loaded = host.load(layout.tar().end());
    assertEquals(
        List.of(
            new Loaded(Digest.parse(digest(a)), List.of("app:1", "app:2")),
            new Loaded(Digest.parse(digest(b)), List.of())),
        loaded);
  }

  @Test
  void whatWasLoadedIsSavedByteForByte() {
    var layout = new Layout();
    String config = config(ONE, TWO);
    String manifest = layout.manifest(config, gzip(ONE), TWO);
    layout.top(layout.blob(Descriptor.MANIFEST, manifest, Layout.named("app:1")));
    host.load(layout.tar().end());
    byte[] saved = host.save("app");
    Map<String, String> files = files(saved);
    for (String blob : List.of(config, manifest, gzip(ONE), TWO)) {
      assertEquals(blob, files.get("blobs/sha256/" + hex(blob)));
    }
    assertEquals(
        "[{\"Config\":\"blobs/sha256/%s\",\"RepoTags\":[\"app:1\"],\"Layers\":[\"blobs/sha256/%s\","
                .formatted(hex(config), hex(gzip(ONE)))
            + "\"blobs/sha256/%s\"],\"LayerSources\":{".formatted(hex(TWO)),
        files.get("manifest.json").replaceFirst("(LayerSources\":\\{).*", "$1"));
    assertTrue(files.get("index.json").contains("\"digest\":\"" + digest(manifest) + "\""));

    var other = new Host(temp.resolve("other"));
    other.load(saved);
    assertArrayEquals(saved, other.save("app:1"));
    assertEquals(List.of(), other.images.inspect("app:1").digests());
  }

  @Test
  void layersKeepTheirDigestsWithoutBlobsAndInAnotherDriver() throws IOException {
    String config = config(ONE, TWO);
    var layout = new Layout();
    layout.top(
        layout.blob(
            Descriptor.MANIFEST,
            layout.manifest(config, gzip(ONE), gzip(TWO)),
            Layout.named("app:1")));
    host.load(layout.tar().end());
    assertEquals(gzip(ONE).length() + gzip(TWO).length(), host.layers.letGo());
    assertFalse(host.blobs.has(Digest.parse(digest(gzip(ONE)))));
    Image image = host.images.inspect("app:1");
    host.layers.ensure("two", image.layers().get(1));
    for (Digest chain : image.layers()) {
      try (var dir = io.gantry.linux.Dir.open(host.trees.path("one", ""))) {
        dir.removeTree(chain.hex());
      }
      Files.createDirectories(host.trees.path("one", chain.hex()));
    }
    host.trees.useByDefault("two");
    host.trees.stop("one");
    Map<String, String> files = files(host.save("app:1"));
    assertEquals(config, files.get("blobs/sha256/" + hex(config)));
    assertEquals(ONE, files.get("blobs/sha256/" + hex(ONE)));
    assertEquals(TWO, files.get("blobs/sha256/" + hex(TWO)));
    assertTrue(files.get("manifest.json").contains("\"blobs/sha256/" + hex(TWO) + "\"]"));
    assertEquals(Set.of(), unnamed(files), "nothing else is in it");
  }

  /** Blobs that index.json leads to by no way. */
  private static Set<String> unnamed(Map<String, String> files) {
    Set<String> unnamed = new java.util.TreeSet<>();
    String all = String.join("\n", files.values());
    for (String name : files.keySet()) {
      if (name.matches("blobs/sha256/[0-9a-f]{64}") && !all.contains(name.substring(13))) {
        unnamed.add(name);
      }
    }
    return unnamed;
  }

  @Test
  void aPlainImageIsSavedWithAManifestOfItsOwn() {
    host.load(docker(config(ONE), "[\"x:1\",\"x:2\",\"y:1\"]", ONE).end());
    host.load(docker(config(ONE, TWO), "[\"z:1\"]", ONE, TWO).end());
    Map<String, String> byId = files(host.save(digest(config(ONE))));
    assertFalse(byId.containsKey("repositories"));
    assertTrue(byId.get("manifest.json").contains("\"RepoTags\":null"));
    byte[] both = host.save("x", "z:1", "x:2");
    Map<String, String> files = files(both);
    assertEquals(
        "{\"x\":{\"1\":\"%s\",\"2\":\"%s\"},\"z\":{\"1\":\"%s\"}}"
            .formatted(hex(ONE), hex(ONE), hex(TWO)),
        files.get("repositories"));
    assertEquals(List.of("blobs/", "blobs/sha256/"), List.copyOf(files.keySet()).subList(0, 2));
    assertEquals(
        2 + 2 + 2 + 2 + 4, files.size(), "two configs, manifests and layers: " + files.keySet());
    assertArrayEquals(both, host.save("x", "z:1", "x:2"));
    host.images.remove("x:1", false, true, id -> List.of());
    var other = new Host(temp.resolve("other"));
    assertEquals(
        List.of("x:1", "x:2", "z:1"),
        other.load(both).stream().flatMap(l -> l.names().stream()).toList());
    assertArrayEquals(both, other.save("x", "z"));
  }

  @Test
  void anImageLoadedAgainBringsItsCompressedLayersAlong() {
    String config = config(ONE);
    host.load(docker(config, "[\"x:1\"]", ONE).end());
    String before = files(host.save("x")).get("manifest.json");
    host.load(docker(config, "[\"x:1\"]", gzip(ONE)).end());
    Map<String, String> after = files(host.save("x"));
    assertNotEquals(before, after.get("manifest.json"));
    assertEquals(gzip(ONE), after.get("blobs/sha256/" + hex(gzip(ONE))));
    host.images.remove("x:1", false, true, id -> List.of());
    host.assertNothingIsLeft();
  }

  @Test
  void aManifestThatKeepsSizesToItselfIsReplacedByOneThatDoesNot() {
    var layout = new Layout();
    String config = config(ONE);
    String manifest = layout.manifest(config, ONE).replaceAll(",\"size\":[0-9]+", "");
    layout.top(layout.blob(Descriptor.MANIFEST, manifest, Layout.named("app:1")));
    host.load(layout.tar().end());
    byte[] saved = host.save("app:1");
    assertEquals(ONE, files(saved).get("blobs/sha256/" + hex(ONE)));
    var other = new Host(temp.resolve("other"));
    other.load(saved);
    assertArrayEquals(saved, other.save("app:1"));
  }

  @Test
  void aLayerWhoseRemovalWasCutShortIsMadeAgain() throws IOException {
    byte[] archive = docker(config(ONE, TWO), "[\"x:1\"]", ONE, TWO).end();
    host.load(archive);
    List<Digest> chains = host.images.inspect("x:1").layers();
    for (String records : List.of("image/images", "image/names")) {
      try (var dir = io.gantry.linux.Dir.open(host.root.resolve(records))) {
        dir.names().forEach(dir::unlink);
      }
    }
    host.trees.remove("one", chains.get(1).hex());
    var again = new Host(host.root);
    again.load(archive);
    chains.forEach(chain -> again.layers.verify(chain, "one"));
  }

  @Test
  void manyMayLoadSaveAndRemoveTheSameAtOnce() throws Exception {
    byte[] a = docker(config(ONE, TWO), "[\"a:1\"]", ONE, gzip(TWO)).end();
    byte[] b = docker(config(ONE), "[\"b:1\"]", gzip(ONE)).end();
    List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      byte[] archive = i % 2 == 0 ? a : b;
      String name = i % 2 == 0 ? "a:1" : "b:1";
      threads.add(
          new Thread(
              () -> {
                for (int round = 0; round < 20; round++) {
                  try {
                    new Quiet(host).load(archive);
                    host.save(name);
                    host.images.remove(name, false, true, id -> List.of());
                  } catch (GantryException e) {
                    if (e.kind() != Kind.NOT_FOUND) {
                      failures.add(e); // the other one may have removed it
                    }
                  } catch (RuntimeException | Error e) {
                    failures.add(e);
                  }
                }
              }));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(List.of(), failures);
    host.images
        .list()
        .forEach(i -> host.images.remove(i.id().toString(), true, true, u -> List.of()));
    host.assertNothingIsLeft();
  }

  /** Loads without a list of what was told. */
  private record Quiet(Host host) {
    void load(byte[] archive) {
      host.loader.load(
          new java.io.ByteArrayInputStream(archive),
          Platform.ANY,
          true,
          Host.LIMITS,
          new ImageLoader.Progress() {
            @Override
            public void layer(Digest diff, long current, long total) {}

            @Override
            public void moves(String name, Digest from) {}
          });
    }
  }

  @Test
  void aDamagedLayerIsNotSavedAsIfItWereWhole() throws IOException {
    host.load(docker(config(ONE), "[\"x:1\"]", ONE).end());
    Digest chain = host.images.inspect("x:1").layers().get(0);
    Files.writeString(host.trees.path("one", chain.hex()).resolve("one"), "2");
    var e = assertThrows(GantryException.class, () -> host.save("x"));
    assertEquals(Kind.INTERNAL, e.kind());
    assertTrue(e.getMessage().contains(chain.toString()), e.getMessage());
  }

  @Test
  void aDamagedBlobIsNotSavedAsIfItWereWhole() throws IOException {
    host.load(docker(config(ONE), "[\"x:1\"]", gzip(ONE)).end());
    Path blob = temp.resolve("host/blobs/sha256").resolve(hex(gzip(ONE)));
    byte[] content = Files.readAllBytes(blob);
    content[content.length / 2] ^= 1;
    Files.write(blob, content);
    var e = assertThrows(GantryException.class, () -> host.save("x"));
    assertEquals(Kind.INTERNAL, e.kind());
    assertTrue(e.getMessage().contains(hex(gzip(ONE))), e.getMessage());
  }

  @Test
  void whatCannotBeSavedIsSaidBefore() {
    host.load(docker(config(ONE), "[\"x:1\"]", ONE).end());
    var missing = assertThrows(GantryException.class, () -> host.save("x", "nosuch"));
    assertEquals("No such image: nosuch", missing.getMessage());
    var other =
        assertThrows(
            GantryException.class,
            () -> host.saver.open(List.of("x"), new Platform("linux", "arm64", "")));
    assertEquals("no suitable export target found for platform linux/arm64", other.getMessage());
  }
}

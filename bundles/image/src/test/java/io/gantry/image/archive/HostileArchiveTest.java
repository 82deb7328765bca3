package io.gantry.image.archive;

import static io.gantry.image.archive.Host.config;
import static io.gantry.image.archive.Host.docker;
import static io.gantry.image.archive.Host.gzip;
import static io.gantry.image.archive.Host.hex;
import static io.gantry.image.archive.Host.layer;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.image.layer.Tar;
import io.gantry.image.manifest.Descriptor;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Archives around images that try to get out, to hang, to exhaust or to pass for what they are not.
 * Each is refused in time and leaves neither blob nor tree nor name behind.
 */
class HostileArchiveTest {

  private static final String ONE = layer("one", "1");
  private static final String MANIFEST =
      "[{\"Config\":\"c.json\",\"RepoTags\":[\"x:1\"],\"Layers\":[\"l.tar\"]}]";
  private static final String A = "a".repeat(64);
  private static final String B = "b".repeat(64);

  @TempDir Path temp;
  private Host host;
  private Path victim;

  @BeforeEach
  void open() throws IOException {
    host = new Host(temp.resolve("host"));
    victim = Files.writeString(temp.resolve("victim"), "untouched");
  }

  private static Arguments of(String name, Supplier<byte[]> archive) {
    return Arguments.of(name, archive);
  }

  /** A good archive, but for one thing. */
  private static byte[] but(Consumer<Tar> what) {
    Tar tar =
        new Tar().file("c.json", config(ONE)).file("l.tar", ONE).file("manifest.json", MANIFEST);
    what.accept(tar);
    return tar.end();
  }

  private static byte[] manifest(String manifest) {
    return but(tar -> tar.file("manifest.json", manifest));
  }

  private static byte[] oci(Consumer<Layout> what) {
    var layout = new Layout();
    what.accept(layout);
    return layout.tar().end();
  }

  private static String image(Layout layout) {
    return layout.blob(
        Descriptor.MANIFEST, layout.manifest(config(ONE), gzip(ONE)), Layout.named("x:1"));
  }

  static Stream<Arguments> refusals() {
    return Stream.of(dockerArchives(), links(), v1(), layouts()).flatMap(all -> all);
  }

  private static Stream<Arguments> dockerArchives() {
    return Stream.of(
        of("nothing at all", () -> new byte[0]),
        of("an empty tar", () -> new Tar().end()),
        of("no tar", () -> "no tar ".repeat(100).getBytes(ISO_8859_1)),
        of("a layer alone", () -> ONE.getBytes(ISO_8859_1)),
        of("cut short", () -> Arrays.copyOf(but(tar -> {}), 2000)),
        of("a member with dots", () -> but(tar -> tar.file("../victim", "x"))),
        of("a member with dots inside", () -> but(tar -> tar.file("a/../../victim", "x"))),
        of("a file without a name", () -> but(tar -> tar.entry('7', "", "", "x"))),
        of("a file called dot", () -> but(tar -> tar.file("./.", "x"))),
        of(
            "a name that is too long",
            () -> but(tar -> tar.pax("path=" + "x".repeat(300)).file("x", ""))),
        of(
            "sparse member",
            () -> but(tar -> tar.pax("GNU.sparse.size=99", "GNU.sparse.map=0,1").file("s", "x"))),
        of(
            "a size of 8 EiB",
            () -> but(tar -> tar.pax("size=9223372036854775000").file("l.tar", "x"))),
        of("a huge gzip bomb", () -> gzip("\0".repeat(20 << 20)).getBytes(ISO_8859_1)),
        of(
            "a gigabyte of configuration",
            () ->
                gzip(Host.text(but(tar -> tar.file("c.json", " ".repeat(5 << 20)))))
                    .getBytes(ISO_8859_1)),
        of(
            "large configurations by the dozen",
            () ->
                but(
                    tar ->
                        tar.file("c.json", config(ONE) + " ".repeat(3 << 20))
                            .file(
                                "manifest.json",
                                "["
                                    + "{\"Config\":\"c.json\",\"Layers\":[\"l.tar\"]},".repeat(11)
                                    + MANIFEST.substring(1)))),
        of(
            "a compressed layer that is said to be none",
            () -> docker(config(gzip(ONE)), "[\"x:1\"]", gzip(ONE)).end()),
        of(
            "compressed layers that are said to be none",
            () -> docker(config(gzip(ONE), gzip(ONE)), "[\"x:1\"]", gzip(ONE), gzip(ONE)).end()),
        of("a large manifest", () -> manifest("[" + " ".repeat(5 << 20) + "]")),
        of("a manifest that nests", () -> manifest("[".repeat(100_000))),
        of("a manifest that is no list", () -> manifest("{}")),
        of("a manifest of texts", () -> manifest("[\"x\"]")),
        of("a manifest of nothing", () -> manifest("null")),
        of("an empty manifest", () -> manifest("")),
        of(
            "keys twice",
            () -> manifest("[{\"Config\":\"c.json\",\"Config\":\"x\",\"Layers\":[]}]")),
        of(
            "a manifest that is an index, too",
            () -> manifest("[{\"Config\":\"c.json\",\"manifests\":[],\"Layers\":[\"l.tar\"]}]")),
        of("no configuration", () -> manifest("[{\"Layers\":[\"l.tar\"]}]")),
        of(
            "a configuration outside",
            () -> manifest("[{\"Config\":\"../../etc/passwd\",\"Layers\":[\"l.tar\"]}]")),
        of(
            "a configuration of the host",
            () -> manifest("[{\"Config\":\"/etc/passwd\",\"Layers\":[\"l.tar\"]}]")),
        of(
            "a configuration that is a number",
            () -> manifest("[{\"Config\":7,\"Layers\":[\"l.tar\"]}]")),
        of(
            "a layer that is not there",
            () -> manifest("[{\"Config\":\"c.json\",\"Layers\":[\"no\"]}]")),
        of(
            "a layer of the host",
            () -> manifest("[{\"Config\":\"c.json\",\"Layers\":[\"/dev/zero\"]}]")),
        of("a layer without a name", () -> manifest("[{\"Config\":\"c.json\",\"Layers\":[\"\"]}]")),
        of(
            "a layer too many",
            () -> manifest("[{\"Config\":\"c.json\",\"Layers\":[\"l.tar\",\"l.tar\"]}]")),
        of("a layer too few", () -> manifest("[{\"Config\":\"c.json\",\"Layers\":[]}]")),
        of(
            "15,000 layers",
            () ->
                manifest(
                    "[{\"Config\":\"c.json\",\"Layers\":[\"l.tar\""
                        + ",\"l.tar\"".repeat(15_000)
                        + "]}]")),
        of("2,000 images", () -> manifest("[{}" + ",{}".repeat(2000) + "]")),
        of(
            "20,000 tags",
            () ->
                manifest(
                    "[{\"Config\":\"c.json\",\"RepoTags\":[\"x:1\""
                        + ",\"x:1\"".repeat(20_000)
                        + "],\"Layers\":[\"l.tar\"]}]")),
        of(
            "a tag that is none",
            () ->
                manifest(
                    "[{\"Config\":\"c.json\",\"RepoTags\":[\"../x:1\"],\"Layers\":[\"l.tar\"]}]")),
        of(
            "a name without a tag",
            () ->
                manifest("[{\"Config\":\"c.json\",\"RepoTags\":[\"x\"],\"Layers\":[\"l.tar\"]}]")),
        of(
            "a tag that is an id",
            () ->
                manifest(
                    "[{\"Config\":\"c.json\",\"RepoTags\":[\""
                        + A
                        + "\"],\"Layers\":[\"l.tar\"]}]")),
        of(
            "a tag that reads like a digest",
            () ->
                manifest(
                    "[{\"Config\":\"c.json\",\"RepoTags\":[\"sha256:"
                        + A
                        + "\"],\"Layers\":[\"l.tar\"]}]")),
        of("another layer than it says", () -> but(tar -> tar.file("l.tar", layer("one", "2")))),
        of("a layer that is no tar", () -> but(tar -> tar.file("l.tar", "x".repeat(600)))),
        of(
            "a second image that is bad",
            () -> manifest(MANIFEST.replace("}]", "},{\"Config\":\"c.json\",\"Layers\":[]}]"))),
        of("a configuration that is no object", () -> but(tar -> tar.file("c.json", "[]"))),
        of("a configuration without layers", () -> but(tar -> tar.file("c.json", "{}"))),
        of(
            "a malformed diff id",
            () -> but(tar -> tar.file("c.json", config(ONE).replace("sha256:", "sha256:../")))),
        of(
            "an image for windows",
            () -> but(tar -> tar.file("c.json", config(ONE).replace("linux", "windows")))),
        of("members without end", () -> repeated(100_001)),
        of("a layer that gets out", () -> escaping()));
  }

  private static byte[] repeated(int times) {
    Tar tar = new Tar();
    byte[] directory = new Tar().dir("d").bytes();
    for (int i = 0; i < times; i++) {
      tar.raw(directory);
    }
    return tar.end();
  }

  private static byte[] escaping() {
    String layer = layer("../../../victim", "x");
    return docker(config(layer), "[\"x:1\"]", layer).end();
  }

  private static Stream<Arguments> links() {
    return Stream.of(
        of("a FIFO for a manifest", () -> but(tar -> tar.entry('6', "manifest.json", "", ""))),
        of("a FIFO for a layer", () -> but(tar -> tar.entry('6', "l.tar", "", ""))),
        of("/dev/zero for a layer", () -> but(tar -> tar.device('3', "l.tar", 1, 5))),
        of("a disk", () -> but(tar -> tar.device('4', "disk", 8, 0))),
        of("a link to the host", () -> but(tar -> tar.symlink("c.json", "/etc/passwd"))),
        of("a link that leads out", () -> but(tar -> tar.symlink("c.json", "../../victim"))),
        of("a hard link that leads out", () -> but(tar -> tar.link("l.tar", "../victim"))),
        of("a link to nothing", () -> but(tar -> tar.symlink("l.tar", "nothing"))),
        of("a link to itself", () -> but(tar -> tar.symlink("l.tar", "l.tar"))),
        of(
            "links in a ring",
            () -> but(tar -> tar.symlink("l.tar", "m").symlink("m", "n").link("n", "l.tar"))),
        of("links without end", () -> but(HostileArchiveTest::chain)),
        of(
            "a link through a directory link",
            () -> but(tar -> tar.symlink("d", "/").symlink("l.tar", "d/dev/zero"))));
  }

  private static void chain(Tar tar) {
    for (int i = 0; i < 1000; i++) {
      tar.symlink(i == 0 ? "l.tar" : "l" + i, "l" + (i + 1));
    }
    tar.file("l1000", ONE);
  }

  private static Tar v1(String repositories) {
    return new Tar().file("repositories", repositories);
  }

  private static byte[] v1Of(String id, String json) {
    return v1("{\"x\":{\"1\":\"" + id + "\"}}")
        .file(id + "/json", json)
        .file(id + "/layer.tar", ONE)
        .end();
  }

  private static Stream<Arguments> v1() {
    return Stream.of(
        of("its own parent", () -> v1Of(A, "{\"parent\":\"" + A + "\"}")),
        of(
            "parents in a ring",
            () ->
                v1("{\"x\":{\"1\":\"" + A + "\"}}")
                    .file(A + "/json", "{\"parent\":\"" + B + "\"}")
                    .file(B + "/json", "{\"parent\":\"" + A + "\"}")
                    .end()),
        of("600 parents", HostileArchiveTest::parents),
        of("a parent that is not there", () -> v1Of(A, "{\"parent\":\"" + B + "\"}")),
        of("a parent that is a path", () -> v1Of(A, "{\"parent\":\"../../../etc\"}")),
        of("an id with a slash", () -> v1Of("a/" + A, "{}")),
        of("an id of dots", () -> v1("{\"x\":{\"1\":\"..\"}}").end()),
        of("no id", () -> v1("{\"x\":{\"1\":\"\"}}").end()),
        of("an id that is a number", () -> v1("{\"x\":{\"1\":7}}").end()),
        of(
            "a name that is none",
            () -> v1("{\"../x\":{\"1\":\"" + A + "\"}}").file(A + "/json", "{}").end()),
        of(
            "a tag that is none",
            () -> v1("{\"x\":{\"../1\":\"" + A + "\"}}").file(A + "/json", "{}").end()),
        of("a json that is none", () -> v1Of(A, "x")),
        of(
            "a json that is a FIFO",
            () -> v1("{\"x\":{\"1\":\"" + A + "\"}}").entry('6', A + "/json", "", "").end()),
        of("a command that is no list", () -> v1Of(A, "{\"container_config\":{\"Cmd\":\"x\"}}")));
  }

  private static byte[] parents() {
    Tar tar = v1("{\"x\":{\"1\":\"%064x\"}}".formatted(0));
    for (int i = 0; i < 600; i++) {
      tar.file("%064x/json".formatted(i), "{\"parent\":\"%064x\"}".formatted(i + 1));
    }
    return tar.file("%064x/json".formatted(600), "{}").end();
  }

  private static Stream<Arguments> layouts() {
    return Stream.of(
        of("no manifests", () -> oci(layout -> {})),
        of(
            "a blob that is not there",
            () -> oci(layout -> layout.top(image(layout)).without(gzip(ONE)))),
        of("no configuration", () -> oci(layout -> layout.top(image(layout)).without(config(ONE)))),
        of(
            "another layer than named",
            () ->
                oci(
                    layout ->
                        layout.top(image(layout)).replace(gzip(ONE), gzip(layer("one", "2"))))),
        of(
            "another configuration than named",
            () -> oci(layout -> layout.top(image(layout)).replace(config(ONE), config(ONE) + " "))),
        of(
            "a layer that unpacks to another",
            () ->
                oci(
                    layout ->
                        layout.top(
                            layout.blob(
                                Descriptor.MANIFEST,
                                layout.manifest(config(ONE), gzip(layer("one", "2"))))))),
        of(
            "a size that lies",
            () ->
                oci(
                    layout ->
                        layout.top(image(layout).replaceFirst("\"size\":\\d+", "\"size\":7")))),
        of(
            "a negative size",
            () ->
                oci(
                    layout ->
                        layout.top(image(layout).replaceFirst("\"size\":\\d+", "\"size\":-7")))),
        of(
            "a size of 100 digits",
            () ->
                oci(
                    layout ->
                        layout.top(
                            image(layout)
                                .replaceFirst("\"size\":\\d+", "\"size\":" + "9".repeat(100))))),
        of(
            "a digest that is a path",
            () ->
                oci(
                    layout ->
                        layout.top(
                            image(layout)
                                .replaceFirst("sha256:[0-9a-f]+", "sha256:../../../etc/passwd")))),
        of(
            "a digest of another kind",
            () ->
                oci(
                    layout ->
                        layout.top(
                            image(layout)
                                .replaceFirst("sha256:[0-9a-f]+", "md5:" + "0".repeat(32))))),
        of(
            "no digest",
            () -> oci(layout -> layout.top("{\"mediaType\":\"" + Descriptor.MANIFEST + "\"}"))),
        of(
            "a manifest that is an index at once",
            () ->
                oci(
                    layout ->
                        layout.top(
                            layout.blob(
                                Descriptor.MANIFEST,
                                layout
                                    .manifest(config(ONE), gzip(ONE))
                                    .replace("\"x\":1", "\"manifests\":[]"))))),
        of(
            "an encrypted layer",
            () ->
                oci(
                    layout ->
                        layout.top(
                            layout.blob(
                                Descriptor.MANIFEST,
                                layout
                                    .manifest(config(ONE), gzip(ONE))
                                    .replace("+gzip", "+gzip+encrypted"))))),
        of(
            "no image but something else",
            () ->
                oci(
                    layout ->
                        layout.top(
                            layout.blob(
                                Descriptor.MANIFEST,
                                layout
                                    .manifest(config(ONE), gzip(ONE))
                                    .replace(Descriptor.CONFIG, "application/x"))))),
        of(
            "600 layers",
            () ->
                oci(
                    layout ->
                        layout.top(
                            layout.blob(
                                Descriptor.MANIFEST,
                                layout.manifest(
                                    config(ONE),
                                    Stream.generate(() -> gzip(ONE))
                                        .limit(600)
                                        .toArray(String[]::new)))))),
        of("indexes without end", () -> oci(layout -> layout.top(nested(layout, 2500)))),
        of(
            "an index of 2,000",
            () ->
                oci(
                    layout ->
                        layout.top(
                            layout.blob(
                                Descriptor.INDEX,
                                layout.index(
                                    IntStream.range(0, 2000)
                                        .mapToObj(i -> image(layout))
                                        .toArray(String[]::new)))))),
        of("an index that is a FIFO", () -> new Tar().entry('6', "index.json", "", "").end()),
        of(
            "an index that names itself",
            () ->
                new Tar()
                    .file("index.json", "{\"manifests\":[{\"digest\":\"sha256:" + A + "\"}]}")
                    .symlink("blobs/sha256/" + A, "../../index.json")
                    .end()));
  }

  private static String nested(Layout layout, int depth) {
    String descriptor = image(layout);
    for (int i = 0; i < depth; i++) {
      descriptor = layout.blob(Descriptor.INDEX, layout.index(descriptor));
    }
    return descriptor;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refusals")
  void isRefusedAndLeavesNothing(String name, Supplier<byte[]> archive) throws IOException {
    var e =
        Assertions.assertTimeout(
            Duration.ofSeconds(20),
            () -> assertThrows(GantryException.class, () -> host.load(archive.get())));
    assertTrue(
        List.of(Kind.INVALID, Kind.EXHAUSTED, Kind.NOT_FOUND).contains(e.kind()), e.toString());
    host.assertNothingIsLeft();
    assertEquals("untouched", Files.readString(victim));
  }

  @Test
  void whatFailsLateTakesBackWhatCameBefore() {
    String other = layer("two", "2");
    byte[] archive =
        new Tar()
            .file("a.json", config(ONE))
            .file("b.json", config(ONE, other))
            .file("one.tar", ONE)
            .file("two.tar", layer("two", "3"))
            .file(
                "manifest.json",
                "[{\"Config\":\"a.json\",\"RepoTags\":[\"a:1\"],\"Layers\":[\"one.tar\"]},"
                    + "{\"Config\":\"b.json\",\"RepoTags\":[\"b:1\"],"
                    + "\"Layers\":[\"one.tar\",\"two.tar\"]}]")
            .end();
    var e = assertThrows(GantryException.class, () -> host.load(archive));
    assertTrue(e.getMessage().startsWith("invalid diffID for layer 1: expected "), e.getMessage());
    host.assertNothingIsLeft();
  }

  @Test
  void aKnownLayerIsNoExcuseForAnotherContent() {
    host.load(docker(config(ONE), "[\"x:1\"]", ONE).end());
    String bad = gzip(layer("one", "2"));
    host.load(docker(config(ONE), "[\"y:1\"]", bad).end());
    var files = Host.files(host.save("y:1"));
    assertTrue(!files.containsKey("blobs/sha256/" + hex(bad)), "it is not handed on");
    assertEquals(ONE, files.get("blobs/sha256/" + hex(ONE)));
  }

  @Test
  void anInterruptEndsALoad() {
    Thread.currentThread().interrupt();
    var e =
        assertThrows(
            GantryException.class, () -> host.load(docker(config(ONE), "[\"x:1\"]", ONE).end()));
    assertEquals(Kind.CANCELLED, e.kind());
    host.assertNothingIsLeft();
  }
}

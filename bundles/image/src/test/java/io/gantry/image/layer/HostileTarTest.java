package io.gantry.image.layer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.Dir;
import io.gantry.linux.Stat;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.BlobStore;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/**
 * Archives that try to get out, to hide, to exhaust or to confuse. Whatever becomes of them:
 * nothing outside of the layer changes, and what is refused leaves nothing behind.
 */
class HostileTarTest {

  private static final Limits LIMITS = new Limits(8 << 20, 1 << 20, 50, 10_000);

  @TempDir Path temp;
  private DirectoryTrees trees;
  private BlobStore blobs;
  private Layers layers;
  private Path victim;
  private Map<String, String> before;

  @BeforeEach
  void open() throws IOException {
    use(TreeStyle.WHOLE);
    victim = Files.createDirectories(temp.resolve("victim"));
    Files.writeString(victim.resolve("file"), "untouched");
    Files.createDirectories(victim.resolve("dir"));
    before = outside();
  }

  private void use(TreeStyle style) {
    trees = new DirectoryTrees(temp.resolve("trees"), style);
    blobs = new BlobStore(temp.resolve("blobs"), InstantSource.system());
    layers = new Layers(temp.resolve("layers"), new HeldBlobs(blobs), trees);
    layers.load();
  }

  @AfterEach
  void nothingOutsideHasChanged() throws IOException {
    assertEquals(before, outside());
  }

  private Map<String, String> outside() throws IOException {
    Map<String, String> all = new TreeMap<>();
    try (Stream<Path> files = Files.walk(temp)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        String name = temp.relativize(file).toString();
        if (name.matches("(trees|blobs|layers)(/.*)?") || name.isEmpty()) {
          continue;
        }
        all.put(
            name,
            Files.getPosixFilePermissions(file)
                + (Files.isRegularFile(file) ? Files.readString(file) : ""));
      }
    }
    return all;
  }

  private Layer make(byte[] tar) {
    return layers.make(new ByteArrayInputStream(tar), null, LIMITS);
  }

  private GantryException refused(InputStream archive) {
    var e = assertThrows(GantryException.class, () -> layers.make(archive, null, LIMITS));
    assertEquals(Set.of(), trees.all());
    assertEquals(List.of(), blobs.list());
    try (Stream<Path> scratch = Files.list(temp.resolve("blobs/ingest"))) {
      assertEquals(0, scratch.count());
    } catch (NoSuchFileException none) {
      // refused before anything was stored
    } catch (IOException io) {
      throw new UncheckedIOException(io);
    }
    return e;
  }

  private GantryException refused(byte[] archive) {
    return refused(new ByteArrayInputStream(archive));
  }

  private Path in(Layer layer, String path) {
    return trees.path("one", layer.treeId()).resolve(path);
  }

  private static Arguments of(String name, Supplier<byte[]> tar) {
    return Arguments.of(name, tar);
  }

  /** Each of a good size and for all members; together more than anybody needs. */
  private static byte[] globals() {
    Tar tar = new Tar();
    for (int i = 0; i < 4; i++) {
      tar.pax('g', "user" + i + "=" + "x".repeat(1 << 19));
    }
    return tar.file("f", "x").end();
  }

  static Stream<Arguments> refusals() {
    return Stream.of(
        of("dots", () -> new Tar().file("../victim/file", "x").end()),
        of("dots inside", () -> new Tar().file("a/../../victim/file", "x").end()),
        of("dots only", () -> new Tar().dir("..").end()),
        of("absolute dots", () -> new Tar().file("/../../victim/file", "x").end()),
        of("global headers without end", HostileTarTest::globals),
        of("pax dots", () -> new Tar().pax("path=../x").file("ok", "x").end()),
        of("hard link to dots", () -> new Tar().link("l", "../../victim/file").end()),
        of("hard link to nothing", () -> new Tar().link("l", "nothing").end()),
        of("hard link to a directory", () -> new Tar().dir("d").link("l", "d").end()),
        of("hard link to the root", () -> new Tar().link("l", "./").end()),
        of("hard link through a file", () -> new Tar().file("f", "").link("l", "f/x").end()),
        of(
            "hard link through a link to the host",
            () -> new Tar().symlink("s", "/proc/self").link("l", "s/environ").end()),
        of("root is a link", () -> new Tar().symlink("./", "/etc").end()),
        of("root is a file", () -> new Tar().entry('7', ".", "", "x").end()),
        of("file below a file", () -> new Tar().file("f", "").file("f/x", "").end()),
        of("link loop", () -> new Tar().symlink("a", "b").symlink("b", "a").file("a/x", "").end()),
        of("link to nothing", () -> new Tar().symlink("a", "").end()),
        of("whiteout of dots", () -> new Tar().file("d/.wh...", "").end()),
        of("whiteout of a dot", () -> new Tar().file(".wh..", "").end()),
        of("whiteout of nothing", () -> new Tar().file("d/.wh.", "").end()),
        of("whiteout of a whiteout", () -> new Tar().file("d/.wh..wh.x", "").end()),
        of("file below a whiteout", () -> new Tar().file(".wh.d/x", "").end()),
        of("device 0:0", () -> new Tar().device('3', "gone", 0, 0).end()),
        of("zero in a name", () -> new Tar().pax("path=a\0b").file("ok", "").end()),
        of("zero in a link", () -> new Tar().pax("linkpath=a\0b").symlink("ok", "x").end()),
        of("name too long", () -> new Tar().pax("path=" + "x".repeat(256)).file("f", "").end()),
        of("path too long", () -> new Tar().pax("path=" + "x/".repeat(2100)).dir("f").end()),
        of("uid of 64 bits", () -> new Tar().pax("uid=18446744073709551616").file("f", "").end()),
        of("uid of 33 bits", () -> new Tar().pax("uid=4294967296").file("f", "").end()),
        of("uid -1", () -> new Tar().pax("uid=4294967295").file("f", "").end()),
        of("negative uid", () -> new Tar().pax("uid=-1").file("f", "").end()),
        of("negative size", () -> new Tar().pax("size=-1").file("f", "").end()),
        of("size of 64 bits", () -> new Tar().pax("size=9223372036854775807").file("f", "").end()),
        of(
            "time beyond time",
            () -> new Tar().pax("mtime=9223372036854775807").file("f", "").end()),
        of("no time", () -> new Tar().pax("mtime=soon").file("f", "").end()),
        of("pax without length", () -> new Tar().entry('x', "p", "", "path=x\n").end()),
        of("pax length too long", () -> new Tar().entry('x', "p", "", "99 path=x\n").end()),
        of("pax length 0", () -> new Tar().entry('x', "p", "", "0 path=x\n").end()),
        of("pax length huge", () -> new Tar().entry('x', "p", "", "99999999999 path=x\n").end()),
        of("pax without equals", () -> new Tar().entry('x', "p", "", "9 path x\n").end()),
        of("pax without member", () -> new Tar().pax("path=x").end()),
        of("pax header of a gigabyte", () -> new Tar().raw(big('x')).bytes()),
        of("long name of a gigabyte", () -> new Tar().raw(big('L')).bytes()),
        of("endless pax headers", () -> repeated(100, tar -> tar.pax("a=b")).file("f", "").end()),
        of("more entries than allowed", () -> repeated(10_001, tar -> tar.dir("d")).end()),
        of("global headers for ever", () -> repeated(10_001, t -> t.pax('g', "a=b")).end()),
        of("unknown type", () -> new Tar().entry('Q', "f", "", "").end()),
        of("sparse map that overlaps", () -> sparse("0,10,5,10", 15).end()),
        of("sparse map beyond the file", () -> sparse("0,10,100,10", 50).end()),
        of("sparse map of odd length", () -> sparse("0,10,20", 50).end()),
        of("sparse map with less data", () -> sparse("0,5", 50).end()),
        of("sparse map that overflows", () -> sparse("9223372036854775807,1", 50).end()),
        of("sparse map of numbers only", () -> sparse("", 8L << 40).end()),
        of("sparse 1.0 without end", () -> sparseInData("9".repeat(512), 0)),
        of("sparse 1.0 with too many pieces", () -> sparseInData("99999999\n0\n0\n", 99)),
        of("not a tar", () -> "not a tar archive\n".repeat(100).getBytes(ISO_8859_1)),
        of("zeros, then something", () -> new Tar().raw(new byte[512]).file("f", "").end()),
        of("wrong checksum", HostileTarTest::wrongChecksum),
        of("truncated header", () -> Arrays.copyOf(new Tar().file("f", "x").end(), 300)),
        of("truncated content", () -> Arrays.copyOf(new Tar().file("f", "x").end(), 512)),
        of("truncated padding", () -> Arrays.copyOf(new Tar().file("f", "x").end(), 600)),
        of("truncated pax", () -> Arrays.copyOf(new Tar().pax("path=x").end(), 520)),
        of(
            "gzip of a truncated tar",
            () -> gzip(Arrays.copyOf(new Tar().file("f", "x").end(), 600))),
        of("truncated gzip", () -> cut(gzip(new Tar().file("f", "x".repeat(5000)).end()))),
        of("gzip with a wrong checksum", HostileTarTest::wrongGzip),
        of("only a gzip header", () -> new byte[] {0x1f, (byte) 0x8b, 8}),
        of("broken bzip2", () -> "BZh9 this is not bzip2 at all".getBytes(ISO_8859_1)),
        of("broken xz", () -> bytes(0xfd, '7', 'z', 'X', 'Z', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)),
        of("broken zstd", () -> bytes(0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)),
        of("bomb", () -> gzip(new Tar().file("f", "\0".repeat(4 << 20)).end())),
        of("bomb behind the end", () -> gzip(new Tar().raw(new byte[5 << 20]).bytes())),
        of("larger than the disk", () -> new Tar().file("f", "x".repeat(9 << 20)).end()),
        of("files larger than the disk", HostileTarTest::manySparse));
  }

  private static byte[] big(char type) {
    return Tar.sealed(Tar.header(type, "meta", "", 1L << 30));
  }

  private static Tar repeated(int times, Consumer<Tar> what) {
    Tar tar = new Tar();
    for (int i = 0; i < times; i++) {
      what.accept(tar);
    }
    return tar;
  }

  private static Tar sparse(String map, long realSize) {
    return new Tar()
        .pax("GNU.sparse.size=" + realSize, "GNU.sparse.map=" + map)
        .file("f", "0123456789");
  }

  private static byte[] sparseInData(String map, long realSize) {
    return new Tar()
        .pax("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=" + realSize)
        .file("f", (map + "\0".repeat(512)).substring(0, 512))
        .end();
  }

  private static byte[] manySparse() {
    Tar tar = new Tar();
    for (int i = 0; i < 3; i++) {
      tar.pax("GNU.sparse.size=" + (3 << 20), "GNU.sparse.map=0,1").file("f" + i, "x");
    }
    return tar.end();
  }

  private static byte[] wrongChecksum() {
    byte[] tar = new Tar().file("f", "x").end();
    tar[0] ^= 1;
    return tar;
  }

  private static byte[] gzip(byte[] content) {
    var out = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(out)) {
      gzip.write(content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private static byte[] cut(byte[] archive) {
    return Arrays.copyOf(archive, archive.length - 20);
  }

  private static byte[] wrongGzip() {
    byte[] archive = gzip(new Tar().file("f", "x").end());
    archive[archive.length - 8] ^= 1;
    return archive;
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refusals")
  void isRefusedAndLeavesNothing(String name, Supplier<byte[]> tar) {
    var e = refused(tar.get());
    assertTrue(e.kind() == Kind.INVALID || e.kind() == Kind.EXHAUSTED, e.toString());
  }

  @Test
  void errorsAreDockersSentences() {
    byte[] tar = new Tar().file("f", "x").end();
    assertEquals("unexpected EOF", refused(Arrays.copyOf(tar, 600)).getMessage());
    assertEquals("unexpected EOF", refused(cut(gzip(tar))).getMessage());
    assertTrue(
        refused("no tar ".repeat(100).getBytes(ISO_8859_1))
            .getMessage()
            .startsWith("archive/tar: invalid tar header"));
  }

  @Test
  void aConnectionThatBreaksIsNotTheArchivesFault() {
    InputStream broken =
        new InputStream() {
          @Override
          public int read() throws IOException {
            throw new IOException("Connection reset");
          }
        };
    assertEquals(Kind.UNAVAILABLE, refused(broken).kind());
  }

  @Test
  void randomDamageNeverGetsOut() {
    byte[] good =
        new Tar()
            .pax("SCHILY.xattr.user.x=y", "mtime=1.5")
            .file("d/f", "hello")
            .symlink("s", "/")
            .link("l", "d/f")
            .file("s/x", "through")
            .end();
    Random random = new Random(3);
    for (int i = 0; i < 300; i++) {
      byte[] bad = good.clone();
      for (int j = 0; j < 3; j++) {
        int block = random.nextInt(bad.length / 512) * 512;
        bad[block + random.nextInt(512)] = (byte) random.nextInt(256);
        if (random.nextBoolean() && bad[block + 257] == 'u') {
          System.arraycopy(
              Tar.sealed(Arrays.copyOfRange(bad, block, block + 512)), 0, bad, block, 512);
        }
      }
      try {
        layers.release(make(bad).chain());
      } catch (GantryException e) {
        assertTrue(e.kind() != Kind.INTERNAL, e.toString());
      }
      assertEquals(Set.of(), trees.all());
      assertEquals(List.of(), blobs.list());
    }
  }

  @Test
  void absoluteNamesCountFromTheRootOfTheLayer() throws IOException {
    Layer layer = make(new Tar().file(victim + "/file", "inside").end());
    assertEquals("inside", Files.readString(in(layer, victim.toString().substring(1) + "/file")));
  }

  @Test
  void linksOnTheWayAreFollowedInside() throws IOException {
    Layer layer =
        make(
            new Tar()
                .symlink("abs", victim.toString())
                .file("abs/file", "absolute")
                .symlink("dots", "../../../.." + victim)
                .file("dots/dots", "dots")
                .symlink("lib", "usr/lib")
                .dir("usr/lib")
                .file("lib/so", "lib")
                .dir("real")
                .symlink("real/up", "..")
                .file("real/up/top", "top")
                .end());
    String inside = victim.toString().substring(1);
    assertEquals("absolute", Files.readString(in(layer, inside + "/file")));
    assertEquals("dots", Files.readString(in(layer, inside + "/dots")));
    assertEquals("lib", Files.readString(in(layer, "usr/lib/so")));
    assertEquals("top", Files.readString(in(layer, "top")));
    assertTrue(Files.isSymbolicLink(in(layer, "lib")));
    layers.verify(layer.chain(), "one");
  }

  @Test
  void whatIsInTheWayIsReplacedAndNeverWrittenThrough() throws IOException {
    Layer layer =
        make(
            new Tar()
                .symlink("a", victim + "/file")
                .file("a", "file")
                .symlink("b", victim + "/dir")
                .dir("b")
                .file("b/x", "in b")
                .symlink("c", victim + "/file")
                .link("d", "c")
                .file("d", "was a link")
                .end());
    assertEquals("file", Files.readString(in(layer, "a")));
    assertTrue(Files.isDirectory(in(layer, "b"), LinkOption.NOFOLLOW_LINKS));
    assertTrue(Files.isSymbolicLink(in(layer, "c")));
    assertEquals("was a link", Files.readString(in(layer, "d")));
    layers.verify(layer.chain(), "one");
  }

  @Test
  void aHardLinkToALinkIsTheLinkItself() {
    Layer layer = make(new Tar().symlink("s", victim + "/file").link("h", "s").end());
    assertTrue(Files.isSymbolicLink(in(layer, "h")));
  }

  @Test
  void aHardLinkToItselfChangesNothing() throws IOException {
    Layer layer = make(new Tar().file("f", "x").link("f", "f").link("g", "f").link("g", "f").end());
    assertEquals("x", Files.readString(in(layer, "g")));
    layers.verify(layer.chain(), "one");
  }

  @Test
  void whiteoutsThroughLinksStayInside() {
    Layer layer = make(new Tar().symlink("s", victim.toString()).file("s/.wh.file", "").end());
    assertFalse(Files.exists(in(layer, victim.toString().substring(1) + "/file")));
  }

  @Test
  void booksOfAufsAreLeftOut() throws IOException {
    byte[] tar =
        new Tar().dir(".wh..wh.plnk").file(".wh..wh.plnk/1.2", "x").file(".wh..wh.aufs", "").end();
    Layer layer = make(tar);
    assertEquals(0, in(layer, "").toFile().list().length);
    layers.verify(layer.chain(), "one");
  }

  @Test
  void attributesOfTheKernelAndOfOverlayfsAreLeftOut() throws IOException {
    Layer layer =
        make(
            new Tar()
                .pax(
                    "SCHILY.xattr.trusted.overlay.opaque=y",
                    "SCHILY.xattr.security.selinux=system_u",
                    "SCHILY.xattr.user.kept=\u00ff\0bytes")
                .dir("d")
                .end());
    var view = Files.getFileAttributeView(in(layer, "d"), UserDefinedFileAttributeView.class);
    assertEquals(List.of("kept"), view.list());
    assertEquals(7, view.size("kept"));
    try (var dir = Dir.open(in(layer, "d"))) {
      assertTrue(dir.xattrs().get("trusted.overlay.opaque").isEmpty());
      assertFalse(dir.xattrs().get("security.selinux").filter(v -> v.length() == 8).isPresent());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = TreeStyle.class,
      names = {"WHOLE", "AUFS_FILES"})
  void anEntryAfterItsWhiteoutIsThere(TreeStyle style) throws IOException {
    use(style);
    byte[] tar =
        new Tar()
            .file(".wh.f", "")
            .file("f", "new")
            .file("g", "x")
            .file(".wh.g", "")
            .file("d/.wh..wh..opq", "")
            .file("d/kept", "")
            .end();
    Layer layer = make(tar);
    assertEquals("new", Files.readString(in(layer, "f")));
    assertFalse(Files.exists(in(layer, ".wh.f")));
    assertFalse(Files.exists(in(layer, "g")));
    assertEquals(style == TreeStyle.AUFS_FILES, Files.exists(in(layer, ".wh.g")));
    assertEquals(style == TreeStyle.AUFS_FILES, Files.exists(in(layer, "d/.wh..wh..opq")));
    layers.verify(layer.chain(), "one");
  }

  @Test
  @Tag("root")
  void overlayGetsDevicesAndOpaqueDirectories() throws IOException {
    use(TreeStyle.OVERLAY_DEVICES);
    Layer layer =
        make(
            new Tar()
                .file(".wh.gone", "")
                .file("d/.wh..wh..opq", "")
                .file(".wh.e", "")
                .dir("e")
                .end());
    try (var dir = Dir.open(in(layer, ""))) {
      var gone = dir.stat("gone");
      assertEquals(Stat.Type.CHARACTER_DEVICE, gone.type());
      assertEquals(0, gone.major() + gone.minor());
      assertTrue(dir.stat("e").isDirectory());
      for (String opaque : List.of("d", "e")) {
        assertTrue(dir.xattrs(opaque).get("trusted.overlay.opaque").isPresent(), opaque);
      }
    }
    layers.verify(layer.chain(), "one");
  }

  @Test
  void deepTreesCostNoStack() throws IOException {
    Tar tar = new Tar();
    tar.pax("path=" + "d/".repeat(1500) + "f").file("f", "deep").file("d", "now a file");
    Layer layer = make(tar.end());
    assertEquals("now a file", Files.readString(in(layer, "d")));
    layers.verify(layer.chain(), "one");
  }

  @ParameterizedTest
  @ValueSource(ints = {37, 40})
  void aXzThatClaimsGigabytesIsRefusedBeforeTheyAreAllocated(int dictionary) throws Exception {
    var out = new ByteArrayOutputStream();
    try (var xz = new XZOutputStream(out, new LZMA2Options(0))) {
      xz.write(new Tar().file("f", "x").end());
    }
    byte[] archive = out.toByteArray();
    // Block header: size, flags, filter id 0x21, size of properties 1, dictionary size; CRC32.
    assertEquals(0x21, archive[14]);
    archive[16] = (byte) dictionary;
    int size = (archive[12] + 1) * 4;
    var crc = new CRC32();
    crc.update(archive, 12, size - 4);
    for (int i = 0; i < 4; i++) {
      archive[12 + size - 4 + i] = (byte) (crc.getValue() >>> 8 * i);
    }
    var e = refused(archive);
    assertEquals(Kind.INVALID, e.kind());
    if (dictionary == 37) {
      assertEquals("the archive needs too much memory to be decompressed", e.getMessage());
    }
  }
}

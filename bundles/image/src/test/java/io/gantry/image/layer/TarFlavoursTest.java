package io.gantry.image.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.Dir;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.store.BlobStore;
import io.gantry.store.Digest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tars as real programs make them: the tree is right, and the same tar comes out again. */
class TarFlavoursTest {

  private static final Limits LIMITS = Limits.layer(1L << 32);

  /** Version 2, effective, CAP_NET_BIND_SERVICE. */
  private static final Bytes CAPABILITY =
      Bytes.copyOf(HexFormat.of().parseHex("0100000200040000000000000000000000000000"));

  private static final Bytes BINARY = Bytes.copyOf(new byte[] {0, (byte) 0xff});

  @TempDir Path temp;
  private DirectoryTrees trees;
  private Layers layers;
  private Path source;

  @BeforeEach
  void open() throws IOException {
    trees = new DirectoryTrees(temp.resolve("trees"), TreeStyle.WHOLE);
    var blobs = new HeldBlobs(new BlobStore(temp.resolve("blobs"), InstantSource.system()));
    layers = new Layers(temp.resolve("layers"), blobs, trees);
    source = Files.createDirectories(temp.resolve("source"));
  }

  private void fill(boolean longNames) throws IOException {
    Files.writeString(source.resolve("file"), "content");
    Files.createLink(source.resolve("hard"), source.resolve("file"));
    Files.createSymbolicLink(source.resolve("soft"), Path.of("file"));
    Files.createDirectories(source.resolve("dir/sub"));
    Files.writeString(source.resolve("dir/sub/empty"), "");
    Files.write(source.resolve("dir/large"), new byte[100_000]);
    DirectoryTrees.run("mkfifo", source.resolve("fifo").toString());
    DirectoryTrees.run("chmod", "4751", source.resolve("file").toString());
    DirectoryTrees.run("chmod", "1777", source.resolve("dir").toString());
    if (longNames) {
      Path deep = source.resolve("x".repeat(120)).resolve("y".repeat(150)).resolve("z".repeat(90));
      Files.createDirectories(deep);
      Files.writeString(deep.resolve("long"), "long");
      Files.createSymbolicLink(source.resolve("longlink"), Path.of("t/".repeat(100)));
      Files.createLink(source.resolve("hardlong"), deep.resolve("long"));
      DirectoryTrees.run("sh", "-c", "cd " + source + " && printf o >\"$(printf 'b\\377\\nd')\"");
    }
    Files.setLastModifiedTime(
        source.resolve("file"), FileTime.from(Instant.ofEpochSecond(1234567890, 500_000_000)));
    Files.setLastModifiedTime(
        source.resolve("dir"), FileTime.from(Instant.ofEpochSecond(1000000000)));
  }

  private byte[] tar(String... options) throws IOException {
    Path file = temp.resolve("made.tar");
    String[] command = new String[options.length + 5];
    command[0] = "tar";
    System.arraycopy(options, 0, command, 1, options.length);
    command[options.length + 1] = "-cf";
    command[options.length + 2] = file.toString();
    command[options.length + 3] = "-C" + source;
    command[options.length + 4] = ".";
    DirectoryTrees.run(command);
    return Files.readAllBytes(file);
  }

  private Layer make(byte[] archive) {
    return layers.make(new ByteArrayInputStream(archive), null, LIMITS);
  }

  private Path tree(Layer layer) {
    return trees.path("one", layer.treeId());
  }

  private void assertSameTree(Layer layer) {
    DirectoryTrees.run(
        "diff", "-r", "--no-dereference", "-x", "fifo", source + "", tree(layer) + "");
    String list = "cd \"$1\" && find . -printf '%p %y %m %n %l %T@ %s\\n' | grep -v ' d ' | sort";
    String dirs = "cd \"$1\" && find . -type d -printf '%p %m %Ts\\n' | sort";
    for (String script : new String[] {list, dirs}) {
      // Nanoseconds only where the form has them; so whole seconds are compared.
      String seconds = script.replace("%T@", "%Ts");
      DirectoryTrees.run(
          "bash",
          "-c",
          "diff <(s() { "
              + seconds
              + "; }; s "
              + source
              + ") <(s() { "
              + seconds
              + "; }; s "
              + tree(layer)
              + ")");
    }
  }

  private void assertSameTar(byte[] tar, Layer layer) throws IOException {
    assertEquals(Digest.sha256(tar), layer.diff());
    var out = new ByteArrayOutputStream();
    layers.tar(layer.chain(), out);
    assertArrayEquals(tar, out.toByteArray());
  }

  @ParameterizedTest
  @ValueSource(strings = {"gnu", "oldgnu", "pax", "ustar", "v7"})
  void everyFormatOfGnuTarIsRead(String format) throws IOException {
    boolean hasLongNames = !format.equals("ustar") && !format.equals("v7");
    fill(hasLongNames);
    if (format.equals("v7")) {
      Files.delete(source.resolve("fifo")); // v7 has none
    }
    byte[] tar = tar("--format=" + format);
    Layer layer = make(tar);
    assertSameTree(layer);
    assertSameTar(tar, layer);
    if (format.equals("pax")) {
      assertEquals(
          Instant.ofEpochSecond(1234567890, 500_000_000),
          Files.getLastModifiedTime(tree(layer).resolve("file")).toInstant());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--format=oldgnu",
        "--format=pax --sparse-version=0.0",
        "--format=pax --sparse-version=0.1",
        "--format=pax --sparse-version=1.0"
      })
  void sparseFilesKeepTheirHoles(String options) throws IOException {
    for (int pieces : new int[] {0, 1, 3, 30, 200}) {
      try (var file = new RandomAccessFile(source.resolve("sparse" + pieces).toFile(), "rw")) {
        for (int i = 0; i < pieces; i++) {
          file.seek(i * 200_000L);
          file.write(("piece " + i).getBytes());
        }
        file.setLength(50_000_000);
      }
    }
    byte[] tar = tar(("--sparse " + options).split(" "));
    assertTrue(tar.length < 5_000_000);
    Layer layer = make(tar);
    assertSameTree(layer);
    assertSameTar(tar, layer);
    long blocks = 0;
    try (var dir = Dir.open(tree(layer))) {
      for (String name : dir.names()) {
        blocks += dir.stat(name).blocks();
      }
    }
    assertTrue(blocks * 512 < 5_000_000, "blocks: " + blocks);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "bzip2", "xz", "zstd", "zstd -19", "xz -9e", "gzip -1"})
  void compressedTarsAreTheSameLayer(String program) throws Exception {
    fill(true);
    Files.write(source.resolve("random"), new Random(1).doubles(50_000).toString().getBytes());
    byte[] tar = tar("--format=pax");
    Layer layer = make(tar);
    byte[] packed = pack(program, tar);
    assertTrue(packed.length < tar.length);
    assertEquals(layer, make(packed));
    // In two members, and dripping in.
    int half = tar.length / 2;
    var both = new ByteArrayOutputStream();
    both.write(pack(program, Arrays.copyOf(tar, half)));
    both.write(pack(program, Arrays.copyOfRange(tar, half, tar.length)));
    assertEquals(layer, layers.make(dripping(both.toByteArray()), null, LIMITS));
  }

  @Test
  void skippableFramesOfZstdAreSkipped() throws Exception {
    fill(true);
    byte[] tar = tar("--format=pax");
    Layer layer = make(tar);
    byte[] noFrame = {0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3};
    int half = tar.length / 2;
    for (String program : List.of("zstd", "zstd --no-check", "zstd --no-content-size -1")) {
      var out = new ByteArrayOutputStream();
      out.write(noFrame);
      out.write(pack(program, Arrays.copyOf(tar, half)));
      out.write(noFrame);
      out.write(noFrame);
      out.write(pack(program, Arrays.copyOfRange(tar, half, tar.length)));
      out.write(noFrame);
      assertEquals(layer, make(out.toByteArray()), program);
      assertEquals(layer, layers.make(dripping(out.toByteArray()), null, LIMITS), program);
      byte[] cut = Arrays.copyOf(out.toByteArray(), out.size() - 1);
      var e = assertThrows(GantryException.class, () -> make(cut));
      assertEquals("unexpected EOF", e.getMessage());
    }
  }

  private byte[] pack(String program, byte[] content) throws Exception {
    Path in = Files.write(temp.resolve("in"), content);
    Path out = temp.resolve("out");
    DirectoryTrees.run("sh", "-c", program + " -c <" + in + " >" + out);
    return Files.readAllBytes(out);
  }

  /** As a socket does it: some bytes at a time, and never anything "available". */
  private static InputStream dripping(byte[] content) {
    return new FilterInputStream(new ByteArrayInputStream(content)) {
      @Override
      public int read(byte[] into, int offset, int length) throws IOException {
        return super.read(into, offset, Math.min(length, 777));
      }

      @Override
      public int available() {
        return 0;
      }
    };
  }

  @Test
  void volumeLabelsMultipleBlocksAndTrailingBytesAreKept() throws IOException {
    fill(true);
    byte[] labelled = tar("--format=gnu", "--label=volume", "--blocking-factor=200");
    assertSameTar(labelled, make(labelled));
    byte[] withoutEnd = new Tar().file("f", "x").bytes();
    assertSameTar(withoutEnd, make(withoutEnd));
    byte[] halfEnd = new Tar().file("f", "x").raw(new byte[512]).bytes();
    assertSameTar(halfEnd, make(halfEnd));
    byte[] trailing =
        new Tar().file("f", "x").raw(new byte[1024]).raw(new byte[] {1, 2, 3}).bytes();
    assertSameTar(trailing, make(trailing));
    byte[] dirtyPadding =
        new Tar().raw(Tar.sealed(Tar.header('0', "f", "", 1))).raw(filled()).end();
    assertSameTar(dirtyPadding, make(dirtyPadding));
  }

  private static byte[] filled() {
    byte[] block = new byte[512];
    Arrays.fill(block, (byte) 7);
    return block;
  }

  @Test
  void nothingAtAllIsAnEmptyLayer() throws IOException {
    assertSameTar(new byte[0], make(new byte[0]));
    byte[] empty = new Tar().end();
    assertSameTar(empty, make(empty));
  }

  @Test
  void paxOfPythonIsRead() throws IOException {
    fill(true);
    Path file = temp.resolve("py.tar");
    DirectoryTrees.run(
        "python3",
        "-c",
        "import tarfile,sys\nt=tarfile.open(sys.argv[1],'w',format=tarfile.PAX_FORMAT,"
            + "pax_headers={'comment':'x'})\nt.add(sys.argv[2],'.')\nt.close()",
        file + "",
        source + "");
    byte[] tar = Files.readAllBytes(file);
    Layer layer = make(tar);
    assertSameTree(layer);
    assertSameTar(tar, layer);
  }

  @Test
  void starsHeadersHaveAShorterPrefix() throws IOException {
    byte[] header = Tar.header('0', "name", "", 0);
    Tar.put(header, 345, "prefix");
    Tar.put(header, 345 + 131, "00000000000\0");
    Tar.put(header, 508, "tar\0");
    Layer layer = make(new Tar().raw(Tar.sealed(header)).end());
    assertTrue(Files.exists(tree(layer).resolve("prefix/name")));
  }

  @Test
  void globalHeadersHoldUntilTakenBack() throws IOException {
    Layer layer =
        make(
            new Tar()
                .pax('g', "mtime=1000")
                .file("a", "")
                .pax("mtime=2000")
                .file("b", "")
                .pax("mtime=")
                .file("c", "")
                .end());
    assertEquals(1000, seconds(layer, "a"));
    assertEquals(2000, seconds(layer, "b"));
    assertEquals(1234567890, seconds(layer, "c"));
  }

  private long seconds(Layer layer, String name) throws IOException {
    return Files.getLastModifiedTime(tree(layer).resolve(name)).to(TimeUnit.SECONDS);
  }

  @Test
  void numbersInBase256AreRead() throws IOException {
    byte[] header = Tar.header('0', "f", "", 0);
    Arrays.fill(header, 136, 148, (byte) 0xff); // one second before 1970
    Layer layer = make(new Tar().raw(Tar.sealed(header)).end());
    assertEquals(-1, seconds(layer, "f"));
  }

  @Test
  @Tag("root")
  void ownersDevicesAndCapabilitiesAreKept() throws IOException {
    Files.writeString(source.resolve("owned"), "x");
    DirectoryTrees.run(
        "sh",
        "-ec",
        "cd "
            + source
            + "\nchown 3000000:3000001 owned\nchmod 4751 owned\nln -s x link\n"
            + "chown -h 5:6 link\nmknod c c 1 3\nmknod b b 7 300\n"
            + "echo y >capable\n");
    try (var dir = Dir.open(source)) {
      dir.xattrs("capable").set("security.capability", CAPABILITY);
      dir.xattrs("capable").set("user.bin", BINARY);
    }
    byte[] tar = tar("--format=pax", "--xattrs", "--xattrs-include=*");
    Layer layer = make(tar);
    assertSameTree(layer);
    assertSameTar(tar, layer);
    String owners = "find . -printf '%p %U:%G %m\\n' | sort; stat -c %t:%T c b";
    DirectoryTrees.run(
        "bash",
        "-c",
        "diff <(cd " + source + "; " + owners + ") <(cd " + tree(layer) + "; " + owners + ")");
    try (var dir = Dir.open(tree(layer))) {
      assertEquals(CAPABILITY, dir.xattrs("capable").get("security.capability").orElseThrow());
      assertEquals(BINARY, dir.xattrs("capable").get("user.bin").orElseThrow());
    }
  }
}

package io.gantry.image.layer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.image.layer.TarEntry.Type;
import io.gantry.image.layer.TarStream.Member;
import io.gantry.linux.Dir;
import io.gantry.linux.Rootfs;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tars made of files, and archives unpacked into a container's root. */
class TarStreamTest {
  private static final Limits LIMITS = Limits.layer(Long.MAX_VALUE);
  private static final ArchiveWriter.Options PLAIN = new ArchiveWriter.Options(false, null);

  @TempDir Path temp;

  @Test
  void whatNeedsMoreThanAHeaderIsReadBackTheSame() throws Exception {
    String bytes = new String(new byte[] {(byte) 0xff, 'a', (byte) 0xc3, '\n'}, ISO_8859_1);
    var odd =
        new TarEntry(
            "x".repeat(120) + "/" + bytes,
            Type.SYMLINK,
            0,
            0777,
            3_000_000,
            4_294_967_294L,
            Instant.ofEpochSecond(-5),
            "y".repeat(300) + bytes,
            0,
            0,
            Map.of("user.k", Bytes.copyOf(new byte[] {0, '\n', (byte) 0x80})));
    var device =
        new TarEntry("dev", Type.BLOCK_DEVICE, 0, 0660, 0, 6, Instant.EPOCH, "", 259, 7, Map.of());
    var read = read(new TarStream(members(List.of(odd, device))));
    assertEquals(List.of(odd, device), read);
  }

  @Test
  void contentThatComesInSmallPiecesIsReadInLargeOnes() throws Exception {
    byte[] tar = new Tar().file("a", "x".repeat(5000)).file("b", "y").end();
    var slow =
        new FilterInputStream(new ByteArrayInputStream(tar)) {
          @Override
          public int read(byte[] into, int from, int length) throws IOException {
            return super.read(into, from, Math.min(length, 7));
          }
        };
    var reader = new TarReader(slow, LIMITS, (b, n) -> {});
    byte[] buffer = new byte[4096];
    assertEquals("a", Objects.requireNonNull(reader.next()).path());
    assertEquals(4096, reader.read(buffer));
    assertEquals(904, reader.read(buffer));
    assertEquals(-1, reader.read(buffer));
    assertEquals("b", Objects.requireNonNull(reader.next()).path());
    assertEquals(1, reader.read(buffer));
    assertEquals(null, reader.next());
  }

  @Test
  void aSizeOfMoreThanEightGibibytesIsWritten() throws Exception {
    var big =
        new TarEntry("big", Type.FILE, 9L << 30, 0644, 0, 0, Instant.EPOCH, "", 0, 0, Map.of());
    byte[] header = TarHeader.of(big);
    var reader = new TarReader(new ByteArrayInputStream(header), LIMITS, (b, n) -> {});
    TarEntry entry = reader.next();
    assertTrue(entry != null && entry.size() == 9L << 30);
  }

  @Test
  void aTreeIsToldInOrderWithItsLinks() throws Exception {
    Path tree = Files.createDirectories(temp.resolve("tree/b/c")).getParent().getParent();
    Files.writeString(tree.resolve("b/f"), "content");
    Files.createLink(tree.resolve("z"), tree.resolve("b/f"));
    Files.createSymbolicLink(tree.resolve("a"), Path.of("b"));
    var entries = read(new TarStream(new TreeMembers(Dir.open(tree), "t", (from, to) -> true)));
    assertEquals(
        List.of("t/", "t/a", "t/b/", "t/b/c/", "t/b/f", "t/z"),
        entries.stream().map(TarEntry::path).toList());
    assertEquals(Type.HARD_LINK, entries.get(5).type());
    assertEquals("t/b/f", entries.get(5).link());
  }

  @Test
  void aFileThatShrinksIsFilledUp() throws Exception {
    Path tree = Files.createDirectories(temp.resolve("tree"));
    Files.writeString(tree.resolve("f"), "0123456789");
    try (var stream = new TarStream(new TreeMembers(Dir.open(tree), null, (from, to) -> true))) {
      assertEquals(512, stream.readNBytes(512).length);
      Files.writeString(tree.resolve("f"), "0123");
      byte[] rest = stream.readAllBytes();
      assertEquals(512 + 1024, rest.length);
      assertEquals("0123\0\0", new String(rest, 0, 6, ISO_8859_1));
    }
  }

  /** CVE-2014-6407, CVE-2018-15664, CVE-2021-41089 for archives that are copied in. */
  @Test
  @Tag("root")
  void archivesThatAreCopiedInStayInTheContainer() throws Exception {
    Path root = Files.createDirectories(temp.resolve("root/into")).getParent();
    Files.createDirectories(root.resolve("etc"));
    Path outside = Files.createDirectories(temp.resolve("outside"));
    Files.writeString(outside.resolve("f"), "untouched");
    Files.createSymbolicLink(root.resolve("into/abs"), outside);
    Files.createSymbolicLink(root.resolve("into/etc"), Path.of("/etc"));
    Files.createSymbolicLink(root.resolve("into/up"), Path.of("../../../../../.."));
    try (Rootfs rootfs =
            Rootfs.ofMounts(List.of(Mount.bind(root.toString(), "/")), List.of(), false);
        Dir into = rootfs.dir("into")) {
      unpack(rootfs, into, new Tar().file("etc/made", "1").file("up/top", "2"));
      assertEquals("1", Files.readString(root.resolve("etc/made")));
      assertEquals("2", Files.readString(root.resolve("top")));
      for (Tar evil :
          List.of(
              new Tar().file("../escaped", ""),
              new Tar().file("abs/f", "evil"),
              new Tar().symlink("l", outside.toString()).file("l/f", "evil"),
              new Tar().link("h", "abs/f"),
              new Tar().symlink("m", outside + "/f").dir("m/"),
              new Tar().device('3', "null", 0, 0))) {
        try {
          unpack(rootfs, into, evil);
        } catch (GantryException e) {
          assertFalse(e.getMessage().isEmpty());
        }
      }
      assertThrows(
          GantryException.class, () -> unpack(rootfs, into, new Tar().file("../escaped", "")));
    }
    assertEquals("untouched", Files.readString(outside.resolve("f")));
    assertEquals(1, Files.getAttribute(outside.resolve("f"), "unix:nlink"));
    assertEquals(List.of("outside", "root"), names(temp));
    assertEquals(List.of("f"), names(outside));
  }

  private static void unpack(Rootfs rootfs, Dir into, Tar tar) throws Exception {
    ArchiveWriter.unpack(tar.stream(), rootfs, into, "/into", PLAIN, LIMITS);
  }

  private static List<String> names(Path directory) throws Exception {
    try (var list = Files.list(directory)) {
      return list.map(p -> p.getFileName().toString()).sorted().toList();
    }
  }

  private static TarStream.Members members(List<TarEntry> entries) {
    Iterator<TarEntry> left = entries.iterator();
    return new TarStream.Members() {
      @Override
      public @Nullable Member next() {
        return left.hasNext() ? new Member(left.next(), null) : null;
      }

      @Override
      public void close() {}
    };
  }

  private static List<TarEntry> read(InputStream tar) throws Exception {
    List<TarEntry> all = new ArrayList<>();
    try (tar) {
      var reader = new TarReader(tar, LIMITS, (b, n) -> {});
      for (TarEntry entry; (entry = reader.next()) != null; ) {
        all.add(entry);
      }
    }
    return all;
  }
}

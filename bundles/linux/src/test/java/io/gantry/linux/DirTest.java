package io.gantry.linux;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DirTest {

  @TempDir Path temp;
  private Dir dir;

  @BeforeEach
  void open() {
    dir = Dir.open(temp);
  }

  @AfterEach
  void close() {
    dir.close();
  }

  @Test
  void namesAreBytes() {
    String name = new String(new byte[] {(byte) 0xff, '\n', (byte) 0xc3, ' ', 7}, ISO_8859_1);
    dir.create(name, 0644).close();
    assertEquals(Set.of(name), new TreeSet<>(dir.names()));
    assertTrue(dir.find(name).isPresent());
  }

  /** Told apart by lsattr(1), or not at all where the file system has no such flag. */
  @Test
  void directoriesMayBeSpread() throws Exception {
    String before = flags();
    dir.spreadBelow(true);
    boolean hasFlag = !before.isEmpty() && !before.startsWith("lsattr");
    assertEquals(hasFlag && isExt4(), flags().contains("T"));
    dir.spreadBelow(false);
    assertEquals(before, flags());
  }

  private boolean isExt4() throws IOException {
    return Files.getFileStore(temp).type().equals("ext4");
  }

  private String flags() throws Exception {
    Process lsattr = new ProcessBuilder("lsattr", "-d", temp.toString()).start();
    String said = new String(lsattr.getInputStream().readAllBytes(), ISO_8859_1);
    lsattr.waitFor();
    return said.split(" ", 2)[0];
  }

  @Test
  void aTextBecomesItsUtf8Bytes() throws IOException {
    Files.createFile(temp.resolve("plain"));
    dir.rename("plain", dir, Names.ofText("häß"));
    assertEquals("häß", Names.toText(dir.names().get(0)));
    assertEquals("h\\xc3\\xa4\\xc3\\x9f", Names.printable(dir.names().get(0)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "a/b", "/", "/etc", "../x", "a\0b", "\u0100"})
  void whatIsNoNameIsRefused(String name) {
    assertKind(Kind.INVALID, () -> dir.mkdir(name, 0755));
    assertKind(Kind.INVALID, () -> dir.create(name, 0644));
    assertKind(Kind.INVALID, () -> dir.find(name));
    assertKind(Kind.INVALID, () -> dir.symlink("x", name));
    assertKind(Kind.INVALID, () -> dir.xattrs(name));
    assertKind(Kind.INVALID, () -> dir.removeTree(name));
    assertEquals(0, dir.names().size());
  }

  @Test
  void aPathCannotLeadOut() throws IOException {
    Files.createDirectories(temp.resolve("in/side"));
    Files.createFile(temp.resolve("file"));
    Files.createSymbolicLink(temp.resolve("in/up"), Path.of(".."));
    Files.createSymbolicLink(temp.resolve("in/abs"), Path.of("/etc"));
    Files.createSymbolicLink(temp.resolve("in/self"), Path.of("side"));
    try (Dir in = dir.dir("in")) {
      in.dir("side").close();
      for (String path :
          new String[] {"..", "side/../..", "up", "up/file", "abs", "/etc", "self"}) {
        assertThrows(GantryException.class, () -> in.dir(path), path);
      }
      for (String path : new String[] {"../file", "up/file", "abs/passwd", "/etc/passwd"}) {
        assertThrows(GantryException.class, () -> in.open(path), path);
      }
    }
    dir.removeTree("in"); // JUnit warns of links that lead out
  }

  @Test
  void aLinkIsNeverFollowed() throws IOException {
    Files.createFile(temp.resolve("target"));
    Files.createSymbolicLink(temp.resolve("link"), Path.of("target"));
    assertTrue(dir.stat("link").isSymlink());
    assertKind(Kind.INVALID, () -> dir.chmod("link", 0777));
    assertKind(Kind.INVALID, () -> dir.open("link"));
    assertEquals(Errno.EEXIST, errno(() -> dir.create("link", 0644)));
    Instant then = Instant.ofEpochSecond(1, 5);
    dir.utimes("link", then, then);
    assertEquals(then, dir.stat("link").modified());
    assertTrue(dir.stat("target").modified().isAfter(then));
    dir.link(dir, "link", "second");
    assertEquals("target", dir.readlink("second"));
    dir.unlink("link");
    assertTrue(dir.find("target").isPresent());
  }

  @Test
  void aMissingNameSaysWhatWasAsked() {
    GantryException e = assertThrows(GantryException.class, () -> dir.stat("no\nne"));
    assertEquals(Kind.NOT_FOUND, e.kind());
    assertEquals("statx " + temp + "/no\\x0ane: ENOENT", e.getMessage());
    assertEquals(Errno.ENOENT, SyscallError.errno(e));
    assertEquals(Optional.empty(), dir.find("none"));
  }

  @Test
  void modesAreAsGivenWhateverTheUmask() {
    dir.mkdir("d", 01777);
    dir.create("f", 04666).close();
    dir.mknod("p", Stat.Type.FIFO, 0666, 0, 0);
    assertEquals(01777, dir.stat("d").mode());
    assertEquals(04666, dir.stat("f").mode());
    assertEquals(0666, dir.stat("p").mode());
    dir.chmod("d", 0700);
    assertEquals(0700, dir.stat("d").mode());
  }

  @Test
  void aFifoIsNotWaitedFor() {
    dir.mknod("pipe", Stat.Type.FIFO, 0600, 0, 0);
    assertKind(Kind.INVALID, () -> dir.open("pipe"));
    assertKind(Kind.INVALID, () -> dir.openForWriting("pipe"));
    assertKind(Kind.INVALID, () -> dir.open("."));
  }

  @Test
  void timesHaveNanosecondsAndAnyYear() {
    dir.create("old", 0644).close();
    Instant before = Instant.parse("1901-12-14T00:00:00.000000001Z");
    Instant after = Instant.parse("2300-01-01T00:00:00.999999999Z");
    dir.utimes("old", before, after);
    assertEquals(before, dir.stat("old").accessed());
    assertEquals(after, dir.stat("old").modified());
  }

  @Test
  void attributesOfFilesAndDirectories() {
    dir.create("f", 0644).close();
    Bytes large = Bytes.copyOf(new byte[1500]);
    dir.xattrs("f").set("user.a", Bytes.copyOf(new byte[] {0, 1, (byte) 200}));
    dir.xattrs("f").set("user.large", large);
    dir.xattrs("f").set("user.none", Bytes.EMPTY);
    assertEquals(
        Set.of("user.a", "user.large", "user.none"), new TreeSet<>(dir.xattrs("f").names()));
    assertEquals(Optional.of(large), dir.xattrs("f").get("user.large"));
    assertEquals(Optional.of(Bytes.EMPTY), dir.xattrs("f").get("user.none"));
    try (File file = dir.open("f")) {
      assertEquals(dir.xattrs("f").get("user.a"), file.xattrs().get("user.a"));
    }
    dir.xattrs("f").remove("user.a");
    dir.xattrs("f").remove("user.a");
    assertEquals(Optional.empty(), dir.xattrs("f").get("user.a"));
    dir.xattrs().set("user.dir", Bytes.EMPTY);
    assertEquals(1, dir.xattrs().names().size());
  }

  @Test
  void aFileIsReadAndWrittenThroughAnyBuffer() throws IOException {
    try (File file = dir.create("f", 0644)) {
      ByteBuffer heap = ByteBuffer.wrap("..heap..".getBytes(ISO_8859_1), 2, 4).slice();
      ByteBuffer direct = ByteBuffer.allocateDirect(10);
      direct.put("xxdirectxx".getBytes(ISO_8859_1)).position(2).limit(8);
      assertEquals(4, file.write(heap));
      assertEquals(6, file.write(direct));
      assertFalse(direct.hasRemaining());
      assertEquals(10, file.position());
      assertEquals("heapdirect", Files.readString(temp.resolve("f")));
      ByteBuffer read = ByteBuffer.allocate(8).position(1);
      assertEquals(7, file.position(0).read(read));
      assertEquals("heapdir", new String(read.array(), 1, 7, ISO_8859_1));
      read.clear();
      assertEquals(3, file.read(read));
      assertEquals(-1, file.read(read));
      assertEquals(10, file.size());
    }
  }

  @Test
  void holesAreSeen() {
    try (File file = dir.create("sparse", 0644)) {
      file.truncate(1 << 20).position(512 << 10).write(ByteBuffer.wrap(new byte[] {1}));
      assertEquals(512 << 10, file.nextData(0));
      assertEquals(516 << 10, file.nextHole(512 << 10));
      assertEquals(-1, file.nextData(600 << 10));
    }
  }

  @Test
  void aNewNameReplacesNothing() {
    dir.create("a", 0644).close();
    dir.create("b", 0644).close();
    assertKind(Kind.CONFLICT, () -> dir.renameNew("a", dir, "b"));
    dir.rename("a", dir, "b");
    assertEquals(1, dir.names().size());
  }

  @Test
  void thousandsOfNamesAreListed() {
    for (int i = 0; i < 3000; i++) {
      dir.create("a rather long name, so that one read is not enough " + i, 0600).close();
    }
    assertEquals(3000, new TreeSet<>(dir.names()).size());
    dir.removeTree("a rather long name, so that one read is not enough 7");
    assertEquals(2999, dir.names().size());
  }

  @Test
  void aTreeDeeperThanAnyPathIsRemoved() {
    int deep = 3000;
    dir.mkdir("top", 0755);
    Dir at = dir.dir("top");
    for (int i = 0; i < deep; i++) {
      at.mkdir("directory", 0755);
      at.symlink("/", "link");
      Dir next = at.dir("directory");
      at.close();
      at = next;
    }
    at.close();
    dir.removeTree("top");
    dir.removeTree("top");
    assertEquals(0, dir.names().size());
  }

  @Test
  void removalDoesNotFollowLinks() throws IOException {
    Files.createDirectories(temp.resolve("keep/this"));
    Files.createDirectories(temp.resolve("tree"));
    Files.createSymbolicLink(temp.resolve("tree/link"), temp.resolve("keep"));
    Files.createSymbolicLink(temp.resolve("direct"), temp.resolve("keep"));
    dir.removeTree("tree");
    dir.removeTree("direct");
    assertTrue(Files.exists(temp.resolve("keep/this")));
    assertEquals(1, dir.names().size());
  }

  @Test
  void aTreeOthersAreChangingIsRemoved() throws InterruptedException {
    dir.mkdir("busy", 0755);
    Thread writer =
        new Thread(
            () -> {
              for (int i = 0; i < 3000; i++) {
                try {
                  Files.createDirectories(temp.resolve("busy/a" + i % 7 + "/b"));
                } catch (IOException e) {
                  // Removed under our hands: that is what this is about.
                }
              }
            });
    writer.start();
    while (writer.isAlive()) {
      try {
        dir.removeTree("busy");
      } catch (GantryException e) {
        assertEquals(Kind.CONFLICT, e.kind());
      }
    }
    writer.join();
    dir.removeTree("busy");
    assertEquals(0, dir.names().size());
  }

  @Test
  @Tag("root")
  void devicesAndOwners() {
    dir.mknod("c", Stat.Type.CHARACTER_DEVICE, 0666, 300, 70000);
    dir.chown("c", 4294967294L, 5);
    Stat stat = dir.stat("c");
    assertEquals(Stat.Type.CHARACTER_DEVICE, stat.type());
    assertEquals(300, stat.major());
    assertEquals(70000, stat.minor());
    assertEquals(4294967294L, stat.uid());
    assertEquals(5, stat.gid());
    dir.symlink("nowhere", "l");
    dir.chown("l", 7, 8);
    dir.xattrs("l").set("trusted.x", Bytes.EMPTY);
    assertEquals(7, dir.stat("l").uid());
    assertEquals(1, dir.xattrs("l").names().size());
    assertKind(Kind.INVALID, () -> dir.open("c"));
  }

  private static void assertKind(Kind kind, Runnable call) {
    assertEquals(kind, assertThrows(GantryException.class, call::run).kind());
  }

  private static Errno errno(Runnable call) {
    return SyscallError.errno(assertThrows(GantryException.class, call::run));
  }
}

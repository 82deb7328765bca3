package io.gantry.linux;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.Stat.Type;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TreeCopyTest {

  private static final Instant LONG_AGO = Instant.parse("1999-12-31T23:59:59.123456789Z");

  @TempDir Path temp;
  private Dir dir;
  private Dir from;
  private Dir to;

  @BeforeEach
  void open() {
    dir = Dir.open(temp);
    dir.mkdir("from", 0755);
    dir.mkdir("to", 0755);
    from = dir.dir("from");
    to = dir.dir("to");
  }

  @AfterEach
  void close() {
    from.close();
    to.close();
    // JUnit's own clean-up knows neither very deep trees nor strange names.
    dir.removeTree("from");
    dir.removeTree("to");
    dir.close();
  }

  @Test
  void contentModesTimesAndNamesAreCopied() throws IOException {
    String strange = "new\nline \u00ff\u0080";
    write(from, strange, "content");
    from.chmod(strange, 04751);
    from.mkdir("d", 01777);
    try (Dir d = from.dir("d")) {
      write(d, "inside", "");
      d.symlink("../" + strange, "link");
      d.utimes("link", LONG_AGO, LONG_AGO);
      d.mknod("fifo", Type.FIFO, 0622, 0, 0);
      d.utimes(LONG_AGO, LONG_AGO);
    }
    from.utimes(strange, LONG_AGO, LONG_AGO);
    from.utimes(LONG_AGO, LONG_AGO);
    TreeCopy.copy(from, to);
    assertEquals(04751, to.stat(strange).mode());
    assertEquals(LONG_AGO, to.stat(strange).modified());
    assertEquals("content", read(to, strange));
    assertEquals(LONG_AGO, to.stat().modified());
    assertEquals(01777, to.stat("d").mode());
    assertEquals(LONG_AGO, to.stat("d").modified());
    try (Dir d = to.dir("d")) {
      assertEquals("../" + strange, d.readlink("link"));
      assertEquals(LONG_AGO, d.stat("link").modified());
      assertEquals(Type.FIFO, d.stat("fifo").type());
      assertEquals(0622, d.stat("fifo").mode());
      assertEquals(0, d.stat("inside").size());
    }
  }

  @Test
  void hardLinksStayTogether() {
    from.mkdir("a", 0755);
    from.mkdir("b", 0755);
    try (Dir a = from.dir("a");
        Dir b = from.dir("b")) {
      write(a, "one", "same");
      b.link(a, "one", "two");
      b.symlink("x", "link");
      a.link(b, "link", "link too");
    }
    TreeCopy.copy(from, to);
    try (Dir a = to.dir("a");
        Dir b = to.dir("b")) {
      assertTrue(a.stat("one").sameFile(b.stat("two")));
      assertEquals(2, a.stat("one").links());
      assertTrue(a.stat("link too").sameFile(b.stat("link")));
    }
    assertEquals(TreeUsage.of(from).inodes(), TreeUsage.of(to).inodes());
    assertEquals(5, TreeUsage.of(to).inodes());
    assertEquals("same".length() + "x".length(), TreeUsage.of(to).bytes());
  }

  @Test
  void holesStayHoles() {
    try (File file = from.create("sparse", 0644)) {
      file.truncate(64 << 20);
      for (long at : new long[] {0, 10 << 20, (40 << 20) + 5}) {
        file.position(at).write(ByteBuffer.wrap("data".getBytes(ISO_8859_1)));
      }
    }
    TreeCopy.copy(from, to);
    assertEquals(64 << 20, to.stat("sparse").size());
    assertEquals(from.stat("sparse").blocks(), to.stat("sparse").blocks());
    try (File file = to.open("sparse")) {
      ByteBuffer read = ByteBuffer.allocate(4);
      file.position((40 << 20) + 5).read(read);
      assertEquals("data", new String(read.array(), ISO_8859_1));
    }
  }

  @Test
  void aTreeDeeperThanAnyPathIsCopied() {
    int deep = 1000;
    try (Trail trail = new Trail(from)) {
      for (int i = 0; i < deep; i++) {
        trail.here().mkdir("directory", 0750);
        trail.down("directory");
      }
      write(trail.here(), "bottom", "here");
      trail.here().link(trail.here(), "bottom", "bottom too");
    }
    TreeCopy.copy(from, to);
    try (Trail trail = new Trail(to)) {
      for (int i = 0; i < deep; i++) {
        trail.down("directory");
      }
      assertEquals("here", read(trail.here(), "bottom too"));
      for (int i = 0; i < deep; i++) {
        assertEquals(0750, trail.here().stat().mode());
        trail.up();
      }
    }
  }

  @Test
  void anInterruptCancels() {
    write(from, "file", "x");
    Thread.currentThread().interrupt();
    GantryException e = assertThrows(GantryException.class, () -> TreeCopy.copy(from, to));
    assertTrue(Thread.interrupted());
    assertEquals(Kind.CANCELLED, e.kind());
  }

  @Test
  void anInterruptCancelsWhileCopying() throws Exception {
    for (int i = 0; i < 5000; i++) {
      from.create("file" + i, 0644).close();
    }
    BlockingQueue<Kind> ended = new LinkedBlockingQueue<>();
    Thread copier =
        new Thread(
            () -> {
              try {
                TreeCopy.copy(from, to);
              } catch (GantryException e) {
                ended.add(e.kind());
              }
            });
    copier.start();
    try (Dir watched = dir.dir("to")) {
      while (watched.names().isEmpty() && copier.isAlive()) {
        Thread.onSpinWait();
      }
    }
    copier.interrupt();
    assertEquals(Kind.CANCELLED, ended.poll(30, TimeUnit.SECONDS));
    copier.join();
    assertTrue(to.names().size() < 5000);
  }

  @Test
  void attributesAreCopied() {
    write(from, "file", "x");
    from.xattrs("file").set("user.note", Bytes.copyOf(new byte[] {0, (byte) 0xff}));
    from.xattrs().set("user.top", Bytes.EMPTY);
    TreeCopy.copy(from, to);
    assertEquals(from.xattrs("file").get("user.note"), to.xattrs("file").get("user.note"));
    assertTrue(to.xattrs().get("user.top").isPresent());
  }

  @Test
  @Tag("root")
  void ownersDevicesCapabilitiesAndAclsAreCopied() throws Exception {
    write(from, "suid", "x");
    from.chown("suid", 1000, 4294967294L);
    byte[] capability = new byte[20];
    capability[3] = 2;
    capability[4] = 1;
    from.xattrs("suid").set("security.capability", Bytes.copyOf(capability));
    from.chmod("suid", 06755);
    from.mknod("null", Type.CHARACTER_DEVICE, 0666, 1, 3);
    from.symlink("x", "link");
    from.chown("link", 5, 6);
    from.xattrs("link").set("trusted.link", Bytes.EMPTY);
    from.mkdir("acl", 0750);
    // Version 2; user::rwx, user:1000:rwx, group::r-x, mask::rwx, other::---, as default.
    from.xattrs("acl").set("system.posix_acl_default", acl());
    try (Dir inside = from.dir("acl")) {
      inside.create("plain", 0600).close();
      inside.xattrs("plain").remove("system.posix_acl_access");
      inside.chmod("plain", 0604);
    }
    TreeCopy.copy(from, to);
    Stat suid = to.stat("suid");
    assertEquals(06755, suid.mode());
    assertEquals(1000, suid.uid());
    assertEquals(4294967294L, suid.gid());
    assertEquals(
        from.xattrs("suid").get("security.capability"),
        to.xattrs("suid").get("security.capability"));
    assertEquals(1, to.stat("null").major());
    assertEquals(3, to.stat("null").minor());
    assertEquals(5, to.stat("link").uid());
    assertTrue(to.xattrs("link").get("trusted.link").isPresent());
    assertEquals(acl(), to.xattrs("acl").get("system.posix_acl_default").orElseThrow());
    try (Dir inside = to.dir("acl")) {
      assertTrue(inside.xattrs("plain").get("system.posix_acl_access").isEmpty());
      assertEquals(0604, inside.stat("plain").mode());
    }
  }

  private static Bytes acl() {
    ByteBuffer acl = ByteBuffer.allocate(44).order(ByteOrder.LITTLE_ENDIAN).putInt(2);
    int[][] entries = {{1, 7, -1}, {2, 7, 1000}, {4, 5, -1}, {16, 7, -1}, {32, 0, -1}};
    for (int[] entry : entries) {
      acl.putShort((short) entry[0]).putShort((short) entry[1]).putInt(entry[2]);
    }
    return Bytes.copyOf(acl.flip());
  }

  private static void write(Dir dir, String name, String content) {
    try (File file = dir.create(name, 0644)) {
      file.write(ByteBuffer.wrap(content.getBytes(ISO_8859_1)));
    }
  }

  private static String read(Dir dir, String name) {
    ByteBuffer content = ByteBuffer.allocate(100);
    try (File file = dir.open(name)) {
      file.read(content);
    }
    return new String(content.array(), 0, content.position(), ISO_8859_1);
  }
}

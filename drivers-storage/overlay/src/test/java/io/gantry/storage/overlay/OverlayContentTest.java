package io.gantry.storage.overlay;

import static io.gantry.spi.storage.SnapshotOptions.VIEW;
import static io.gantry.spi.storage.SnapshotOptions.WRITABLE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.Dir;
import io.gantry.linux.Errno;
import io.gantry.linux.Stat.Type;
import io.gantry.linux.SyscallError;
import io.gantry.linux.Whiteouts;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Layers as the code of images writes them, seen through the kernel. */
@Tag("root")
class OverlayContentTest {

  private static final Bytes YES = Bytes.copyOf(new byte[] {'y'});

  @TempDir Path root;
  private Workbench bench;

  @BeforeEach
  void makeDriver() {
    bench = new Workbench(root);
    bench.layer(
        "base",
        null,
        dir -> {
          dir.mkdir("d", 0755);
          try (Dir d = dir.dir("d")) {
            d.create("old", 0644).close();
            d.create("kept", 0644).close();
          }
          dir.create("f", 0644).close();
        });
  }

  private static void whiteout(Dir dir, String name) {
    dir.mknod(name, Type.CHARACTER_DEVICE, 0, 0, 0);
  }

  private static void inDirectory(Dir dir, String name, Consumer<Dir> action) {
    if (!dir.has(name)) {
      dir.mkdir(name, 0755);
    }
    try (Dir child = dir.dir(name)) {
      action.accept(child);
    }
  }

  /** As a writable snapshot, as a view, and as the layer itself. */
  private void assertNames(List<String> names, String layer, String... path) {
    bench.driver.prepare("s", layer, WRITABLE);
    bench.driver.prepare("v", layer, VIEW);
    assertEquals(names, bench.names("s", path));
    assertEquals(names, bench.names("v", path));
    assertEquals(names, bench.names(layer, path));
    bench.driver.remove("s");
    bench.driver.remove("v");
  }

  @Test
  void whiteoutsHideWhatIsBelow() {
    bench.layer(
        "top",
        "base",
        dir -> {
          inDirectory(dir, "d", d -> whiteout(d, "old"));
          whiteout(dir, "f");
        });
    assertNames(List.of("d"), "top");
    assertNames(List.of("kept"), "top", "d");
  }

  @Test
  void aWhiteoutOfNothingIsNotSeen() {
    Instant then = Instant.parse("2001-02-03T04:05:06.789Z");
    bench.layer(
        "top",
        "base",
        dir -> {
          whiteout(dir, "nothing");
          inDirectory(
              dir,
              "new",
              n -> {
                whiteout(n, "nothing");
                inDirectory(n, "below", b -> whiteout(b, "nothing"));
                n.create("file", 0644).close();
                n.utimes(then, then);
              });
          inDirectory(
              dir,
              "d",
              d -> {
                d.xattrs().set(Whiteouts.OPAQUE, YES);
                whiteout(d, "old");
              });
        });
    assertNames(List.of("d", "f", "new"), "top");
    assertNames(List.of("below", "file"), "top", "new");
    assertNames(List.of(), "top", "new/below");
    assertNames(List.of(), "top", "d");
    assertEquals(then, bench.seen("top", dir -> dir.stat("new").modified()));
    bench.layer("alone", null, dir -> whiteout(dir, "nothing"));
    assertNames(List.of(), "alone");
  }

  @Test
  void aWhiteoutOfNothingAboveARemovedDirectoryIsNotSeen() {
    bench.layer("removed", "base", dir -> whiteout(dir, "d"));
    bench.layer("again", "removed", dir -> inDirectory(dir, "d", d -> whiteout(d, "old")));
    assertNames(List.of(), "again", "d");
    bench.layer("file", "base", dir -> dir.create("d", 0644).close());
    bench.layer("back", "file", dir -> inDirectory(dir, "d", d -> whiteout(d, "kept")));
    assertNames(List.of(), "back", "d");
    bench.layer("more", "back", dir -> inDirectory(dir, "d", d -> whiteout(d, "kept")));
    assertNames(List.of(), "more", "d");
  }

  @Test
  void anOpaqueDirectoryHidesWhatIsBelow() {
    bench.layer(
        "top",
        "base",
        dir ->
            inDirectory(
                dir,
                "d",
                d -> {
                  d.xattrs().set(Whiteouts.OPAQUE, YES);
                  d.create("new", 0644).close();
                }));
    assertNames(List.of("new"), "top", "d");
  }

  @Test
  void anOpaqueRootHidesAllLayersBelow() {
    bench.layer(
        "top",
        "base",
        dir -> {
          dir.xattrs().set(Whiteouts.OPAQUE, YES);
          dir.create("only", 0644).close();
        });
    assertNames(List.of("only"), "top");
    bench.layer("above", "top", dir -> dir.create("more", 0644).close());
    assertNames(List.of("more", "only"), "above");
  }

  @Test
  void aDirectoryReplacedByAFileHidesItsChildrenAndComesBackEmpty() {
    bench.layer("file", "base", dir -> dir.create("d", 0600).close());
    assertEquals(Type.REGULAR, bench.seen("file", dir -> dir.stat("d").type()));
    bench.layer("back", "file", dir -> dir.mkdir("d", 0700));
    assertNames(List.of(), "back", "d");
  }

  @Test
  void theSameByHandOfAContainer() {
    bench.driver.prepare("s", "base", WRITABLE);
    bench.inside(
        "s",
        dir -> {
          dir.removeTree("d");
          dir.create("d", 0600).close();
          dir.unlink("d");
          dir.mkdir("d", 0700);
          dir.unlink("f");
        });
    bench.driver.commit("s", "top");
    assertNames(List.of("d"), "top");
    assertNames(List.of(), "top", "d");
    bench.changes(
        "top",
        dir -> {
          assertTrue(Whiteouts.isWhiteout(dir.stat("f")));
          try (Dir d = dir.dir("d")) {
            assertTrue(Whiteouts.isOpaque(d));
          }
        });
  }

  @Test
  void linksAndAttributesAreThoseOfTheLayer() {
    bench.layer(
        "top",
        "base",
        dir -> {
          dir.create("one", 0644).close();
          dir.link(dir, "one", "two");
          dir.xattrs("one").set("user.note", YES);
          dir.mkdir("sticky", 01777);
          dir.chown("sticky", 7, 8);
        });
    bench.driver.prepare("s", "top", WRITABLE);
    bench.inside(
        "s",
        dir -> {
          assertTrue(dir.stat("one").sameFile(dir.stat("two")));
          assertEquals(YES, dir.xattrs("two").get("user.note").orElseThrow());
          assertEquals(01777, dir.stat("sticky").mode());
          assertEquals(8, dir.stat("sticky").gid());
        });
  }

  @Test
  void aDirectoryOfALayerIsNotRenamedButCopied() {
    bench.driver.prepare("s", "base", WRITABLE);
    bench.inside(
        "s",
        dir -> {
          GantryException e =
              assertThrows(GantryException.class, () -> dir.rename("d", dir, "moved"));
          assertEquals(Errno.EXDEV, SyscallError.errno(e));
        });
  }

  @Test
  void theRootLooksLikeTheParents() {
    Instant then = Instant.parse("1999-12-31T23:59:59.5Z");
    bench.layer(
        "top",
        "base",
        dir -> {
          dir.chown(3, 4);
          dir.chmod(01750);
          dir.xattrs().set("user.root", YES);
          dir.utimes(then, then);
        });
    bench.driver.prepare("s", "top", WRITABLE);
    bench.inside(
        "s",
        dir -> {
          assertEquals(01750, dir.stat().mode());
          assertEquals(4, dir.stat().gid());
          assertEquals(then, dir.stat().modified());
          assertEquals(YES, dir.xattrs().get("user.root").orElseThrow());
          assertFalse(dir.xattrs().names().contains(Whiteouts.OPAQUE));
        });
  }
}

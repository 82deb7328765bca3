package io.gantry.engine.diff;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.image.layer.TarStream;
import io.gantry.linux.Dir;
import io.gantry.linux.Stat;
import io.gantry.linux.TreeCopy;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("root")
class TreeDiffTest {
  @TempDir Path temp;
  private Path image;
  private Path now;

  @BeforeEach
  void plant() throws Exception {
    image = Files.createDirectories(temp.resolve("image"));
    for (String dir : List.of("etc", "d/sub", "tmp")) {
      Files.createDirectories(image.resolve(dir));
    }
    for (String file : List.of("etc/passwd", "etc/group", "d/old", "d/sub/old", "f")) {
      Files.writeString(image.resolve(file), file);
    }
  }

  private void copy() throws Exception {
    now = Files.createDirectories(temp.resolve("now"));
    try (Dir from = Dir.open(image);
        Dir to = Dir.open(now)) {
      TreeCopy.copy(from, to);
    }
  }

  @Test
  void moreThanTheHeapCanHoldIsRefused() throws Exception {
    copy();
    for (int i = 0; i < 20; i++) {
      Files.createDirectories(now.resolve("made/" + i + "/one"));
      Files.createDirectories(now.resolve("made/" + i + "/two"));
    }
    try (Dir container = Dir.open(now);
        Dir base = Dir.open(image)) {
      assertEquals(61, TreeDiff.of(container, base, false, 61).size());
      var names =
          assertThrows(GantryException.class, () -> TreeDiff.of(container, base, false, 20));
      assertEquals(Kind.EXHAUSTED, names.kind());
      var changes =
          assertThrows(GantryException.class, () -> TreeDiff.of(container, base, false, 60));
      assertEquals("more than 60 files of the container differ", changes.getMessage());
    }
  }

  @Test
  void aCopyDiffersInWhatWasDoneToIt() throws Exception {
    copy();
    assertEquals(List.of(), diff(false));
    Files.delete(now.resolve("etc/group"));
    Files.writeString(now.resolve("tmp/new"), "");
    Files.createDirectories(now.resolve("made/deep"));
    Files.setPosixFilePermissions(
        now.resolve("d/sub"), PosixFilePermissions.fromString("rwx------"));
    Files.delete(now.resolve("f"));
    Files.createDirectory(now.resolve("f"));
    Files.writeString(now.resolve("f/in"), "");
    assertEquals(
        List.of(
            "C /d",
            "C /d/sub",
            "C /etc",
            "D /etc/group",
            "C /f",
            "A /f/in",
            "A /made",
            "A /made/deep",
            "C /tmp",
            "A /tmp/new"),
        diff(false));
  }

  @Test
  void contentDecidesWhereSizeAndTimeAreAsBefore() throws Exception {
    copy();
    Path file = now.resolve("etc/passwd");
    FileTime time = Files.getLastModifiedTime(file);
    long until = System.nanoTime() + Duration.ofMillis(50).toNanos();
    while (System.nanoTime() < until) {
      Thread.onSpinWait();
    }
    Files.writeString(file, "ETC/PASSWD");
    Files.setLastModifiedTime(file, time);
    Files.setLastModifiedTime(now.resolve("f"), Files.getLastModifiedTime(image.resolve("f")));
    assertEquals(List.of("C /etc", "C /etc/passwd"), diff(false));
  }

  @Test
  void anUpperDirectoryIsReadWithItsWhiteouts() throws Exception {
    now = Files.createDirectories(temp.resolve("now/etc")).getParent();
    try (Dir etc = Dir.open(now.resolve("etc"));
        Dir from = Dir.open(image.resolve("etc"))) {
      etc.mknod("group", Stat.Type.CHARACTER_DEVICE, 0, 0, 0);
      etc.mknod("nosuch", Stat.Type.CHARACTER_DEVICE, 0, 0, 0);
      etc.utimes(from.stat().accessed(), from.stat().modified());
    }
    Files.createDirectories(now.resolve("d/sub"));
    try (Dir d = Dir.open(now.resolve("d"))) {
      d.xattrs().set("trusted.overlay.opaque", Bytes.copyOf(new byte[] {'y'}));
    }
    Files.writeString(now.resolve("d/new"), "");
    assertEquals(
        List.of(
            "C /d", "A /d/new", "D /d/old", "C /d/sub", "D /d/sub/old", "C /etc", "D /etc/group"),
        diff(true));
    assertEquals(
        List.of("d/", "d/new", "d/.wh.old", "d/sub/", "d/sub/.wh.old", "etc/", "etc/.wh.group"),
        members());
  }

  @Test
  void whatEachStartMakesIsLeftOutUnlessItIsUsed() throws Exception {
    copy();
    Files.writeString(now.resolve(".dockerenv"), "");
    Files.writeString(now.resolve("etc/hosts"), "");
    Files.createDirectories(now.resolve("dev/pts"));
    Files.createDirectories(now.resolve("proc"));
    assertEquals(List.of(), diff(false));
    Files.writeString(now.resolve("etc/hosts"), "used");
    Files.writeString(now.resolve("dev/x"), "");
    assertEquals(List.of("A /dev", "A /dev/x", "C /etc", "A /etc/hosts"), diff(false));
  }

  @Test
  void treesMayBeDeeperThanStacksAndDescriptors() throws Exception {
    now = Files.createDirectories(temp.resolve("now"));
    var at = Dir.open(now);
    for (int i = 0; i < 500; i++) {
      at.mkdir("x", 0700);
      var next = at.dir("x");
      at.close();
      at = next;
    }
    at.close();
    assertEquals(500, diff(true).size());
    try (Dir top = Dir.open(temp)) {
      top.removeTree("now");
    }
  }

  private List<String> diff(boolean sparse) {
    try (Dir container = Dir.open(now);
        Dir base = Dir.open(image)) {
      return TreeDiff.of(container, base, sparse).stream()
          .map(change -> "CAD".charAt(change.kind().ordinal()) + " " + change.path())
          .toList();
    }
  }

  private List<String> members() throws Exception {
    List<String> names = new ArrayList<>();
    Dir container = Dir.open(now);
    try (Dir base = Dir.open(image);
        var stream =
            new TarStream(new DiffMembers(container, TreeDiff.of(container, base, true)))) {
      var tar = new TarArchiveInputStream(new ByteArrayInputStream(stream.readAllBytes()));
      for (TarArchiveEntry entry; (entry = tar.getNextEntry()) != null; ) {
        names.add(entry.getName());
      }
    }
    return names;
  }
}

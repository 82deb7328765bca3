package io.gantry.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("root")
class DetachedMountTest {

  @TempDir Path temp;

  @Test
  void nobodyMeetsItAndItEndsWithItsDescriptors() throws IOException {
    Files.writeString(temp.resolve("file"), "content");
    List<MountInfo> before = MountInfo.ofSelf();
    DetachedMount mount = DetachedMount.make(Mount.bind(temp.toString(), "/", "ro", "rprivate"));
    assertEquals(before, MountInfo.ofSelf());
    try (Dir root = mount.root()) {
      mount.close();
      assertTrue(root.has("file"));
      GantryException e =
          assertThrows(GantryException.class, () -> root.create("new", 0600).close());
      assertEquals(Errno.EROFS, SyscallError.errno(e));
    }
  }

  @Test
  void itStaysWhereItIsAttached() throws IOException {
    Path target = Files.createDirectory(temp.resolve("target"));
    Mount tmpfs = new Mount("tmpfs", "here", "/", List.of("nosuid", "size=64k"));
    try (DetachedMount mount = DetachedMount.make(tmpfs)) {
      try (Dir root = mount.root()) {
        root.create("file", 0600).close();
      }
      mount.attach(target);
    }
    try {
      assertTrue(Files.exists(target.resolve("file")));
    } finally {
      Mounts.unmount(target);
    }
  }

  /** A clone is a peer: without further ado its end would unmount what lies in its source. */
  @Test
  void whatIsMountedInItsSourceStaysWhenItGoes() throws IOException {
    Path source = Files.createDirectory(temp.resolve("source"));
    Path target = Files.createDirectory(temp.resolve("target"));
    Mount tmpfs = new Mount("tmpfs", "here", "/", List.of("rshared", "size=64k"));
    Mounts.mount(tmpfs, source);
    try {
      Path below = Files.createDirectory(source.resolve("below"));
      Path other = Files.createDirectory(source.resolve("other"));
      Mounts.mount(tmpfs, below);
      Files.createFile(below.resolve("file"));
      try (DetachedMount clone =
          DetachedMount.make(new Mount("rbind", source.toString(), "/", List.of()))) {
        clone.attach(target);
      }
      assertTrue(Files.exists(target.resolve("below/file")));
      Mounts.mount(tmpfs, target.resolve("other"));
      assertEquals(
          List.of(),
          MountInfo.ofSelf().stream()
              .filter(mount -> mount.target().equals(other.toString()))
              .toList());
      Mounts.unmount(target);
      assertTrue(Files.exists(below.resolve("file")));
    } finally {
      Mounts.unmount(source);
    }
  }

  @Test
  void anOverlayOfHundredsOfLayersIsMadeInBothWays() throws IOException {
    String deep = "with:colon,comma\\and " + "x".repeat(200);
    Path base = Files.createDirectories(temp.resolve(deep).resolve(deep));
    List<String> lower = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      Path layer = Files.createDirectories(base.resolve("l/" + Integer.toString(i, 36)));
      Files.createFile(layer.resolve("from" + i));
      lower.add(layer.toString());
    }
    String upper = Files.createDirectory(base.resolve("upper")).toString();
    String work = Files.createDirectory(base.resolve("work")).toString();
    OverlayDirs dirs = new OverlayDirs(lower, upper, work);
    List<String> options = new ArrayList<>(List.of("volatile"));
    options.addAll(dirs.options());
    try (Dir root = root(new Mount("overlay", "o", "/", options))) {
      assertEquals(500, root.names().size());
      root.create("written", 0600).close();
    }
    assertTrue(Files.exists(base.resolve("upper/written")));
    List<MountInfo> before = MountInfo.ofSelf();
    OverlayDirs readOnly = new OverlayDirs(lower, "", "");
    int mount = OverlayMounting.inOnePage(readOnly, List.of("xino=off"), 1);
    try (Dir root = Dir.ofMount(mount, "overlay")) {
      assertEquals(before, MountInfo.ofSelf());
      assertEquals(500, root.names().size());
    } finally {
      Kernel.libc().close(mount);
    }
  }

  @Test
  void namesOfLayersMayHoldWhatSeparatesThem() throws IOException {
    List<String> lower = new ArrayList<>();
    for (String name : List.of("a:b,c\\d", "e,lowerdir=f")) {
      lower.add(Files.createDirectories(temp.resolve(name).resolve(name)).getParent().toString());
    }
    OverlayDirs dirs = new OverlayDirs(lower, "", "");
    for (int mount :
        List.of(
            OverlayMounting.oneByOne(dirs, List.of(), 1),
            OverlayMounting.inOnePage(dirs, List.of(), 1))) {
      try (Dir root = Dir.ofMount(mount, "overlay")) {
        assertEquals(2, root.names().size());
      } finally {
        Kernel.libc().close(mount);
      }
    }
  }

  @Test
  void aRefusalHasTheKernelsWords() throws IOException {
    String lower = Files.createDirectory(temp.resolve("lower")).toString();
    Mount mount = new Mount("overlay", "overlay", "/", List.of("nonsense", "lowerdir=" + lower));
    GantryException e = assertThrows(GantryException.class, () -> DetachedMount.make(mount));
    assertEquals("mount overlay: EINVAL (overlay: Unknown parameter 'nonsense')", e.getMessage());
    assertEquals(Errno.EINVAL, SyscallError.errno(e));
  }

  private static Dir root(Mount mount) {
    try (DetachedMount detached = DetachedMount.make(mount)) {
      return detached.root();
    }
  }
}

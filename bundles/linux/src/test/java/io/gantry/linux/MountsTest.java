package io.gantry.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("root")
class MountsTest {

  @TempDir Path temp;

  @Test
  void aFileSystemIsMountedWithItsOptions() {
    Mounts.mount(new Mount("tmpfs", "here", "/", List.of("nosuid", "size=64k", "private")), temp);
    MountInfo mount = mountsOn(temp).get(0);
    Mounts.unmount(temp);
    assertEquals("tmpfs", mount.type());
    assertEquals(List.of("rw", "nosuid"), mount.options().subList(0, 2));
    assertEquals(List.of(), mountsOn(temp));
  }

  @Test
  void aBindIsReadOnlyWhenAsked() throws Exception {
    Path source = Files.createDirectory(temp.resolve("a source"));
    Path target = Files.createDirectory(temp.resolve("tärget"));
    Mounts.mount(Mount.bind(source.toString(), "/", "ro", "rprivate"), target);
    try {
      assertThrows(
          java.nio.file.FileSystemException.class, () -> Files.createFile(target.resolve("x")));
    } finally {
      Mounts.unmount(target);
    }
    Files.createFile(target.resolve("x"));
  }

  @Test
  void aFailureLeavesNothingMounted() {
    Mount bad = new Mount("tmpfs", "here", "/", List.of("size=lots"));
    GantryException e = assertThrows(GantryException.class, () -> Mounts.mount(bad, temp));
    assertEquals("mount tmpfs here on " + temp + ": EINVAL", e.getMessage());
    assertEquals(List.of(), mountsOn(temp));
  }

  @Test
  void aMountPointIsNeitherEnteredNorRemoved() throws Exception {
    Path tree = Files.createDirectories(temp.resolve("tree/mounted")).getParent();
    Mounts.mount(new Mount("tmpfs", "here", "/", List.of()), tree.resolve("mounted"));
    Files.createFile(tree.resolve("mounted/keep"));
    try (Dir dir = Dir.open(temp)) {
      assertEquals(
          Errno.EXDEV,
          SyscallError.errno(assertThrows(GantryException.class, () -> dir.removeTree("tree"))));
      assertEquals(true, Files.exists(tree.resolve("mounted/keep")));
    } finally {
      Mounts.unmount(tree.resolve("mounted"));
    }
  }

  private static List<MountInfo> mountsOn(Path target) {
    return MountInfo.ofSelf().stream()
        .filter(mount -> mount.target().equals(Names.ofText(target.toString())))
        .toList();
  }
}

package io.gantry.storage.overlay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.Dir;
import io.gantry.linux.MountInfo;
import io.gantry.linux.Mounts;
import io.gantry.linux.OverlayDirs;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.Support;
import io.gantry.spi.storage.SnapshotOptions;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("root")
class OverlayProbeTest {

  @TempDir Path temp;

  private Path mount(String type, List<String> options) throws IOException {
    Path place = Files.createDirectory(temp.resolve(type));
    Mounts.mount(new Mount(type, type, "/", options), place);
    return place;
  }

  @AfterEach
  void unmount() {
    MountInfo.ofSelf().stream()
        .map(MountInfo::target)
        .filter(target -> target.startsWith(temp + "/"))
        .forEach(target -> Mounts.unmount(Path.of(target)));
  }

  /** Probing leaves nothing, whatever it finds. */
  private static Support probe(Path place) throws IOException {
    List<MountInfo> mounts = mountsOn(place);
    OverlayDriver driver =
        Workbench.driver(place.resolve("storage/overlay"), Duration.ofMinutes(1), () -> {});
    Support support = driver.probe();
    assertEquals(mounts, mountsOn(place));
    try (Dir dir = Dir.open(place)) {
      assertEquals(List.of(), dir.names().stream().filter(n -> !n.equals("lost+found")).toList());
    }
    assertEquals(support.available(), driver.status().containsKey("Backing Filesystem"));
    return support;
  }

  /** Others mount and unmount elsewhere meanwhile. */
  private static List<MountInfo> mountsOn(Path place) {
    return MountInfo.ofSelf().stream()
        .filter(mount -> mount.target().startsWith(place.toString()))
        .toList();
  }

  private static void refused(String reason, Path place) throws IOException {
    Support support = probe(place);
    assertEquals(false, support.available());
    assertTrue(
        support.reason().startsWith(place + "/storage/overlay (" + reason), support.reason());
  }

  @Test
  void aDirectoryOnADiskWillDo() throws IOException {
    assertEquals(Support.yes(), probe(Files.createDirectory(temp.resolve("data"))));
  }

  @Test
  void memoryWillDo() throws IOException {
    assertEquals(Support.yes(), probe(mount("tmpfs", List.of())));
  }

  @Test
  void anOverlayCannotHoldLayers() throws IOException {
    List<String> dirs =
        List.of("lower", "upper", "work").stream()
            .map(name -> temp.resolve(name).toString())
            .toList();
    for (String dir : dirs) {
      Files.createDirectory(Path.of(dir));
    }
    OverlayDirs overlay = new OverlayDirs(List.of(dirs.get(0)), dirs.get(1), dirs.get(2));
    refused("overlay) cannot hold overlay's layers: ", mount("overlay", overlay.options()));
  }

  @Test
  void aPlaceWithoutAttributesIsRefused() throws IOException {
    refused("ramfs) has no trusted extended attributes", mount("ramfs", List.of()));
  }

  @Test
  void aPlaceThatDoesNotKeepTypesOfFilesIsRefused() throws Exception {
    Path image = temp.resolve("image");
    Path place = Files.createDirectory(temp.resolve("disk"));
    run("truncate", "-s", "4M", image.toString());
    run("mkfs.ext4", "-q", "-O", "^filetype", image.toString());
    run("mount", "-o", "loop", image.toString(), place.toString());
    refused("ext4) does not keep the types of files in directories", place);
  }

  @Test
  void aPlaceThatCannotBeWrittenIsNamed() throws IOException {
    Path place = mount("tmpfs", List.of("ro"));
    var failure = assertThrows(GantryException.class, () -> probe(place));
    assertEquals(Kind.UNAVAILABLE, failure.kind());
    assertTrue(failure.getMessage().startsWith("cannot use " + temp), failure.getMessage());
  }

  @Test
  void aFullDiskIsNoReasonToLeaveWhatIsOnIt() throws Exception {
    Path image = temp.resolve("image");
    Path place = Files.createDirectory(temp.resolve("disk"));
    run("truncate", "-s", "4M", image.toString());
    run("mkfs.ext4", "-q", image.toString());
    run("mount", "-o", "loop", image.toString(), place.toString());
    Path root = place.resolve("storage/overlay");
    OverlayDriver driver = Workbench.driver(root, Duration.ofMinutes(1), () -> {});
    assertEquals(Support.yes(), driver.probe());
    fill(place);
    assertEquals(Kind.UNAVAILABLE, assertThrows(GantryException.class, driver::probe).kind());

    Files.delete(place.resolve("ballast"));
    driver.recover(Set.of());
    driver.prepare("one", null, SnapshotOptions.WRITABLE);
    fill(place);
    OverlayDriver next = Workbench.driver(root, Duration.ofMinutes(1), () -> {});
    assertEquals(Support.yes(), next.probe());
    assertEquals("ext4", next.status().get("Backing Filesystem"));
    assertEquals(Set.of("one"), next.recover(Set.of("one")).alive());
    next.remove("one");
    assertEquals(Set.of("one"), next.recover(Set.of("one")).lost());
  }

  /** Until not even a directory finds room. */
  private static void fill(Path place) throws IOException {
    try (OutputStream out = Files.newOutputStream(place.resolve("ballast"))) {
      byte[] block = new byte[1024];
      while (true) {
        out.write(block);
      }
    } catch (IOException full) {
      assertTrue(full.getMessage().contains("No space left"), full.getMessage());
    }
    int made = 0;
    while (made < 1000) {
      try {
        Files.createDirectory(place.resolve("full" + System.nanoTime()));
        made++;
      } catch (IOException full) {
        return;
      }
    }
    throw new AssertionError("the disk does not get full");
  }

  private static void run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), output);
  }
}

package io.gantry.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.Mount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Tag("root")
class ShelfTest {
  @TempDir Path root;

  /** A pipe that is opened for reading waits for a writer, for ever. */
  @Test
  @Timeout(180)
  void whatIsNoFileIsADamagedRecordAndKeepsItsSnapshot() throws Exception {
    var later = new Shelf.Later(Duration.ofSeconds(5), Runnable::run, () -> false);
    Shelf shelf = new Shelf(root, Optional::of, later, () -> {});
    for (String id : List.of("pipe", "link", "directory", "sound")) {
      shelf.make(id, id, Shelf.Durability.ENTRY, dir -> {});
      if (!id.equals("sound")) {
        Files.delete(record(id));
      }
    }
    run("mkfifo", record("pipe").toString());
    Files.createSymbolicLink(record("link"), record("sound"));
    Files.createDirectory(record("directory"));

    assertEquals(List.of("sound"), shelf.records());
    assertEquals(List.of(), shelf.recover(Set.of()));
    assertEquals(Set.of("pipe", "link", "directory", "sound"), Set.copyOf(shelf.ids()));
  }

  @Test
  void whoRemovesMoreThanIsDeletedMeanwhileWaitsForHisOwn() {
    var left = new ArrayDeque<Runnable>();
    var later = new Shelf.Later(Duration.ofMinutes(1), left::add, () -> false);
    Shelf shelf = new Shelf(root, Optional::of, later, () -> {});
    for (int i = 0; i < 20; i++) {
      shelf.make("s" + i, "s" + i, Shelf.Durability.NONE, dir -> dir.mkdir("fs", 0755));
      shelf.deleteSoon(shelf.takeOut("s" + i));
    }
    assertEquals(List.of(), shelf.ids());
    assertEquals(16, left.size());
    assertEquals(16, scratch());
    left.forEach(Runnable::run);
    assertEquals(0, scratch());
  }

  @Test
  void whatIsVolatileIsSoUntilItIsKeptOrGone() {
    var later = new Shelf.Later(Duration.ofSeconds(5), Runnable::run, () -> false);
    Shelf shelf = new Shelf(root, Optional::of, later, () -> {});
    for (String id : List.of("kept", "renamed", "gone")) {
      shelf.make(id, id, Shelf.Durability.NONE, dir -> {});
      assertTrue(shelf.isVolatile(id));
      assertEquals(Optional.of(id), shelf.record(id));
    }
    shelf.keep("kept", "kept for good");
    assertFalse(shelf.isVolatile("kept"));
    assertEquals(Optional.of("kept for good"), shelf.record("kept"));
    shelf.rename("renamed", "other", "other");
    assertFalse(shelf.isVolatile("other"));
    assertEquals(Optional.of("other"), shelf.record("other"));
    shelf.make("renamed", "anew", Shelf.Durability.ENTRY, dir -> {});
    assertEquals(Optional.of("anew"), shelf.record("renamed"));
    shelf.remove("gone");
    assertEquals(Optional.empty(), shelf.record("gone"));
    shelf.make("gone", "back", Shelf.Durability.ENTRY, dir -> {});
    assertFalse(shelf.isVolatile("gone"));
    assertEquals(Optional.of("back"), shelf.record("gone"));
  }

  private int scratch() {
    return Objects.requireNonNull(root.resolve("scratch").toFile().list()).length;
  }

  @Test
  void halfARenameToWhatIsThereKeepsNoOtherFromBeingRecovered() {
    var later = new Shelf.Later(Duration.ofSeconds(5), Runnable::run, () -> false);
    Shelf shelf = new Shelf(root, Optional::of, later, () -> {});
    shelf.make("a", "layer-1", Shelf.Durability.ENTRY, dir -> {});
    shelf.make("b", "layer-2", Shelf.Durability.ENTRY, dir -> {});
    shelf.make("layer-1", "layer-1", Shelf.Durability.ENTRY, dir -> {});

    List<String> told = shelf.recover(Set.of());
    assertEquals(2, told.size(), told.toString());
    assertTrue(told.get(0).startsWith("nothing of snapshot a, which cannot be"), told.get(0));
    assertEquals("half a commit of layer layer-2", told.get(1));
    assertEquals(Set.of("a", "layer-1", "layer-2"), Set.copyOf(shelf.ids()));
  }

  @Test
  void whatCannotBeDeletedKeepsNobodyFromAnything() {
    var later = new Shelf.Later(Duration.ofSeconds(5), Runnable::run, () -> false);
    Shelf shelf = new Shelf(root, Optional::of, later, () -> {});
    shelf.make("stuck", "stuck", Shelf.Durability.ENTRY, dir -> dir.mkdir("mounted", 0700));
    Path mounted = shelf.path("stuck").resolve("mounted");
    Mounts.mount(Mount.bind("/proc/self/fdinfo", "/"), mounted);
    try {
      shelf.remove("stuck");
      assertEquals(List.of(), shelf.ids());
      shelf.make("stuck", "stuck", Shelf.Durability.ENTRY, dir -> {});
      shelf.recover(Set.of());
      assertEquals(List.of("stuck"), shelf.records());
      assertEquals(1, scratch());
    } finally {
      for (MountInfo mount : MountInfo.ofSelf()) {
        if (mount.target().startsWith(root.toString())) {
          Mounts.unmount(Path.of(mount.target()));
        }
      }
    }
    shelf.recover(Set.of());
    assertEquals(0, scratch());
  }

  private Path record(String id) {
    return root.resolve("snapshots").resolve(id).resolve("record");
  }

  private static void run(String... words) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(words).start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(0, process.exitValue());
  }
}

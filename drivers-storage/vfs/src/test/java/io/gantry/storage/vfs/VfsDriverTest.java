package io.gantry.storage.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.KeyedLines.Line;
import io.gantry.linux.Mounts;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.storage.Snapshot;
import io.gantry.spi.storage.SnapshotOptions;
import io.gantry.spi.storage.StorageDriver;
import io.gantry.spi.testkit.StorageDriverContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VfsDriverTest extends StorageDriverContract {

  @TempDir Path own;

  @Override
  protected StorageDriver driver(Path root, Runnable step) {
    return new VfsDriver(root, InstantSource.system(), Duration.ofMinutes(1), step);
  }

  @Test
  void aSnapshotIsMountedByABind() {
    StorageDriver driver = driver(own, () -> {});
    var prepared = driver.prepare("s", null, SnapshotOptions.WRITABLE);
    assertEquals(List.of(Mount.bind(own + "/snapshots/s/tree", "/")), prepared.mounts());
    assertTrue(driver.layerDir("s").whole());
  }

  @Test
  void aDamagedRecordHidesOneSnapshotOnly() throws IOException {
    StorageDriver driver = driver(own, () -> {});
    driver.prepare("good", null, SnapshotOptions.WRITABLE);
    driver.prepare("bad", null, SnapshotOptions.WRITABLE);
    Path record = own.resolve("snapshots/bad/record");
    Files.writeString(record, Files.readString(record).replace("WRITABLE", "LAYER"));
    assertEquals(Set.of("bad"), driver.recover(Set.of("good", "bad")).lost());
    List<String> ids = new ArrayList<>();
    driver.list(snapshot -> ids.add(snapshot.id()));
    assertEquals(List.of("good"), ids);
    assertTrue(Files.exists(own.resolve("snapshots/bad/tree")), "data was thrown away");
    driver.remove("bad");
    assertFalse(Files.exists(own.resolve("snapshots/bad")));
  }

  @Test
  @Tag("root")
  void aFullDiskIsToldAndNothingStays() throws IOException {
    Path disk = Files.createDirectory(own.resolve("disk"));
    Mounts.mount(new Mount("tmpfs", "disk", "/", List.of("size=1m")), disk);
    try {
      StorageDriver driver = driver(disk.resolve("vfs"), () -> {});
      driver.prepare("s", null, SnapshotOptions.WRITABLE);
      Path tree = Path.of(driver.layerDir("s").path());
      Files.write(tree.resolve("large"), new byte[600_000]);
      driver.commit("s", "l");
      long free = Files.getFileStore(disk).getUsableSpace();
      GantryException e =
          assertThrows(
              GantryException.class, () -> driver.prepare("c", "l", SnapshotOptions.WRITABLE));
      assertEquals(Kind.EXHAUSTED, e.kind());
      assertEquals(0, e.getSuppressed().length);
      assertEquals(free, Files.getFileStore(disk).getUsableSpace());
      assertEquals(List.of(), driver.recover(Set.of("l")).swept());
    } finally {
      Mounts.unmount(disk);
    }
  }

  @Test
  void othersMayNotLookIn() throws IOException {
    StorageDriver driver = driver(own, () -> {});
    driver.prepare("s", null, SnapshotOptions.WRITABLE);
    assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(own)));
  }

  @Test
  void aRecordKeepsWhatALaterVersionWrote() {
    Snapshot snapshot =
        new Snapshot("s", Snapshot.Kind.WRITABLE, "p", Instant.EPOCH, Map.of("k=", "\nv"));
    SnapshotRecord record = new SnapshotRecord(snapshot, List.of(new Line("colour", "green")));
    SnapshotRecord read = SnapshotRecord.decode(record.encode()).orElseThrow();
    assertEquals(record, read);
    assertTrue(read.asLayer("l").encode().contains("\ncolour green\n"));
    assertEquals(Optional.empty(), SnapshotRecord.decode(""));
    assertEquals(Optional.empty(), SnapshotRecord.decode("gantry-vfs 1\nsum 0\n"));
  }
}

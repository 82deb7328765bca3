package io.gantry.itests.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Which storage driver serves, and what becomes of the others' containers. */
@Tag("root")
class StorageDriversTest {

  @Test
  void containersOfAFormerDefaultGoOnAndItsImagesServeTheNext() throws IOException {
    try (Instance engine = Instance.start("--storage-driver=vfs")) {
      engine.importBusybox();
      assertEquals("vfs", engine.docker("info", "-f", "{{.Driver}}").ok());
      engine.docker("run", "--name", "old", "busybox", "sh", "-c", "echo kept >>/file").ok();
      makeDefault(engine, "overlay");
      assertEquals("overlay2", engine.docker("info", "-f", "{{.Driver}}").ok());
      engine.docker("start", "-a", "old").ok();
      engine.docker("run", "--name", "new", "busybox", "sh", "-c", "echo new >/file").ok();
      assertEquals("vfs", driverOf(engine, "old"));
      assertEquals("overlay2", driverOf(engine, "new"));
      engine.stop();
      engine.startAgain();
      assertEquals("overlay2", engine.docker("info", "-f", "{{.Driver}}").ok());
      engine.docker("start", "-a", "old").ok();
      engine.docker("start", "-a", "new").ok();
      Path storage = engine.dataRoot().resolve("storage");
      String old = engine.docker("inspect", "-f", "{{.Id}}", "old").ok();
      assertEquals(
          "kept\nkept\nkept\n",
          Files.readString(storage.resolve("vfs/snapshots/container-" + old + "/tree/file")));
      engine.docker("rm", "old", "new").ok();
      engine.docker("rmi", "busybox").ok();
      assertEquals(0, storage.resolve("vfs/snapshots").toFile().list().length);
      assertEquals(0, storage.resolve("overlay/snapshots").toFile().list().length);
      assertEquals(0, storage.resolve("overlay/l").toFile().list().length);
    }
  }

  @Test
  void dockersNameForOverlaySelectsItAndRemovedContainersLeaveNothing() throws IOException {
    try (Instance engine = Instance.start("-s", "overlay2")) {
      engine.importBusybox();
      String status = engine.docker("info", "-f", "{{.Driver}} {{.DriverStatus}}").ok();
      assertTrue(status.startsWith("overlay2 ["), status);
      assertTrue(status.contains("[Supports d_type true]"), status);
      Path snapshots = engine.dataRoot().resolve("storage/overlay/snapshots");
      String mounted =
          engine
              .docker("run", "--rm", "--name", "passing", "busybox", "cat", "/proc/mounts")
              .ok()
              .lines()
              .filter(line -> line.contains(" / "))
              .findFirst()
              .orElseThrow();
      assertTrue(mounted.matches("overlay / overlay rw,.*volatile.*"), mounted);
      engine.docker("run", "-d", "--rm", "--name", "again", "busybox", "sleep", "1000").ok();
      engine.docker("exec", "again", "touch", "/kept").ok();
      engine.docker("restart", "-t", "0", "again").ok();
      engine.docker("exec", "again", "ls", "/kept").ok();
      engine.docker("rm", "-f", "again").ok();
      engine.docker("run", "--name", "lasting", "busybox", "touch", "/made").ok();
      String[] left = snapshots.toFile().list();
      assertEquals(2, left.length, String.join(" ", left));
      String upper =
          engine.docker("inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", "lasting").ok();
      assertTrue(Files.exists(Path.of(upper, "made")), upper);
      engine.docker("rm", "lasting").ok();
      assertEquals(1, snapshots.toFile().list().length);
      assertEquals(0, snapshots.resolveSibling("scratch").toFile().list().length);
    }
  }

  private static String driverOf(Instance engine, String container) {
    return engine.docker("inspect", "-f", "{{.GraphDriver.Name}}", container).ok();
  }

  private static void makeDefault(Instance engine, String driver) throws IOException {
    try (Http http = engine.http()) {
      Http.Answer answer =
          http.call("POST", "/gantry/v1/drivers/StorageDriver/" + driver + "/default", "");
      assertEquals(200, answer.status(), answer.body());
    }
  }
}

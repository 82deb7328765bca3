package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.MountInfo;
import io.gantry.linux.Mounts;
import io.gantry.spi.Undo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("root")
class ReachTest {

  @TempDir Path temp;

  /** When it is closed the container runs: that must not look like a start that failed. */
  @Test
  void aPartThatIsNoLongerMountedIsNoFailure() throws IOException {
    Path volume = Files.createDirectories(temp.resolve("volume"));
    Files.writeString(Files.createDirectory(volume.resolve("part")).resolve("file"), "content");
    Path run = Files.createDirectory(temp.resolve("run"));
    try (var undo = new Undo();
        var reach = new Reach(undo)) {
      Path first = Path.of(reach.part(volume.toString(), "part", run));
      Path second = Path.of(reach.part(volume.toString(), "part", run));
      assertTrue(Files.exists(first.resolve("file")));
      Mounts.unmount(second);
    }
    String here = temp.toRealPath().toString();
    assertEquals(
        List.of(),
        MountInfo.ofSelf().stream().filter(mount -> mount.target().startsWith(here)).toList());
  }
}

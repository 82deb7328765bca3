package io.gantry.spi.testkit;

import static io.gantry.spi.storage.SnapshotOptions.WRITABLE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.Dir;
import io.gantry.linux.File;
import io.gantry.linux.Stat.Type;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.storage.LayerDir;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a storage driver's snapshots hold, to the last attribute. */
abstract class StorageContent extends StorageInterruption {

  @Test
  void strangeNamesTimesAndHolesSurvive() {
    survives(
        dir -> {
          for (String name :
              List.of("new\nline", "\u00ff\u0080\u0001", " ", "-", "x".repeat(255))) {
            dir.create(name, 0604).close();
          }
          dir.mkdir("sticky", 01777);
          dir.symlink("\u00ff/nowhere\n", "link");
          dir.mknod("fifo", Type.FIFO, 0622, 0, 0);
          try (File file = dir.create("sparse", 0600)) {
            file.truncate(8 << 20).position(4 << 20).write(ByteBuffer.wrap(new byte[] {1, 2}));
          }
          dir.link(dir, "sparse", "sparse too");
          dir.xattrs("sparse").set("user.note", Bytes.copyOf(new byte[] {0, (byte) 0xff}));
          Instant then = Instant.parse("1987-06-05T04:03:02.123456789Z");
          dir.utimes("link", then, then);
          dir.utimes("sticky", then, then);
        });
    inside(
        "again",
        dir -> {
          assertEquals(dir.stat("sparse").inode(), dir.stat("sparse too").inode());
          assertTrue(dir.stat("sparse").blocks() < 1024, "the hole was filled");
        });
  }

  @Test
  @Tag("root")
  void ownersDevicesAndCapabilitiesSurvive() {
    byte[] capability = new byte[20];
    capability[3] = 2;
    capability[4] = 1;
    survives(
        dir -> {
          dir.create("suid", 0644).close();
          dir.chown("suid", 1000, 4294967294L);
          dir.xattrs("suid").set("security.capability", Bytes.copyOf(capability));
          dir.chmod("suid", 06711);
          dir.mknod("null", Type.CHARACTER_DEVICE, 0666, 1, 3);
          dir.mknod("disk", Type.BLOCK_DEVICE, 0660, 259, 70000);
          dir.symlink("x", "link");
          dir.chown("link", 7, 8);
          dir.mkdir("owned", 02770);
          dir.chown("owned", 9, 10);
          dir.chmod("owned", 02770);
          dir.chown(11, 12);
        });
  }

  /** Through a layer, a child of it, a layer of that and a child again. */
  private void survives(Consumer<Dir> make) {
    driver.prepare("s", null, WRITABLE);
    inside("s", make);
    Map<String, String> made = seen("s", TreePrint::of);
    assertTrue(made.size() > 1);
    driver.commit("s", "l");
    driver.prepare("child", "l", WRITABLE);
    assertEquals(made, seen("child", TreePrint::of));
    driver.commit("child", "m");
    driver.prepare("again", "m", WRITABLE);
    assertEquals(made, seen("again", TreePrint::of));
    assertEquals(made, seen("l", TreePrint::of));
  }

  @Test
  @Tag("root")
  void whatALayerTakesAwayIsGoneAndNothingElseIsSeen() {
    layer("l", null, "file", "content");
    driver.prepare("s", "l", WRITABLE);
    LayerDir layer;
    try {
      layer = driver.layerDir("s");
    } catch (GantryException e) {
      assertEquals(Kind.UNSUPPORTED, e.kind());
      return;
    }
    try (Dir dir = Dir.open(Path.of(layer.path()))) {
      dir.mkdir("new", 0755);
      takeAway(dir, "file", layer);
      try (Dir made = dir.dir("new")) {
        takeAway(made, "nothing", layer);
      }
    }
    driver.commit("s", "m");
    driver.prepare("child", "m", WRITABLE);
    for (String id : List.of("m", "child")) {
      inside(
          id,
          dir -> {
            assertEquals(List.of("new"), dir.names());
            try (Dir made = dir.dir("new")) {
              assertEquals(List.of(), made.names());
            }
          });
    }
    inside("l", dir -> assertTrue(dir.has("file")));
  }

  /** As the code of images does, which does not know whether there is anything. */
  private static void takeAway(Dir dir, String name, LayerDir layer) {
    if (layer.whole()) {
      dir.removeTree(name);
    } else if (layer.whiteouts() == LayerDir.Whiteouts.AUFS_FILES) {
      dir.create(".wh." + name, 0600).close();
    } else {
      assertFalse(dir.has(name));
      dir.mknod(name, Type.CHARACTER_DEVICE, 0, 0, 0);
    }
  }
}

package io.gantry.spi.testkit;

import static io.gantry.spi.storage.SnapshotOptions.VIEW;
import static io.gantry.spi.storage.SnapshotOptions.WRITABLE;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.Dir;
import io.gantry.linux.Errno;
import io.gantry.linux.File;
import io.gantry.linux.SyscallError;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.storage.LayerDir;
import io.gantry.spi.storage.Snapshot;
import io.gantry.spi.storage.SnapshotOptions;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every storage driver must do. A driver's test extends this and makes the driver; tests that
 * need root carry the tag {@code root}.
 */
public abstract class StorageDriverContract extends StorageContent {

  // Life

  @Test
  void aNewSnapshotIsEmptyAndWritable() {
    List<Mount> mounts = driver.prepare("s", null, WRITABLE).mounts();
    assertEquals("/", mounts.get(0).target());
    assertEquals(mounts, driver.mounts("s"));
    inside("s", dir -> assertEquals(List.of(), dir.names()));
    write("s", "file", "content");
    assertEquals("content", read("s", "file"));
    assertEquals(Snapshot.Kind.WRITABLE, snapshot("s").kind());
  }

  @Test
  void aLayerKeepsWhatWasWritten() {
    layer("l", null, "file", "content");
    assertEquals(Snapshot.Kind.LAYER, snapshot("l").kind());
    assertEquals(List.of("l"), ids());
    assertEquals("content", read("l", "file"));
    assertTrue(driver.mounts("l").get(0).readOnly());
  }

  @Test
  void aChildStartsAsItsParentAndGoesItsOwnWay() {
    layer("base", null, "file", "old");
    layer("middle", "base", "other", "more");
    driver.prepare("a", "middle", WRITABLE);
    driver.prepare("b", "middle", WRITABLE);
    assertEquals("old", read("a", "file"));
    assertEquals("more", read("a", "other"));
    inside("a", dir -> dir.unlink("file"));
    write("a", "file", "new");
    inside("a", dir -> dir.removeTree("other"));
    assertEquals("new", read("a", "file"));
    inside("a", dir -> assertFalse(dir.has("other")));
    assertEquals("old", read("b", "file"));
    assertEquals("old", read("middle", "file"));
    assertEquals("old", read("base", "file"));
    inside("base", dir -> assertFalse(dir.has("other")));
    assertEquals("middle", snapshot("a").parent());
  }

  @Test
  void aViewShowsItsParent() {
    layer("l", null, "file", "content");
    driver.prepare("v", "l", VIEW);
    assertEquals(Snapshot.Kind.VIEW, snapshot("v").kind());
    assertTrue(driver.mounts("v").get(0).readOnly());
    assertEquals("content", read("v", "file"));
    assertKind(Kind.INVALID, () -> driver.commit("v", "other"));
    assertEquals(List.of("l", "v"), ids());
  }

  @Test
  @Tag("root")
  void nobodyWritesToLayersAndViews() {
    layer("l", null, "file", "content");
    driver.prepare("v", "l", VIEW);
    for (String id : List.of("l", "v")) {
      mounted(
          driver.mounts(id),
          dir -> {
            GantryException e =
                assertThrows(GantryException.class, () -> dir.create("new", 0644).close());
            assertEquals(Errno.EROFS, SyscallError.errno(e));
          });
    }
  }

  @Test
  void aFreshDriverGoesOn() {
    layer("l", null, "file", "content");
    driver.prepare("s", "l", WRITABLE);
    write("s", "mine", "kept");
    List<Mount> mounts = driver.mounts("s");
    Snapshot before = snapshot("s");
    driver = driver(root, steps);
    assertEquals(Set.of("l", "s"), driver.recover(Set.of("l", "s")).alive());
    assertEquals(mounts, driver.mounts("s"));
    assertEquals(before, snapshot("s"));
    assertEquals("kept", read("s", "mine"));
    driver.commit("s", "m");
    assertEquals("kept", read("m", "mine"));
  }

  @Test
  @Tag("root")
  void whatAContainersRootShowsBesidesIsNobodysChange() {
    layer("l", null, "file", "content");
    driver.prepare("s", "l", new SnapshotOptions(false, Map.of(SnapshotOptions.ROOT, "true")));
    inside(
        "s",
        dir -> {
          for (String name : dir.names()) {
            dir.removeTree(name);
          }
        });
    write("s", "new", "content");
    driver.commit("s", "m");
    assertEquals(List.of("new"), seen("m", dir -> List.copyOf(dir.names())));
    driver.prepare("t", "l", new SnapshotOptions(false, Map.of(SnapshotOptions.ROOT, "true")));
    write("t", "new", "content");
    driver.commit("t", "n");
    assertEquals(List.of("file", "new"), seen("n", dir -> dir.names().stream().sorted().toList()));
  }

  // Rules

  static Stream<String> whatIsNoId() {
    return Stream.of(
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "/abs",
        "/",
        ".hidden",
        "a\nb",
        "a\0b",
        "a b",
        "\u00e4",
        "a\\b",
        "x".repeat(129));
  }

  @ParameterizedTest
  @MethodSource("whatIsNoId")
  void anIdThatIsNoneIsRefusedByEveryVerb(String id) {
    layer("l", null, "file", "content");
    driver.prepare("s", "l", WRITABLE);
    Map<String, String> before = state();
    assertKind(Kind.INVALID, () -> driver.prepare(id, null, WRITABLE));
    assertKind(Kind.INVALID, () -> driver.prepare("new", id, WRITABLE));
    assertKind(Kind.INVALID, () -> driver.mounts(id));
    assertKind(Kind.INVALID, () -> driver.commit(id, "new"));
    assertKind(Kind.INVALID, () -> driver.commit("s", id));
    assertKind(Kind.INVALID, () -> driver.remove(id));
    assertKind(Kind.INVALID, () -> driver.usage(id));
    assertKind(Kind.INVALID, () -> driver.layerDir(id));
    assertEquals(before, state());
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "A.b_c-D", "-", "_", "0.", "tree", "record", "scratch", "tmp"})
  void anyGoodIdWorks(String id) {
    layer(id, null, "file", "content");
    driver.prepare(id + "x", id, WRITABLE);
    assertEquals("content", read(id + "x", "file"));
  }

  @Test
  void theLongestIdsWork() {
    String a = "a".repeat(128);
    String b = "b".repeat(128);
    driver.prepare(a, null, WRITABLE);
    driver.commit(a, b);
    driver.prepare(a, b, WRITABLE);
    driver.remove(a);
    assertEquals(List.of(b), ids());
  }

  @Test
  void anIdIsMadeOnce() {
    layer("l", null, "file", "content");
    driver.prepare("s", "l", WRITABLE);
    write("s", "mine", "kept");
    assertKind(Kind.CONFLICT, () -> driver.prepare("s", "l", WRITABLE));
    assertKind(Kind.CONFLICT, () -> driver.prepare("l", null, WRITABLE));
    assertEquals("kept", read("s", "mine"));
    assertEquals("content", read("l", "file"));
  }

  @Test
  void onlyALayerIsAParent() {
    driver.prepare("s", null, WRITABLE);
    assertKind(Kind.NOT_FOUND, () -> driver.prepare("x", "none", WRITABLE));
    assertKind(Kind.INVALID, () -> driver.prepare("x", "s", WRITABLE));
    layer("l", null, "file", "content");
    driver.prepare("v", "l", VIEW);
    assertKind(Kind.INVALID, () -> driver.prepare("x", "v", WRITABLE));
    assertFalse(ids().contains("x"));
    driver.prepare("x", null, WRITABLE);
  }

  @Test
  void onlyAWritableSnapshotBecomesALayer() {
    layer("l", null, "file", "content");
    driver.prepare("s", null, WRITABLE);
    assertKind(Kind.NOT_FOUND, () -> driver.commit("none", "m"));
    assertKind(Kind.INVALID, () -> driver.commit("l", "m"));
    assertKind(Kind.CONFLICT, () -> driver.commit("s", "l"));
    assertEquals(Snapshot.Kind.WRITABLE, snapshot("s").kind());
    assertEquals(List.of("l", "s"), ids());
    driver.commit("s", "m");
    assertKind(Kind.NOT_FOUND, () -> driver.commit("s", "n"));
    assertKind(Kind.NOT_FOUND, () -> driver.mounts("s"));
  }

  @Test
  void whatIsNotThereIsNotFound() {
    assertKind(Kind.NOT_FOUND, () -> driver.mounts("none"));
    assertKind(Kind.NOT_FOUND, () -> driver.usage("none"));
    assertKind(Kind.NOT_FOUND, () -> driver.layerDir("none"));
    assertKind(Kind.NOT_FOUND, () -> driver.commit("none", "other"));
    assertDoesNotThrow(() -> driver.remove("none"));
  }

  @Test
  void removingMayBeRepeated() {
    layer("l", null, "file", "content");
    driver.prepare("s", "l", WRITABLE);
    driver.remove("s");
    driver.remove("s");
    driver.remove("l");
    driver.remove("l");
    assertEquals(List.of(), ids());
    driver.prepare("s", null, WRITABLE);
    inside("s", dir -> assertEquals(List.of(), dir.names()));
  }

  @Test
  void aParentIsNotRemovedBeforeItsChildren() {
    layer("l", null, "file", "content");
    layer("m", "l", "more", "content");
    driver.prepare("s", "m", WRITABLE);
    assertKind(Kind.CONFLICT, () -> driver.remove("l"));
    assertKind(Kind.CONFLICT, () -> driver.remove("m"));
    assertEquals("content", read("s", "file"));
    driver.remove("s");
    driver.remove("m");
    driver.remove("l");
    assertEquals(List.of(), ids());
  }

  @Test
  void theListHasParentsFirstAndLabels() {
    Instant before = Instant.now().minusMillis(1);
    layer("z", null, "1", "");
    layer("y", "z", "2", "");
    layer("a", "y", "3", "");
    Map<String, String> labels = Map.of("key", "a = b\n\u00e4", "io.gantry.x", "");
    driver.prepare("0", "a", new SnapshotOptions(false, labels));
    driver.prepare("m", "z", VIEW);
    List<String> ids = new ArrayList<>();
    driver.list(
        snapshot -> {
          if (snapshot.parent() != null) {
            assertTrue(ids.contains(snapshot.parent()), snapshot.toString());
          }
          assertFalse(snapshot.created().isBefore(before));
          assertFalse(snapshot.created().isAfter(Instant.now()));
          ids.add(snapshot.id());
        });
    assertEquals(Set.of("z", "y", "a", "0", "m"), Set.copyOf(ids));
    assertEquals(5, ids.size());
    assertEquals(labels, snapshot("0").labels());
    driver.commit("0", "1");
    assertEquals(labels, snapshot("1").labels());
  }

  @Test
  void usageGrowsWithContent() {
    driver.prepare("s", null, WRITABLE);
    var before = driver.usage("s");
    inside(
        "s",
        dir -> {
          try (File file = dir.create("large", 0644)) {
            file.write(ByteBuffer.allocateDirect(100_000));
          }
          dir.link(dir, "large", "again");
        });
    var after = driver.usage("s");
    assertEquals(1, after.inodes() - before.inodes());
    assertEquals(100_000, after.bytes() - before.bytes(), "sizes as they look, not blocks");
  }

  @Test
  void theLayerDirectoryHasWhatWasWritten() {
    layer("l", null, "file", "content");
    driver.prepare("s", "l", WRITABLE);
    write("s", "mine", "kept");
    LayerDir layer;
    try {
      layer = driver.layerDir("s");
    } catch (GantryException e) {
      assertEquals(Kind.UNSUPPORTED, e.kind());
      return;
    }
    try (Dir dir = Dir.open(Path.of(layer.path()))) {
      assertTrue(dir.has("mine"));
      assertEquals(layer.whole(), dir.has("file"));
    }
  }

  @Test
  void anOptionThatIsNoFeatureIsRefusedBeforeAnythingIsMade() {
    Map<String, String> before = state();
    refusedUnless(
        "size",
        new SnapshotOptions(false, 1 << 20, false, Map.of(), List.of(), List.of(), null, null));
    List<String> map = List.of("0 100000 65536");
    refusedUnless("idmap", new SnapshotOptions(false, 0, false, Map.of(), map, map, null, null));
    refusedUnless(
        "idmap", new SnapshotOptions(false, 0, false, Map.of(), map, List.of(), null, null));
    assertEquals(before, state());
  }

  private void refusedUnless(String feature, SnapshotOptions options) {
    if (driver.features().contains(feature)) {
      driver.prepare("s", null, options);
      driver.remove("s");
    } else {
      assertKind(Kind.UNSUPPORTED, () -> driver.prepare("s", null, options));
      assertEquals(List.of(), ids());
    }
  }

  @Test
  void aVolatileSnapshotIsLikeAnyOther() {
    layer("l", null, "file", "content");
    driver.prepare("s", "l", SnapshotOptions.ephemeral());
    write("s", "mine", "kept");
    assertEquals("kept", read("s", "mine"), "it cannot be mounted again");
    driver.commit("s", "m");
    assertEquals("kept", read("m", "mine"));
  }

  // Together

  @Test
  void differentIdsAreWorkedOnAtTheSameTime() throws Exception {
    layer("base", null, "file", "content");
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 24; i++) {
        String id = "s" + i;
        Callable<Void> life =
            () -> {
              driver.prepare(id, "base", WRITABLE);
              assertTrue(ids().contains(id));
              driver.usage(id);
              driver.commit(id, id + "-layer");
              driver.prepare(id, id + "-layer", VIEW);
              driver.mounts(id);
              assertKind(Kind.CONFLICT, () -> driver.remove(id + "-layer"));
              driver.remove(id);
              driver.remove(id + "-layer");
              return null;
            };
        all.add(threads.submit(life));
      }
      for (Future<?> life : all) {
        life.get(60, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }
    assertEquals(List.of("base"), ids());
    assertEquals("content", read("base", "file"));
  }

  @Test
  void aParentRemovedMeanwhileIsThereOrNotFound() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      for (int i = 0; i < 20; i++) {
        String layer = "l" + i;
        String child = "c" + i;
        layer(layer, null, "file", "content");
        Future<@Nullable Kind> made =
            threads.submit(() -> kindOf(() -> driver.prepare(child, layer, WRITABLE)));
        Future<@Nullable Kind> removed = threads.submit(() -> kindOf(() -> driver.remove(layer)));
        if (made.get(60, TimeUnit.SECONDS) == null) {
          assertEquals(Kind.CONFLICT, removed.get(60, TimeUnit.SECONDS));
          assertEquals("content", read(child, "file"));
        } else {
          assertEquals(Kind.NOT_FOUND, made.get());
          assertNull(removed.get(60, TimeUnit.SECONDS));
          assertFalse(ids().contains(layer) || ids().contains(child));
        }
      }
    } finally {
      threads.shutdownNow();
    }
  }
}

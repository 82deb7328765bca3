package io.gantry.spi.testkit;

import static io.gantry.spi.storage.SnapshotOptions.WRITABLE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.Dir;
import io.gantry.linux.TreeCopy;
import io.gantry.linux.TreeUsage;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Recovery;
import io.gantry.spi.storage.Snapshot;
import io.gantry.spi.storage.SnapshotOptions;
import io.gantry.spi.storage.StorageDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of a storage driver's snapshots when a call is cancelled or the engine dies. */
abstract class StorageInterruption extends StorageHarness {

  // Cancelled

  @Test
  void anInterruptCancelsAndLeavesThingsAsTheyWere() {
    layer("l", null, "file", "content");
    driver.prepare("s", "l", WRITABLE);
    Map<String, String> before = state();
    Thread.currentThread().interrupt();
    GantryException prepare =
        assertThrows(GantryException.class, () -> driver.prepare("new", "l", WRITABLE));
    Thread.currentThread().interrupt();
    GantryException commit = assertThrows(GantryException.class, () -> driver.commit("s", "m"));
    Thread.interrupted();
    assertEquals(Kind.CANCELLED, prepare.kind());
    assertEquals(Kind.CANCELLED, commit.kind());
    assertEquals(before, state());
  }

  @Test
  void whatWasDoneIsTakenBackUnderAnInterrupt() {
    driver.prepare("s", null, WRITABLE);
    Thread.currentThread().interrupt();
    driver.remove("s");
    Thread.interrupted();
    assertEquals(List.of(), ids());
  }

  @ParameterizedTest
  @ValueSource(strings = {"prepare", "commit"})
  void anInterruptAtAnyStepCancelsOrComesTooLate(String verb) {
    layer("l", null, "file", "content");
    for (int at = 1; ; at++) {
      if (verb.equals("commit")) {
        driver.prepare("s", "l", WRITABLE);
      }
      Map<String, String> before = state();
      steps.onStep(at, () -> Thread.currentThread().interrupt());
      @Nullable Kind failed =
          kindOf(
              () -> {
                if (verb.equals("commit")) {
                  driver.commit("s", "m");
                } else {
                  driver.prepare("s", "l", WRITABLE);
                }
              });
      boolean reached = steps.reached();
      steps.none();
      Thread.interrupted();
      if (failed != null) {
        assertEquals(Kind.CANCELLED, failed);
        assertEquals(before, state());
      } else {
        assertEquals("content", read(verb.equals("commit") ? "m" : "s", "file"));
      }
      driver.remove("s");
      driver.remove("m");
      if (!reached) {
        assertTrue(at > 1, "the driver announces no steps");
        return;
      }
    }
  }

  // Recovered

  @Test
  void ephemeralsNobodyExpectsAreSweptAndOthersKept() {
    layer("l", null, "file", "content");
    driver.prepare("rm", "l", SnapshotOptions.ephemeral());
    driver.prepare("running", "l", SnapshotOptions.ephemeral());
    driver.prepare("unknown", "l", WRITABLE);
    driver = driver(root, steps);
    Recovery recovery = driver.recover(Set.of("l", "running", "gone"));
    assertEquals(Set.of("l", "running"), recovery.alive());
    assertEquals(Set.of("gone"), recovery.lost());
    assertEquals(1, recovery.swept().size(), recovery.swept().toString());
    assertEquals(List.of("l", "running", "unknown"), ids());
    assertEquals(List.of(), driver.recover(Set.of("l", "running")).swept());
  }

  @Test
  void prepareIsRecoveredFromACrashAtAnyStep() {
    layer("l", null, "file", "content");
    crashAtEveryStep(
        () -> driver.prepare("s", "l", WRITABLE),
        recovered -> {
          if (recovered.contains("s")) {
            assertEquals("content", read("s", "file"));
          } else {
            driver.prepare("s", "l", WRITABLE);
          }
          driver.commit("s", "m");
          assertEquals("content", read("m", "file"));
        });
  }

  @Test
  void commitIsRecoveredFromACrashAtAnyStep() {
    layer("l", null, "file", "content");
    driver.prepare("s", "l", WRITABLE);
    write("s", "mine", "kept");
    crashAtEveryStep(
        () -> driver.commit("s", "m"),
        recovered -> {
          assertEquals(1, recovered.stream().filter(Set.of("s", "m")::contains).count());
          if (recovered.contains("s")) {
            assertEquals(Snapshot.Kind.WRITABLE, snapshot("s").kind());
            driver.commit("s", "m");
          }
          assertEquals(Snapshot.Kind.LAYER, snapshot("m").kind());
          assertEquals("kept", read("m", "mine"));
          assertEquals("l", snapshot("m").parent());
        });
  }

  @Test
  void removalIsRecoveredFromACrashAtAnyStep() {
    layer("l", null, "file", "content");
    driver.prepare("s", "l", WRITABLE);
    crashAtEveryStep(
        () -> driver.remove("s"),
        recovered -> {
          if (recovered.contains("s")) {
            assertEquals("content", read("s", "file"));
          }
          driver.remove("s");
          driver.remove("l");
          assertEquals(List.of(), ids());
        });
  }

  /**
   * Copies the driver's directory at each step of a call, as a crash would leave it, and lets a
   * fresh driver recover each copy.
   */
  private void crashAtEveryStep(Runnable call, Consumer<List<String>> check) {
    List<Path> crashed = new ArrayList<>();
    Runnable copy =
        () -> {
          Path image = temp.resolve("crash" + crashed.size());
          copyState(image);
          crashed.add(image);
        };
    steps.onEveryStep(copy);
    call.run();
    steps.none();
    assertFalse(crashed.isEmpty(), "the driver announces no steps");
    Path whole = root;
    for (Path image : crashed) {
      // Where it was: drivers may keep absolute paths.
      moveState(whole, temp.resolve("whole"));
      moveState(image, whole);
      driver = driver(root, steps);
      Set<String> expected = Set.of("l", "s", "m");
      Recovery recovery = driver.recover(expected);
      List<String> ids = ids();
      assertEquals(Set.copyOf(ids), recovery.alive());
      assertTrue(recovery.alive().contains("l"));
      assertEquals(List.of(), driver.recover(expected).swept(), "swept twice");
      assertEquals("content", read("l", "file"));
      check.accept(ids);
      List<String> left = new ArrayList<>(ids());
      Collections.reverse(left);
      left.forEach(driver::remove);
      assertEquals(emptyState(), inodes(root), "something is left of " + image.getFileName());
      moveState(whole, image);
      moveState(temp.resolve("whole"), whole);
    }
  }

  /** Inodes of a driver that had snapshots and has none any more. */
  private long emptyState() {
    Path empty = temp.resolve("empty");
    try {
      Files.createDirectory(empty);
    } catch (IOException e) {
      return inodes(empty); // made for an earlier step
    }
    StorageDriver other = driver(empty, () -> {});
    other.recover(Set.of());
    other.prepare("a", null, WRITABLE);
    other.commit("a", "b");
    other.remove("b");
    return inodes(empty);
  }

  private static long inodes(Path directory) {
    try (Dir dir = Dir.open(directory)) {
      return TreeUsage.of(dir).inodes();
    }
  }

  private void copyState(Path image) {
    try (Dir all = Dir.open(temp)) {
      all.mkdir(image.getFileName().toString(), 0700);
      try (Dir from = Dir.open(root);
          Dir to = Dir.open(image)) {
        TreeCopy.copy(from, to);
      }
    }
  }

  private void moveState(Path from, Path to) {
    try (Dir all = Dir.open(temp)) {
      all.renameNew(from.getFileName().toString(), all, to.getFileName().toString());
    }
  }
}

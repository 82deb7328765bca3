package io.gantry.spi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UndoTest {
  private final List<String> done = new ArrayList<>();

  @Test
  void theLastStepIsTakenBackFirstAndOneThatFailsKeepsNoneFromRunning() {
    var failure =
        assertThrows(
            GantryException.class,
            () -> {
              try (var undo = new Undo()) {
                undo.add(() -> done.add("first"));
                undo.add(
                    () -> {
                      throw new IllegalStateException("no");
                    });
                undo.add(() -> done.add("last"));
              }
            });
    assertEquals(List.of("last", "first"), done);
    assertEquals("clean-up failed: no", failure.getMessage());
  }

  @Test
  void whatIsKeptStays() {
    try (var undo = new Undo()) {
      undo.add(() -> done.add("step"));
      undo.keep();
    }
    assertEquals(List.of(), done);
  }

  /** An interrupt closes the channels of whoever writes and ends every wait. */
  @Test
  void aCancelledCallIsTakenBackToo(@TempDir Path dir) throws Exception {
    Path file = dir.resolve("record");
    Files.writeString(file, "half");
    try (var undo = new Undo()) {
      undo.add(
          () -> {
            try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
              channel.truncate(0);
              channel.force(true);
            }
          });
      Thread.currentThread().interrupt();
    }
    assertTrue(Thread.interrupted(), "who called still hears of it");
    assertEquals(0, Files.size(file));
    assertFalse(Thread.interrupted());
  }
}

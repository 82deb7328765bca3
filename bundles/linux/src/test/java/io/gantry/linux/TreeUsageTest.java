package io.gantry.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TreeUsageTest {

  @TempDir Path temp;

  @Test
  void aFileOfSeveralNamesCountsOnceHoweverManyThereAre() throws IOException {
    for (String name : new String[] {"a", "b", "c"}) {
      Path file = Files.writeString(temp.resolve(name), "12345678");
      Files.createLink(temp.resolve(name + "2"), file);
    }
    try (Dir top = Dir.open(temp)) {
      assertEquals(24, TreeUsage.of(top).bytes());
      assertEquals(24, TreeUsage.of(top, 1).bytes());
    }
  }

  @Test
  void aTreeThatOthersChangeIsCountedAllTheSame() throws Exception {
    Files.writeString(temp.resolve("lasting"), "12345678");
    var over = new AtomicBoolean();
    var changing =
        CompletableFuture.runAsync(
            () -> {
              try {
                while (!over.get()) {
                  Path dir = Files.createDirectory(temp.resolve("dir"));
                  Path file = Files.createFile(dir.resolve("file"));
                  Files.delete(file);
                  Files.delete(dir);
                }
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    try (Dir top = Dir.open(temp)) {
      for (int i = 0; i < 2000; i++) {
        assertEquals(8, TreeUsage.of(top).bytes());
      }
    } finally {
      over.set(true);
      changing.join();
    }
  }
}

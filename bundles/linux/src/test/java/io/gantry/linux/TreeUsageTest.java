package io.gantry.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
}

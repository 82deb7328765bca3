package io.gantry.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrailTest {
  /** More than are held open, twice. */
  private static final int LEVELS = 200;

  @TempDir Path temp;

  @Test
  void theWayUpIsTheWayDown() throws Exception {
    Deque<Stat.FileId> way = new ArrayDeque<>();
    try (Dir top = Dir.open(temp);
        Trail trail = new Trail(top)) {
      for (int i = 0; i < LEVELS; i++) {
        way.push(trail.here().stat().fileId());
        trail.here().mkdir("level" + i, 0700);
        trail.down("level" + i);
      }
      for (int i = LEVELS - 1; i >= 0; i--) {
        assertEquals("level" + i, trail.up());
        assertEquals(way.pop(), trail.here().stat().fileId());
        if (i == LEVELS / 2) { // and down again half-way
          trail.down("level" + i);
          trail.up();
        } else if (i == LEVELS / 4 + 1) { // somebody moves where we are away
          Files.move(temp.resolve(trail.path()), temp.resolve("moved"));
        }
      }
      assertEquals("", trail.path());
    }
  }
}

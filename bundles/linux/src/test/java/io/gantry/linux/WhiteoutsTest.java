package io.gantry.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("root")
class WhiteoutsTest {

  @TempDir Path temp;
  private Path layer;

  @BeforeEach
  void make() throws Exception {
    layer = Files.createDirectories(temp.resolve("layer"));
    for (String name : List.of("a/b/c", "a/d", "e")) {
      Files.createDirectories(layer.resolve(name));
    }
    Files.createFile(layer.resolve("file"));
    try (Dir a = Dir.open(layer.resolve("a"))) {
      a.mknod("gone", Stat.Type.CHARACTER_DEVICE, 0, 0, 0);
      a.mknod("null", Stat.Type.CHARACTER_DEVICE, 0666, 1, 3);
    }
  }

  private void prune(int most, Path... below) {
    try (Dir top = Dir.open(layer)) {
      Whiteouts.prune(top, List.of(below), most);
    }
  }

  @Test
  void whatHidesNothingGoes() {
    prune(100);
    assertEquals(List.of(), gone());
    assertTrue(Files.exists(layer.resolve("a/null")), "a device is none");
  }

  @Test
  void whatHidesSomethingStays() throws Exception {
    Files.createDirectories(temp.resolve("below/a/gone"));
    prune(100, temp.resolve("below"));
    assertEquals(List.of("gone"), gone());
  }

  private List<String> gone() {
    try (Dir a = Dir.open(layer.resolve("a"))) {
      return a.names().stream().filter("gone"::equals).toList();
    }
  }

  /** At once: b, d, the deletion, and e when the kernel lists it after a. */
  @Test
  void noMoreNamesAreKeptInMindThanAllowed() {
    var e = assertThrows(GantryException.class, () -> prune(2));
    assertEquals(Kind.EXHAUSTED, e.kind());
    assertEquals(List.of("gone"), gone());
    prune(4);
    assertEquals(List.of(), gone());
  }
}

package io.gantry.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class OverlayDirsTest {

  @Test
  void whatIsSpelledIsReadAgain() {
    OverlayDirs dirs =
        new OverlayDirs(List.of("/a:b/l/1", "/a:b/l/\\2", "/a:b/l/3"), "/a:b/up,per", "/a:b/w:k");
    assertEquals(
        List.of(
            "lowerdir=/a\\:b/l/1:/a\\:b/l/\\\\2:/a\\:b/l/3",
            "upperdir=/a\\:b/up,per",
            "workdir=/a\\:b/w\\:k"),
        dirs.options());
    assertEquals(dirs, OverlayDirs.of(dirs.options()));
    OverlayDirs readOnly = new OverlayDirs(List.of("/x", "/y"), "", "");
    assertEquals(List.of("lowerdir=/x:/y"), readOnly.options());
    assertEquals(readOnly, OverlayDirs.of(List.of("ro", "lowerdir=/x:/y", "volatile")));
    assertTrue(OverlayDirs.names("workdir=/w"));
    assertFalse(OverlayDirs.names("volatile"));
  }

  @Test
  void theCommonDirectoryIsTheNearest() {
    assertEquals("/d", common("/d/l/1", "/d/l/2", "/d/snapshots/s/fs"));
    assertEquals("/d/l", common("/d/l/1", "/d/l/11"));
    assertEquals("/d", common("/d/l/1", "/d/ll/1"));
    assertEquals("/", common("/d/l/1", "/e/l/1"));
    assertEquals("/", common("/d"));
    OverlayDirs dirs = new OverlayDirs(List.of("/d/l/1"), "/d/u", "/d/w");
    assertEquals(new OverlayDirs(List.of("p/l/1"), "p/u", "p/w"), dirs.below(dirs.common(), "p/"));
    assertEquals(new OverlayDirs(List.of("d/l/1"), "d/u", "d/w"), dirs.below("/", ""));
  }

  private static String common(String... lower) {
    return new OverlayDirs(List.of(lower), "", "").common();
  }
}

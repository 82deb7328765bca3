package io.gantry.engine.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BindTest {

  @Test
  void namesAreCleanedAsText() {
    var mount = Bind.parse("/a/./b/../c:/x//y:ro", "");
    assertEquals("/a/c", mount.source());
    assertEquals("/x/y", mount.target());
  }

  /** No path of Java's can hold it: to say so is better than an error of the server. */
  @ParameterizedTest
  @ValueSource(strings = {"/a\0b:/x", "/a:/x\0y", "a\0b:/x"})
  void aZeroByteIsRefused(String text) {
    var e = assertThrows(GantryException.class, () -> Bind.parse(text, ""));
    assertEquals(Kind.INVALID, e.kind());
  }
}

package io.gantry.registry.client.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.net.URI;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How operators write registries of version 1. */
class V1RegistryTest {

  @Test
  void aNameMayHaveAPlaceOfItsOwn() {
    assertTrue(V1Registry.parse("x:5000").isWeb());
    assertEquals(URI.create("https://y/z"), V1Registry.parse("x=https://y/z//").base());
    assertFalse(V1Registry.parse("x=file:///srv/x").isWeb());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "x y",
        "x=",
        "x=ftp://y",
        "x=https:///z",
        "x=https://y?z",
        "x=https://u:secret@y/",
        "x=file:y",
        "x=file://y"
      })
  void anotherOneIsRefusedAndNoPasswordShown(String text) {
    GantryException e = assertThrows(GantryException.class, () -> V1Registry.parse(text));
    assertEquals(Kind.INVALID, e.kind());
    assertFalse(e.getMessage().contains("secret"), e::getMessage);
  }
}

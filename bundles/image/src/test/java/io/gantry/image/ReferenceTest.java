package io.gantry.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReferenceTest {

  private static final String DIGEST =
      "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

  @ParameterizedTest
  @CsvSource({
    "busybox, docker.io/library/busybox, busybox",
    "busybox:1.35, docker.io/library/busybox:1.35, busybox:1.35",
    "user/app, docker.io/user/app, user/app",
    "docker.io/busybox, docker.io/library/busybox, busybox",
    "index.docker.io/library/busybox:x, docker.io/library/busybox:x, busybox:x",
    "library/a/b, docker.io/library/a/b, library/a/b",
    "localhost/x, localhost/x, localhost/x",
    "localhost:5000/a/deep.er:B_1-2, localhost:5000/a/deep.er:B_1-2, localhost:5000/a/deep.er:B_1-2",
    "Registry/x, Registry/x, Registry/x",
    "[::1]:5000/x, [::1]:5000/x, [::1]:5000/x",
    "a__b/c--d.e, docker.io/a__b/c--d.e, a__b/c--d.e"
  })
  void namesAreCompletedAndShownShort(String typed, String full, String familiar) {
    Reference reference = Reference.parse(typed);
    assertEquals(full, reference.toString());
    assertEquals(familiar, reference.familiar());
    assertEquals(reference, Reference.parse(full));
  }

  @Test
  void digestsAreParts() {
    Reference reference = Reference.parse("busybox:1@" + DIGEST);
    assertEquals("1", reference.tag());
    assertEquals("busybox:1@" + DIGEST, reference.familiar());
    assertEquals(reference, reference.withDefaultTag());
    assertEquals("busybox:latest", Reference.parse("busybox").withDefaultTag().familiar());
  }

  @ParameterizedTest
  @CsvSource({
    "'', invalid reference format",
    "a b, invalid reference format",
    "a:bad tag, invalid reference format",
    "':', invalid reference format",
    "a:, invalid reference format",
    "/a, invalid reference format",
    "a/, invalid reference format",
    "a//b, invalid reference format",
    "-a, invalid reference format",
    "a..b, invalid reference format",
    "a___b, invalid reference format",
    "../a, invalid reference format",
    "a@sha256:12, invalid reference format",
    "a@md5:12, invalid reference format",
    "Bad, invalid reference format: repository name (library/Bad) must be lowercase",
    "x/UPPER:1, invalid reference format: repository name (x/UPPER) must be lowercase",
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824, 'invalid repository name (2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824), cannot specify 64-byte hexadecimal strings'"
  })
  void otherTextIsRefusedInDockersWords(String typed, String message) {
    var e = assertThrows(GantryException.class, () -> Reference.parse(typed));
    assertEquals(Kind.INVALID, e.kind());
    assertEquals(message, e.getMessage());
  }

  @Test
  void hugeNamesAreRefusedAtOnce() {
    assertThrows(GantryException.class, () -> Reference.parse("a".repeat(256)));
    assertThrows(GantryException.class, () -> Reference.parse("a-".repeat(10_000_000)));
    assertThrows(GantryException.class, () -> Reference.parse("a" + "-".repeat(500) + "!"));
    assertThrows(GantryException.class, () -> Reference.tagged("a", "t".repeat(129)));
    assertEquals(
        "refusing to create an ambiguous tag using digest algorithm as name",
        assertThrows(GantryException.class, () -> Reference.tagged("sha256", "x")).getMessage());
  }
}

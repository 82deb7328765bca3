package io.gantry.image.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The programs of the packages isal and zstd, in the helper's box. */
@Tag("root")
class HostCodecTest extends CodecContract {

  private static final Path HELPER =
      Path.of("../monitor/target/native/gantry-helper").toAbsolutePath();
  private static final Codecs CODECS = new Codecs(HELPER);
  private static final Limits LIMITS = Limits.layer(1L << 30);
  private static final byte[] PACKED = gzip(plain(3 << 20));

  @TempDir Path temp;

  @Override
  Codecs codecs() {
    return CODECS;
  }

  @AfterAll
  static void close() {
    CODECS.close();
  }

  /** The contract would hold for Java, too. */
  @Test
  void programsOfTheHostAreUsed() {
    CODECS.look();
    assertEquals(
        List.of(
            new Codecs.Use("decoder.gzip", "/usr/bin/igzip"),
            new Codecs.Use("decoder.zstd", "/usr/bin/zstd"),
            new Codecs.Use("encoder.gzip", "/usr/bin/igzip")),
        CODECS.uses());
  }

  @Test
  void oneProcessPerStreamThatIsLargeEnough() throws IOException {
    long before = children();
    try (InputStream in = CODECS.open(new ByteArrayInputStream(PACKED), LIMITS)) {
      assertTrue(in.read() >= 0);
      assertEquals(before + 1, children());
    }
    try (InputStream in = CODECS.open(new ByteArrayInputStream(gzip(plain(1000))), LIMITS)) {
      assertTrue(in.read() >= 0);
      assertEquals(before, children());
    }
  }

  @Test
  void switchedOffJavaDecodes() throws IOException {
    try (Codecs codecs = new Codecs(HELPER)) {
      codecs.useHost(false);
      assertEquals("Java (programs of the host are switched off)", codecs.uses().get(0).by());
      long before = children();
      try (InputStream in = codecs.open(new ByteArrayInputStream(PACKED), LIMITS)) {
        assertTrue(in.read() >= 0);
        assertEquals(before, children());
      }
    }
  }

  private Codecs with(String script) throws IOException {
    return with(script, Duration.ofMillis(400));
  }

  /** A helper that passes what it is asked for on, except for what a test wants. */
  private Codecs with(String script, Duration patience) throws IOException {
    Path helper = temp.resolve("helper");
    Files.writeString(helper, "#!/bin/sh\n" + script + "\nexec " + HELPER + " \"$@\"\n");
    Files.setPosixFilePermissions(helper, PosixFilePermissions.fromString("rwxr-xr-x"));
    return new Codecs(helper, patience);
  }

  /** What begins when a mark is there, so that the programs are found to work. */
  private Path mark() {
    return temp.resolve("mark");
  }

  private GantryException failure(String then) throws IOException {
    try (Codecs codecs = with("[ -e " + mark() + " ] && { " + then + "; }")) {
      assertEquals("not known yet", codecs.uses().get(0).by());
      codecs.look();
      assertEquals("/usr/bin/igzip", codecs.uses().get(0).by());
      Files.createFile(mark());
      var e =
          assertThrows(
              GantryException.class,
              () -> {
                try (InputStream in = codecs.open(new ByteArrayInputStream(PACKED), LIMITS)) {
                  in.transferTo(OutputStream.nullOutputStream());
                }
              });
      assertEquals(Kind.INTERNAL, e.kind());
      return e;
    }
  }

  @Test
  void whatEndsTheProgramIsNoDamage() throws IOException {
    assertEquals(
        "/usr/bin/igzip was ended by signal 9",
        failure("head -c 100000 >/dev/null; kill -9 $$").getMessage());
  }

  @Test
  @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aProgramThatDoesNothingIsEnded() throws IOException {
    assertEquals(
        "/usr/bin/igzip has done nothing for 0 s", failure("exec sleep 1000").getMessage());
  }

  @Test
  void aBoxThatCannotBeMadeIsNoDamage() throws IOException {
    assertEquals(
        "/usr/bin/igzip has ended with status 71: gantry-helper box: no",
        failure("echo gantry-helper box: no >&2; exit 71").getMessage());
  }

  @Test
  void aProgramThatDoesNotWorkIsNotUsed() throws IOException {
    try (Codecs codecs = with("[ $2 = /usr/bin/zstd ] || { echo broken >&2; exit 1; }")) {
      codecs.look();
      assertEquals(
          List.of(
              new Codecs.Use(
                  "decoder.gzip", "Java (/usr/bin/igzip has ended with status 1: broken)"),
              new Codecs.Use("decoder.zstd", "/usr/bin/zstd"),
              new Codecs.Use(
                  "encoder.gzip", "Java (/usr/bin/igzip has ended with status 1: broken)")),
          codecs.uses());
      try (InputStream in = codecs.open(new ByteArrayInputStream(PACKED), LIMITS)) {
        assertArrayEquals(plain(3 << 20), in.readAllBytes());
      }
    }
  }

  @Test
  void aProgramThatGivesSomethingElseIsNotUsed() throws IOException {
    try (Codecs codecs = with("cat >/dev/null; exit 0")) {
      codecs.look();
      assertEquals(
          "Java (/usr/bin/igzip does not give back what it should)", codecs.uses().get(0).by());
    }
  }

  @Test
  void closingEndsAProgramThatDoesNothing() throws IOException {
    String script = "[ -e " + mark() + " ] && exec sleep 1000";
    try (Codecs codecs = with(script, Duration.ofHours(1))) {
      codecs.look();
      Files.createFile(mark());
      long before = children();
      InputStream in = codecs.open(new ByteArrayInputStream(PACKED), LIMITS);
      awaitChildren(before + 1);
      in.close();
      awaitChildren(before);
    }
  }

  private static void awaitChildren(long count) {
    assertTimeoutPreemptively(
        Duration.ofSeconds(20),
        () -> {
          while (children() != count) {
            Thread.onSpinWait();
          }
        });
  }

  @Test
  void withoutItsHelperJavaDecodes() {
    try (Codecs codecs = new Codecs(temp.resolve("none"))) {
      codecs.look();
      assertTrue(
          codecs.uses().get(0).by().startsWith("Java (cannot run /usr/bin/igzip: "),
          codecs.uses().get(0).by());
    }
  }
}

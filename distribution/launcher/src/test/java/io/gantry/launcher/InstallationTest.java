package io.gantry.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InstallationTest {

  @TempDir Path home;

  @BeforeEach
  void install() throws IOException {
    for (String folder : new String[] {"bin", "lib", "bundles", "features"}) {
      Files.createDirectory(home.resolve(folder));
    }
    for (String file :
        new String[] {"bin/gantryd", "lib/gantry-helper", "bundles/a.jar", "features/core.json"}) {
      Files.writeString(home.resolve(file), "x");
    }
  }

  @Test
  void oneOfRootsIsFine() throws StartFailure {
    Installation.check(home);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"bin/gantryd", "lib", "lib/gantry-helper", "bundles/a.jar", "features/core.json"})
  void whatOthersMayWriteIsRefused(String name) throws IOException {
    Path one = home.resolve(name);
    Files.setPosixFilePermissions(one, PosixFilePermissions.fromString("rwxr-xrwx"));
    refused(one + " is writable by others");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bundles", "bundles/a.jar", "lib/gantry-helper"})
  @Tag("root")
  void whatIsAnothersIsRefused(String name) throws IOException {
    Path one = home.resolve(name);
    Files.setAttribute(one, "unix:uid", 1234);
    refused(one + " belongs to user 1234");
  }

  @Test
  void aLinkCountsAsWhatItLeadsTo() throws IOException {
    Path elsewhere = Files.writeString(home.resolve("elsewhere"), "x");
    Files.setPosixFilePermissions(elsewhere, PosixFilePermissions.fromString("rw-rw-rw-"));
    Files.createSymbolicLink(home.resolve("bundles/b.jar"), elsewhere);
    refused(elsewhere + " is writable by others");
  }

  private void refused(String fact) {
    StartFailure failure = assertThrows(StartFailure.class, () -> Installation.check(home));
    assertEquals(StartFailure.NO_PERMISSION, failure.exitCode());
    assertTrue(failure.getMessage().contains(fact), failure::getMessage);
  }
}

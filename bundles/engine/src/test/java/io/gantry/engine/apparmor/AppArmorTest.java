package io.gantry.engine.apparmor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AppArmorTest {
  private static final String PROFILES = "sys/kernel/security/apparmor/profiles";

  @TempDir Path root;

  private void write(String file, String text) throws IOException {
    Files.createDirectories(root.resolve(file).getParent());
    Files.writeString(root.resolve(file), text);
  }

  /** A host with AppArmor, and what is loaded there. */
  private AppArmor host(String loaded) throws IOException {
    write("sys/module/apparmor/parameters/enabled", "Y\n");
    write("proc/self/attr/apparmor/current", "/usr/bin/engine (enforce)\n");
    write(PROFILES, loaded);
    return new AppArmor(root);
  }

  /** A parser that loads what it is given by its name, and says how it was called. */
  private void parser(String end) throws IOException {
    write(
        "sbin/apparmor_parser",
        "#!/bin/sh\necho \"$@\" >%1$s/args; cat >%1$s/text\n%2$s\n".formatted(root, end));
    Files.setPosixFilePermissions(
        root.resolve("sbin/apparmor_parser"), PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @Test
  void aHostWithoutAppArmorHasNoProfiles() throws IOException {
    var without = new AppArmor(root);
    assertEquals("", without.profile("", false));
    assertEquals("", without.profile("nosuch", false));
    assertEquals("", without.profile("", true));
    assertFalse(without.confines());
    assertEquals("", without.warning());
    write("sys/module/apparmor/parameters/enabled", "N\n");
    assertEquals("", new AppArmor(root).profile("nosuch", false));
  }

  @Test
  void theDefaultProfileIsLoadedWhenItIsMissing() throws IOException {
    parser("echo 'docker-default (enforce)' >>" + root.resolve(PROFILES));
    var host = host("docker-default-not (enforce)\n");
    assertTrue(host.confines());
    assertEquals("docker-default", host.profile("", false));
    assertEquals("--skip-cache --replace\n", Files.readString(root.resolve("args")));
    assertEquals(DefaultProfile.text("/usr/bin/engine"), Files.readString(root.resolve("text")));
    assertEquals("", host.warning());
    Files.delete(root.resolve("args"));
    assertEquals("docker-default", host.profile("docker-default", false));
    assertFalse(Files.exists(root.resolve("args")), "loaded twice");
    write(PROFILES, "");
    host.ensure("docker-default"); // whoever has unloaded it
    assertTrue(Files.exists(root.resolve("args")));
  }

  @Test
  void whatIsLoadedNeedsNoParser() throws IOException {
    var host = host("other (complain)\ndocker-default (enforce)\n");
    assertEquals("docker-default", host.profile("", false));
    assertTrue(host.confines());
  }

  @Test
  void namedProfilesAreTheOperators() throws IOException {
    parser("exit 1");
    var host = host("");
    assertEquals("other", host.profile("other", false));
    assertEquals("unconfined", host.profile("unconfined", false));
    assertEquals("unconfined", host.profile("other", true)); // as dockerd
    assertFalse(Files.exists(root.resolve("args")));
  }

  @Test
  void withoutAParserNobodyIsConfinedUnasked() throws IOException {
    var host = host("");
    assertEquals("", host.profile("", false));
    assertEquals("", host.profile("", true));
    assertFalse(host.confines());
    assertEquals(
        "AppArmor is on, but containers that name no profile are not confined: there is no"
            + " apparmor_parser to load docker-default",
        host.warning());
    assertEquals("docker-default", host.profile("docker-default", false)); // the kernel refuses it
  }

  @Test
  void whereProfilesCannotBeSeenNobodyIsConfinedUnasked() throws IOException {
    parser("");
    var host = host("");
    Files.delete(root.resolve(PROFILES));
    assertEquals("", host.profile("", false));
    assertTrue(host.warning().endsWith(": /" + PROFILES + " cannot be read"), host.warning());
  }

  @Test
  void aProfileThatTheKernelDoesNotTakeKeepsContainersFromStarting() throws IOException {
    parser("echo no such luck >&2; exit 3");
    var host = host("");
    var refusal = assertThrows(GantryException.class, () -> host.profile("", false));
    assertEquals(
        "AppArmor enabled on system but the docker-default profile could not be loaded:"
            + " apparmor_parser: no such luck",
        refusal.getMessage());
    assertEquals(GantryException.Kind.UNAVAILABLE, refusal.kind());
  }
}

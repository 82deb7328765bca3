package io.gantry.auth.helpers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.testkit.RegistryAuthProviderContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HelpersAuthTest extends RegistryAuthProviderContract {

  private static final String FOUND =
      "echo '{\"ServerURL\":\"x\",\"Username\":\"u\",\"Secret\":\"" + SECRET + "\"}'";

  @TempDir Path folder;

  @BeforeEach
  void make() throws IOException {
    helper("plain", FOUND);
  }

  @Override
  protected RegistryAuthProvider provider() {
    return auth("registry.example=plain");
  }

  @Override
  protected String scheme() {
    return "";
  }

  @Override
  protected String known() {
    return "registry.example";
  }

  private Path helper(String name, String script) throws IOException {
    Path file = folder.resolve("docker-credential-" + name);
    Files.writeString(file, "#!/bin/sh\n" + script + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    return file;
  }

  private HelpersAuth auth(String... credHelpers) {
    return new HelpersAuth(List.of(credHelpers), "", List.of(folder), Duration.ofSeconds(20));
  }

  /** What a helper with a script knows of registry.example. */
  private @Nullable Credentials found(String script) throws IOException {
    helper("one", script);
    return auth("registry.example=one").credentials("registry.example");
  }

  private GantryException failure(String script, Duration limit) throws IOException {
    helper("one", script);
    var helper = new Helper("one", List.of(folder), limit);
    return Assertions.assertThrows(GantryException.class, () -> helper.get("registry.example"));
  }

  private GantryException failure(String script) throws IOException {
    return failure(script, Duration.ofSeconds(20));
  }

  @Test
  void aProgramIsAskedForItsRegistryOnly() throws IOException {
    String log = folder.resolve("log").toString();
    helper("noting", "echo \"$* $(cat)\" >>" + log + "; " + FOUND);
    HelpersAuth auth =
        auth("registry.example:5000=noting", "https://index.docker.io/v1/=noting", "broken", "=x");
    assertEquals(Credentials.password("u", SECRET), auth.credentials("registry.example:5000"));
    assertEquals(Credentials.password("u", SECRET), auth.credentials("docker.io"));
    assertNull(auth.credentials("registry.example"));
    assertNull(auth.credentials("other.example"));
    assertEquals(
        List.of("get registry.example:5000", "get https://index.docker.io/v1/"),
        Files.readAllLines(folder.resolve("log")));
  }

  @Test
  void theStoreIsForAllOthers() throws IOException {
    helper("store", "echo '{\"Username\":\"'$(cat)'\",\"Secret\":\"x\"}'");
    var auth =
        new HelpersAuth(
            List.of("registry.example=plain"), "store", List.of(folder), Duration.ofSeconds(20));
    assertEquals(Credentials.password("u", SECRET), auth.credentials("registry.example"));
    assertEquals(Credentials.password("other.example:1", "x"), auth.credentials("other.example:1"));
  }

  @Test
  void aProgramMayBeNamedByItsPath() throws IOException {
    Path program = helper("elsewhere", FOUND);
    var auth = new HelpersAuth(List.of(), program.toString(), List.of(), Duration.ofSeconds(20));
    assertEquals(Credentials.password("u", SECRET), auth.credentials("registry.example"));
  }

  @Test
  void anIdentityTokenIsOne() throws IOException {
    assertEquals(
        new Credentials("", "", "t", ""),
        found("echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}'"));
  }

  @Test
  void whatIsNotFoundIsNoFailure() throws IOException {
    helper("one", "echo credentials not found in native keychain; exit 1");
    HelpersAuth auth = auth("registry.example=one");
    assertNull(auth.credentials("registry.example"));
    assertEquals("0", auth.status().get("Failed"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "exit 1",
        "exit 0",
        "echo x",
        "echo '{}'",
        "echo '[]'",
        "kill -9 $$",
        "yes",
        "exec 1>&-",
        "echo '{\"Username\":\"u\"}'"
      })
  void aProgramThatFailsLeavesItsRegistryToBeAskedAsNobody(String script) throws IOException {
    helper("one", script);
    HelpersAuth auth = auth("registry.example=one", "other.example=plain");
    assertNull(auth.credentials("registry.example"));
    assertEquals("1", auth.status().get("Failed"));
    assertEquals(Credentials.password("u", SECRET), auth.credentials("other.example"));
  }

  @Test
  void failuresAreNamedAndHoldNothingSecret() throws IOException {
    String path = folder.toRealPath().resolve("docker-credential-one").toString();
    assertEquals(
        path + " ended with 3: no key", failure("printf 'no\\n\\tkey'; exit 3").getMessage());
    assertEquals(
        path + " has not written what credentials are", failure("echo " + SECRET).getMessage());
    assertEquals(path + " says more than 65536 bytes", failure("yes " + SECRET).getMessage());
    assertTrue(failure("yes | head -c 9999 | tr -d '\\n'; exit 1").getMessage().length() < 400);
  }

  @Test
  void aProgramThatHangsIsEndedWithWhatItStarted() throws IOException {
    Path pid = folder.resolve("pid");
    String script = "sleep 1000 & echo $! >" + pid + "; wait";
    var e = failure(script, Duration.ofSeconds(1));
    assertTrue(e.getMessage().endsWith(" gave no answer within 1 s"), e.getMessage());
    long child = Long.parseLong(Files.readString(pid).strip());
    ProcessHandle.of(child).ifPresent(left -> left.onExit().join());
  }

  @Test
  void whatAProgramLeavesRunningDoesNotHoldItsAnswer() throws IOException {
    Path pid = folder.resolve("pid");
    assertEquals(
        Credentials.password("u", SECRET), found("sleep 1000 & echo $! >" + pid + "; " + FOUND));
    ProcessHandle.of(Long.parseLong(Files.readString(pid).strip()))
        .ifPresent(ProcessHandle::destroyForcibly);
  }

  @Test
  void aProgramOthersMayChangeIsNotRun() throws IOException {
    Path program = helper("one", "touch " + folder.resolve("run") + "; " + FOUND);
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxrwxrwx"));
    HelpersAuth auth = auth("registry.example=one");
    assertNull(auth.credentials("registry.example"));
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertNull(auth.credentials("registry.example"));
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    assertFalse(Files.exists(folder.resolve("run")));
    assertEquals(Credentials.password("u", SECRET), auth.credentials("registry.example"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"../plain", "a/b", "nosuch", "/nosuch", "-x"})
  void whatIsNoProgramIsSaid(String name) {
    var helper = new Helper(name, List.of(folder), Duration.ofSeconds(1));
    var e = Assertions.assertThrows(GantryException.class, () -> helper.get("x"));
    assertTrue(e.kind() == Kind.NOT_FOUND || e.kind() == Kind.INVALID, e.getMessage());
  }
}

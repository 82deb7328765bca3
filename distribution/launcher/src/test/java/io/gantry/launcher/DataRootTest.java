package io.gantry.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataRootTest {

  @TempDir Path folder;

  @Test
  void isMadeForItsOwnerAndKeepsItsInstance() throws Exception {
    Path root = folder.resolve("a/b");
    String instance;
    try (DataRoot first = DataRoot.open(root, 1, folder)) {
      instance = first.instance();
      assertTrue(instance.matches("[0-9a-f]{8}"));
      assertEquals("rwx--x---", PosixFilePermissions.toString(Files.getPosixFilePermissions(root)));
    }
    try (DataRoot second = DataRoot.open(root, 1, folder)) {
      assertEquals(instance, second.instance());
    }
  }

  @Test
  void twoDataRootsAreTwoInstances() throws Exception {
    try (DataRoot a = DataRoot.open(folder.resolve("a"), 1, folder);
        DataRoot b = DataRoot.open(folder.resolve("b"), 1, folder)) {
      assertFalse(a.instance().equals(b.instance()));
    }
  }

  @Test
  void whatAnotherProcessHasLockedNamesThatProcess() throws Exception {
    Path root = folder.resolve("root");
    DataRoot.open(root, 1, folder).close();
    long named = ProcessHandle.current().pid();
    Process holder = hold(root, named);
    try {
      StartFailure failure = assertThrows(StartFailure.class, () -> DataRoot.open(root, 2, folder));
      assertEquals(StartFailure.IN_USE, failure.exitCode());
      assertEquals(
          "already running: the engine with pid " + named + " has data root " + root.toRealPath(),
          failure.getMessage());
    } finally {
      holder.getOutputStream().close();
      assertTrue(holder.waitFor(30, TimeUnit.SECONDS));
    }
    DataRoot.open(root, 2, folder).close();
    assertEquals("2\n", Files.readString(root.resolve("lock")));
  }

  @Test
  void aCopyDoesNotRunBesideItsOriginal() throws Exception {
    Path root = folder.resolve("root");
    DataRoot.open(root, 1, folder).close();
    Path copy = Files.createDirectory(folder.resolve("copy"));
    Files.copy(root.resolve("instance"), copy.resolve("instance"));
    String instance = Files.readString(root.resolve("instance")).strip();
    long named = ProcessHandle.current().pid();
    Process holder = hold(root, named);
    try {
      StartFailure failure = assertThrows(StartFailure.class, () -> DataRoot.open(copy, 2, folder));
      assertEquals(StartFailure.IN_USE, failure.exitCode());
      assertEquals(
          "already running: the engine with pid %d is instance %s, and data root %s a copy of its own"
              .formatted(named, instance, copy.toRealPath()),
          failure.getMessage());
    } finally {
      holder.getOutputStream().close();
      assertTrue(holder.waitFor(30, TimeUnit.SECONDS));
    }
    DataRoot.open(copy, 2, folder).close();
    assertFalse(Files.exists(folder.resolve("gantry-" + instance + ".lock")));
  }

  @Test
  void whatIsNoEnginesIsLeftAsItIs() throws Exception {
    Path root = Files.createDirectories(folder.resolve("home/somebody")).getParent();
    Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
    StartFailure failure = assertThrows(StartFailure.class, () -> DataRoot.open(root, 1, folder));
    assertEquals(StartFailure.USAGE, failure.exitCode());
    assertTrue(failure.getMessage().contains("it is not empty"), failure::getMessage);
    assertEquals("rwxr-xr-x", PosixFilePermissions.toString(Files.getPosixFilePermissions(root)));
    assertEquals(1, root.toFile().list().length);
  }

  @Test
  void whatAnOperatorPreparedIsTaken() throws Exception {
    Path root = folder.resolve("root");
    Files.createDirectories(root.resolve("deploy"));
    Files.createDirectory(root.resolve("lost+found")); // a new ext4
    Files.createFile(root.resolve("lock")); // a start that was killed
    DataRoot.open(root, 1, folder).close();
    assertEquals("rwx--x---", PosixFilePermissions.toString(Files.getPosixFilePermissions(root)));
  }

  @Test
  void oneWhoseGateIsGoneIsWaitedFor() throws Exception {
    Path root = folder.resolve("root");
    Process gate = new ProcessBuilder("true").start();
    gate.waitFor();
    isWaitedFor(root, gate.pid());
  }

  @Test
  void soIsOneWhoseGateIsDeadAndNotReaped() throws Exception {
    // What sleep got as a child it does not wait for.
    var parent = new ProcessBuilder("sh", "-c", "true & echo $!; exec sleep 1000").start();
    try (var lines = parent.inputReader()) {
      isWaitedFor(folder.resolve("root"), Long.parseLong(lines.readLine()));
    } finally {
      parent.destroyForcibly();
    }
  }

  private void isWaitedFor(Path root, long gate) throws Exception {
    Process holder = hold(root, gate);
    try {
      var next = CompletableFuture.supplyAsync(() -> opened(root));
      assertThrows(TimeoutException.class, () -> next.get(200, TimeUnit.MILLISECONDS));
      holder.getOutputStream().close();
      assertEquals("3\n", next.get(15, TimeUnit.SECONDS));
    } finally {
      holder.destroyForcibly();
    }
  }

  private String opened(Path root) {
    try (DataRoot mine = DataRoot.open(root, 3, folder)) {
      return Files.readString(mine.path().resolve("lock"));
    } catch (IOException | StartFailure e) {
      throw new AssertionError(e);
    }
  }

  /** A process that has the data root, under another one's pid. */
  private static Process hold(Path root, long named) throws IOException {
    Process holder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                LockHolder.class.getName(),
                root.toString(),
                Long.toString(named))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    assertEquals('.', holder.getInputStream().read());
    return holder;
  }

  @Test
  void aDirectoryThatOthersMayWriteIsRefused() throws IOException {
    for (String permissions : new String[] {"rwxrwx---", "rwx----w-"}) {
      Path root = folder.resolve(permissions);
      Files.createDirectory(root);
      Files.setPosixFilePermissions(root, PosixFilePermissions.fromString(permissions));
      StartFailure failure = assertThrows(StartFailure.class, () -> DataRoot.open(root, 1, folder));
      assertEquals(StartFailure.NO_PERMISSION, failure.exitCode());
      assertTrue(failure.getMessage().contains("writable by others"), failure::getMessage);
      assertEquals(0, root.toFile().list().length);
    }
  }

  @Test
  void aDirectoryBelowOneThatOthersMayWriteIsRefused() throws IOException {
    Path above = Files.createDirectory(folder.resolve("above"));
    Files.setPosixFilePermissions(above, PosixFilePermissions.fromString("rwxrwxrwx"));
    StartFailure failure =
        assertThrows(StartFailure.class, () -> DataRoot.open(above.resolve("root"), 1, folder));
    assertTrue(
        failure.getMessage().contains(above + " is writable by others"), failure::getMessage);
  }

  @Test
  void aFileInItsPlaceIsSaidToBeNoDirectory() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "x");
    StartFailure failure =
        assertThrows(StartFailure.class, () -> DataRoot.open(file.resolve("root"), 1, folder));
    assertEquals(StartFailure.IO_ERROR, failure.exitCode());
  }

  @Test
  void aDamagedInstanceFileIsNotReplaced() throws Exception {
    Path root = folder.resolve("root");
    DataRoot.open(root, 1, folder).close();
    Files.writeString(root.resolve("instance"), "what?");
    StartFailure failure = assertThrows(StartFailure.class, () -> DataRoot.open(root, 1, folder));
    assertTrue(failure.getMessage().contains("instance is damaged"), failure::getMessage);
    assertEquals("what?", Files.readString(root.resolve("instance"), StandardCharsets.US_ASCII));
  }

  /** Another process that has the data root until its standard input ends. */
  public static final class LockHolder {

    private LockHolder() {}

    public static void main(String[] arguments) throws Exception {
      try (DataRoot root =
          DataRoot.open(
              Path.of(arguments[0]),
              Long.parseLong(arguments[1]),
              Path.of(arguments[0]).getParent())) {
        System.out.print('.');
        System.out.flush();
        System.exit(System.in.read() < 0 && root.instance().isEmpty() ? 1 : 0);
      }
    }
  }
}

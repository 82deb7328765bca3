package io.gantry.spi.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.exec.ExecDriver;
import io.gantry.spi.exec.Launch;
import io.gantry.spi.exec.ProcessSpec;
import io.gantry.spi.exec.TaskSpec;
import io.gantry.spi.exec.TaskSpec.Namespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What every exec driver keeps to. The tests tagged {@code root} carry plans out, which the
 * driver's own test knows how to do; they need a static busybox on the host. After each one nothing
 * is mounted on the host that was not before.
 */
public abstract class ExecDriverContract {

  /**
   * How a process ended.
   *
   * @param error why it could not be started, or empty
   */
  public record Outcome(int status, String out, String err, String error) {}

  /** A container that runs. */
  public interface Running extends AutoCloseable {

    /** Carries out a plan of {@link ExecDriver#exec} to its end. */
    Outcome exec(ProcessSpec process, Launch launch);

    /** Kills the container and waits for its end. */
    @Override
    void close();
  }

  private static final Path BUSYBOX = Path.of("/bin/busybox");
  private static final String ID = "ab".repeat(32);

  private Path scratch = Path.of("/nonexistent");
  private Path root = Path.of("/nonexistent");
  private List<String> mountsBefore = List.of();

  protected abstract ExecDriver driver();

  /** Carries out a plan of {@link ExecDriver#create} until the process has ended. */
  protected abstract Outcome run(TaskSpec spec, Launch launch);

  /** Carries out a plan and returns while the process runs. */
  protected abstract Running start(TaskSpec spec, Launch launch);

  @BeforeEach
  void makeRoot(@TempDir Path directory) throws IOException {
    scratch = directory;
    root = Files.createDirectory(scratch.resolve("root"));
    Files.createDirectories(root.resolve("etc"));
    Files.createDirectories(root.resolve("tmp"));
    Path bin = Files.createDirectory(root.resolve("bin"));
    if (Files.exists(BUSYBOX)) {
      Files.copy(BUSYBOX, bin.resolve("busybox"));
      bin.resolve("busybox").toFile().setExecutable(true, false);
      for (String applet :
          "sh cat echo true false id ls sleep touch stat hostname unshare mknod chown env pwd kill tty"
              .split(" ", -1)) {
        Files.createSymbolicLink(bin.resolve(applet), Path.of("busybox"));
      }
    }
    Files.writeString(
        root.resolve("etc/passwd"), "root:x:0:0::/root:/bin/sh\nacc:x:7:8::/:/bin/sh\n");
    Files.writeString(root.resolve("etc/group"), "root:x:0:\nextra:x:99:acc\n");
    mountsBefore = mounts();
  }

  @AfterEach
  void theHostIsAsBefore() throws IOException {
    assertEquals(mountsBefore, mounts());
  }

  /** A task with a busybox root, to be changed. */
  protected final TaskBuilder task() {
    return new TaskBuilder(ID, scratch.toString(), root.toString());
  }

  private static String firstLine(Path file) throws IOException {
    try (var reader = Files.newBufferedReader(file)) {
      return reader.readLine();
    }
  }

  /** Of this test; others may run containers meanwhile. */
  private List<String> mounts() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/mounts")).stream()
        .filter(line -> line.contains(scratch.toString()))
        .toList();
  }

  private Outcome run(TaskBuilder task) {
    TaskSpec spec = task.build();
    return run(spec, driver().create(spec));
  }

  private String output(TaskBuilder task) {
    Outcome outcome = run(task);
    assertEquals("", outcome.error());
    assertEquals("", outcome.err());
    assertEquals(0, outcome.status());
    return outcome.out();
  }

  private void refuses(Kind kind, TaskBuilder task) {
    TaskSpec spec = task.build();
    var failure = assertThrows(GantryException.class, () -> driver().create(spec));
    assertEquals(kind, failure.kind(), failure.getMessage());
    assertFalse(failure.getMessage().isBlank());
  }

  // ---- plans ----

  @Test
  void aProbeSaysWhyWhenItSaysNo() {
    Support support = driver().probe();
    assertEquals(support.available(), support.reason().isEmpty());
  }

  @Test
  void aPlanIsAValue() {
    TaskSpec spec = task().sysctl("net.core.somaxconn", "7").sysctl("kernel.msgmax", "9").build();
    Launch launch = driver().create(spec);
    assertEquals(launch, driver().create(spec));
    assertTrue(launch.program().length() > 0);
    assertEquals(launch.foreign(), launch.cloneFlags() == 0);
  }

  @Test
  void aTaskWithoutARootIsInvalid() {
    refuses(Kind.INVALID, task().rootfs());
  }

  @Test
  void aTaskWithoutACommandIsInvalid() {
    refuses(Kind.INVALID, task().args());
  }

  @Test
  void aNulInAnArgumentIsInvalid() {
    refuses(Kind.INVALID, task().args("/bin/echo", "a\0b"));
  }

  @Test
  void anUnknownCapabilityIsInvalid() {
    refuses(Kind.INVALID, task().capabilities("CAP_BOGUS"));
  }

  @Test
  void aRelativeWorkingDirectoryIsInvalid() {
    refuses(Kind.INVALID, task().cwd("work"));
  }

  @Test
  void aRelativeBindSourceIsInvalid() {
    refuses(Kind.INVALID, task().mount("bind", "relative", "/x", "rw"));
  }

  @Test
  void aParameterOfTheWholeKernelIsInvalid() {
    refuses(Kind.INVALID, task().sysctl("vm.swappiness", "1"));
    refuses(
        Kind.INVALID,
        task().withoutNamespace(Namespace.Kind.NETWORK).sysctl("net.core.somaxconn", "1"));
    refuses(Kind.INVALID, task().sysctl("net/../vm/swappiness", "1"));
  }

  @Test
  void aBrokenSeccompProfileIsInvalid() {
    refuses(
        driver().features().contains("seccomp") ? Kind.INVALID : Kind.UNSUPPORTED,
        task().seccomp("{"));
  }

  @Test
  void whatIsNoFeatureIsUnsupported() {
    Set<String> features = driver().features();
    if (!features.contains("userns")) {
      refuses(Kind.UNSUPPORTED, task().namespace(Namespace.Kind.USER, null));
    }
    if (!features.contains("namespace-paths")) {
      refuses(Kind.UNSUPPORTED, task().namespace(Namespace.Kind.IPC, "/proc/self/ns/ipc"));
    }
    if (!features.contains("exec")) {
      TaskSpec spec = task().build();
      var failure = assertThrows(GantryException.class, () -> driver().exec(spec, spec.process()));
      assertEquals(Kind.UNSUPPORTED, failure.kind());
    }
  }

  @Test
  void deleteMayBeRepeatedAndMeanNothing() {
    TaskSpec spec = task().build();
    driver().create(spec);
    driver().delete(spec.id());
    driver().delete(spec.id());
    driver().delete("cd".repeat(32));
  }

  @Test
  void recoverAccountsForWhatIsExpected() {
    Recovery recovery = driver().recover(Set.of(ID));
    Set<String> named = new TreeSet<>(recovery.alive());
    named.addAll(recovery.lost());
    assertEquals(Set.of(ID), named);
    assertEquals(1, recovery.alive().size() + recovery.lost().size());
    assertNotNull(driver().recover(Set.of()).swept());
  }

  // ---- plans carried out ----

  @Test
  @Tag("root")
  void theExitCodeIsTheProcesss() {
    assertEquals(7, run(task().shell("exit 7")).status());
    assertEquals(0, run(task()).status());
  }

  @Test
  @Tag("root")
  void outputAndErrorsAreApart() {
    Outcome outcome = run(task().shell("echo out; echo err >&2"));
    assertEquals("out\n", outcome.out());
    assertEquals("err\n", outcome.err());
  }

  @Test
  @Tag("root")
  void environmentDirectoryAndArgumentsArrive() {
    assertEquals("A=b c\nHOME=/root\n", output(task().env("A=b c").args("/bin/env")));
    assertEquals("/made/here\n", output(task().cwd("/made/here").args("/bin/pwd")));
    assertEquals("ü * $x\n", output(task().args("echo", "ü * $x")));
  }

  /** The kernel takes 2 MiB of both together, and 128 KiB of each. */
  @Test
  @Tag("root")
  void muchEnvironmentArrives() {
    String[] much = new String[15];
    Arrays.setAll(much, i -> "V" + i + "=" + "x".repeat(120_000));
    assertEquals("120000 120000\n", output(task().env(much).shell("echo ${#V0} ${#V14}")));
  }

  @Test
  @Tag("root")
  void theUserIsWhoTheImageSays() {
    assertEquals("uid=0(root) gid=0(root) groups=0(root)\n", output(task().args("id")));
    assertEquals("uid=7(acc) gid=8 groups=8,99(extra)\n", output(task().user("acc").args("id")));
    assertEquals("5 6\n", output(task().user("5:6").shell("echo $(id -u) $(id -g)")));
    assertEquals("3 42 99\n", output(task().user("1:3", "42", "extra").args("id", "-G")));
    Outcome unknown = run(task().user("nobody-here"));
    assertTrue(unknown.error().contains("unable to find user nobody-here"), unknown.error());
  }

  @Test
  @Tag("root")
  void whatCannotBeRunSaysSo() throws IOException {
    Files.writeString(root.resolve("etc/plain"), "no program");
    assertError("executable file not found in $PATH", task().args("no-such-command"));
    assertError("no such file or directory", task().args("/no/such"));
    assertError("permission denied", task().args("/etc/plain"));
    assertError("is a directory", task().args("/etc"));
  }

  private void assertError(String part, TaskBuilder task) {
    Outcome outcome = run(task);
    assertTrue(outcome.error().contains(part), outcome.error());
  }

  @Test
  @Tag("root")
  void namespacesAreOwn() throws IOException {
    for (String kind : List.of("mnt", "pid", "uts", "ipc", "net")) {
      String host = Files.readSymbolicLink(Path.of("/proc/self/ns/" + kind)).toString();
      String inside = output(task().args("busybox", "readlink", "/proc/self/ns/" + kind)).strip();
      assertTrue(inside.startsWith(kind + ":["), inside);
      assertFalse(inside.equals(host), kind + " is the host's");
    }
    assertEquals("/proc/1\n", output(task().shell("echo /proc/[0-9]*")));
    assertEquals("box\n", output(task().args("hostname")));
  }

  @Test
  @Tag("root")
  void namespacesAreSharedOnRequest() throws IOException {
    String host = Files.readSymbolicLink(Path.of("/proc/self/ns/net")) + "\n";
    String[] look = {"busybox", "readlink", "/proc/self/ns/net"};
    assertEquals(host, output(task().withoutNamespace(Namespace.Kind.NETWORK).args(look)));
    if (driver().features().contains("namespace-paths")) {
      assertEquals(
          host, output(task().namespace(Namespace.Kind.NETWORK, "/proc/self/ns/net").args(look)));
    }
  }

  @Test
  @Tag("root")
  void theDefaultDevicesAreThere() {
    assertEquals(
        "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero",
        output(task().shell("ls /dev | busybox grep -vx core | busybox tr '\\n' ' '")).strip());
    assertEquals(
        "1:3 666 1:5 666 5:0 666",
        output(task().shell("echo $(stat -c '%t:%T %a' /dev/null /dev/zero /dev/tty)")).strip());
    assertEquals("/proc/self/fd\n", output(task().args("busybox", "readlink", "/dev/fd")));
  }

  @Test
  @Tag("root")
  void devicesAreAdded() {
    if (driver().features().contains("devices")) {
      TaskBuilder task = task().device(new TaskSpec.Device("/dev/sub/mine", "c", 1, 5, 0640, 3, 4));
      assertEquals(
          "1:5 640 3 4\n", output(task.args("stat", "-c", "%t:%T %a %u %g", "/dev/sub/mine")));
    }
  }

  @Test
  @Tag("root")
  void bindsAreWritableUnlessReadOnly() throws IOException {
    Path host = Files.createDirectory(scratch.resolve("volume"));
    assertEquals(
        "",
        output(task().mount("bind", host.toString(), "/data/here").args("touch", "/data/here/x")));
    assertTrue(Files.exists(host.resolve("x")));
    Outcome refused =
        run(task().mount("rbind", host.toString(), "/data", "ro").args("touch", "/data/y"));
    assertTrue(refused.err().contains("Read-only file system"), refused.err());
    assertFalse(Files.exists(host.resolve("y")));
  }

  @Test
  @Tag("root")
  void aLinkInTheImageDoesNotLeadABindOut() throws IOException {
    Path host = Files.createDirectory(scratch.resolve("volume"));
    Path outside = Files.createDirectory(scratch.resolve("outside"));
    Files.createSymbolicLink(root.resolve("link"), outside);
    output(task().mount("bind", host.toString(), "/link/dir").args("touch", "/link/dir/x"));
    assertTrue(Files.exists(host.resolve("x")));
    assertFalse(Files.exists(outside.resolve("dir")));
  }

  @Test
  @Tag("root")
  void aReadOnlyRootHasNoPlaceToWrite() {
    Outcome refused = run(task().readonlyRootfs().args("touch", "/x"));
    assertTrue(refused.err().contains("Read-only file system"), refused.err());
    assertEquals("", output(task().readonlyRootfs().args("touch", "/dev/shm/x")));
  }

  @Test
  @Tag("root")
  void sensitivePathsAreHidden() {
    assertEquals(
        "",
        output(
            task()
                .shell("ls -A /sys/firmware; cat /proc/keys /proc/timer_list 2>/dev/null; true")));
    Outcome refused = run(task().shell("echo 1 >/proc/sys/kernel/printk"));
    assertTrue(refused.err().contains("Read-only file system"), refused.err());
  }

  @Test
  @Tag("root")
  void nothingOfTheHostIsVisible() {
    assertEquals(
        "",
        output(
            task()
                .shell(
                    "busybox awk '{print $2}' /proc/mounts | busybox grep -vE"
                        + " '^/((proc|sys|dev)(/.*)?)?$'; busybox grep shared: /proc/self/mountinfo"
                        + "; true")));
    assertEquals("0 1 2 3\n", output(task().shell("cd /proc/self/fd; echo *")));
  }

  @Test
  @Tag("root")
  void capabilitiesAreThoseGiven() {
    String[] look = {
      "busybox", "sed", "-n", "s/^Cap\\(Inh\\|Eff\\|Bnd\\):.//p", "/proc/self/status"
    };
    String none = "0000000000000000\n";
    String standard = "00000000a80425fb\n";
    assertEquals(none + standard + standard, output(task().args(look)));
    assertEquals(none + none + standard, output(task().user("1234").args(look)));
    assertEquals(
        none + "0000000000000400\n0000000000000400\n",
        output(task().capabilities("CAP_NET_BIND_SERVICE").args(look)));
  }

  @Test
  @Tag("root")
  void seccompFiltersUnlessUnconfined() {
    if (!driver().features().contains("seccomp")) {
      return;
    }
    Outcome refused = run(task().args("unshare", "-U", "true"));
    assertTrue(refused.err().contains("Operation not permitted"), refused.err());
    String[] look = {"busybox", "sed", "-n", "s/^Seccomp:.//p", "/proc/self/status"};
    assertEquals("2\n", output(task().args(look)));
    assertEquals("2\n", output(task().noNewPrivileges().user("5").args(look)));
    assertEquals("0\n", output(task().seccomp(ProcessSpec.SECCOMP_UNCONFINED).args(look)));
    String profile =
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\",\"mkdirat\"],"
            + "\"action\":\"SCMP_ACT_ERRNO\"}]}";
    Outcome own = run(task().seccomp(profile).args("busybox", "mkdir", "/d"));
    assertTrue(own.err().contains("Operation not permitted"), own.err());
  }

  @Test
  @Tag("root")
  void limitsAreSet() {
    assertEquals(
        "100 200\n",
        output(task().rlimit("nofile", 100, 200).shell("echo $(ulimit -Sn) $(ulimit -Hn)")));
    assertEquals("500\n", output(task().oomScoreAdj(500).args("cat", "/proc/self/oom_score_adj")));
    assertEquals(
        "1\n",
        output(
            task()
                .noNewPrivileges()
                .args("busybox", "sed", "-n", "s/^NoNewPrivs:.//p", "/proc/self/status")));
  }

  @Test
  @Tag("root")
  void kernelParametersAreTheContainersOwn() throws IOException {
    Path file = Path.of("/proc/sys/kernel/msgmax");
    String before = firstLine(file);
    assertEquals(
        "999\n77\n",
        output(
            task()
                .sysctl("kernel.msgmax", "999")
                .sysctl("net.core.somaxconn", "77")
                .args("cat", "/proc/sys/kernel/msgmax", "/proc/sys/net/core/somaxconn")));
    assertEquals(before, firstLine(file));
  }

  @Test
  @Tag("root")
  void aTerminalIsTheContainersOwn() {
    Outcome outcome = run(task().terminal().shell("tty; [ -c /dev/console ] && echo console"));
    assertEquals("/dev/pts/0\r\nconsole\r\n", outcome.out());
  }

  @Test
  @Tag("root")
  void anExecedProcessIsInTheSameContainer() {
    if (!driver().features().contains("exec")) {
      return;
    }
    TaskSpec spec = task().args("sleep", "1000").build();
    ProcessSpec look =
        task()
            .shell(
                "for n in mnt pid net ipc uts; do [ $(busybox readlink /proc/self/ns/$n) ="
                    + " $(busybox readlink /proc/1/ns/$n) ] || echo $n; done; for k in CapBnd CapEff"
                    + " Seccomp NoNewPrivs; do [ \"$(busybox grep ^$k: /proc/self/status)\" ="
                    + " \"$(busybox grep ^$k: /proc/1/status)\" ] || echo $k; done; exit 3")
            .process();
    try (Running running = start(spec, driver().create(spec))) {
      Outcome outcome = running.exec(look, driver().exec(spec, look));
      assertEquals(new Outcome(3, "", "", ""), outcome);
      ProcessSpec missing = task().args("no-such-command").process();
      Outcome failed = running.exec(missing, driver().exec(spec, missing));
      assertTrue(failed.error().contains("executable file not found in $PATH"), failed.error());
    }
  }
}

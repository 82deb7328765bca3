package io.gantry.exec.namespaces;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.exec.ProcessSpec;
import io.gantry.spi.exec.TaskSpec;
import io.gantry.spi.exec.TaskSpec.Namespace;
import io.gantry.spi.testkit.ExecDriverContract.Outcome;
import io.gantry.spi.testkit.TaskBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What other runtimes have failed at, each test named after the case: from a container by the real
 * helper, whose zygote was started with files open and at real-time priority.
 */
@Tag("root")
@Timeout(120)
class NamedFlawsTest {

  private static final Path BUSYBOX = Path.of("/bin/busybox");

  private static Sandbox sandbox;
  private final NamespacesDriver driver = new NamespacesDriver();
  @TempDir Path scratch;
  private Path root;
  private List<String> mountsBefore;

  @BeforeAll
  static void startInBadSurroundings() {
    sandbox = Sandbox.withZygoteBy("exec 7</ 9</etc/passwd; exec chrt -r 5 \"$0\" spawn \"$1\"");
  }

  @AfterAll
  static void end() {
    sandbox.close();
  }

  @BeforeEach
  void makeRoot() throws IOException {
    root = Files.createDirectory(scratch.resolve("root"));
    for (String folder : List.of("etc", "tmp", "bin")) {
      Files.createDirectory(root.resolve(folder));
    }
    Files.copy(BUSYBOX, root.resolve("bin/busybox"));
    for (String applet : "sh cat echo ls sleep touch mkdir true readlink grep".split(" ")) {
      Files.createSymbolicLink(root.resolve("bin").resolve(applet), Path.of("busybox"));
    }
    Files.writeString(root.resolve("etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
    mountsBefore = mounts();
  }

  @AfterEach
  void theHostIsAsBefore() throws IOException {
    assertEquals(mountsBefore, mounts());
  }

  private List<String> mounts() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/mounts")).stream()
        .filter(line -> line.contains(scratch.toString()))
        .toList();
  }

  private TaskBuilder task() {
    return new TaskBuilder("cd".repeat(32), scratch.toString(), root.toString());
  }

  private Outcome run(TaskBuilder task) {
    TaskSpec spec = task.build();
    return sandbox.run(spec, driver.create(spec));
  }

  private Sandbox.Container start(TaskBuilder task) {
    TaskSpec spec = task.build();
    return sandbox.start(spec, driver.create(spec));
  }

  private Outcome exec(Sandbox.Container container, TaskBuilder task) {
    ProcessSpec process = task.process();
    return container.exec(process, driver.exec(task.build(), process));
  }

  private static String host(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes()).strip();
    assertEquals(0, process.onExit().join().exitValue(), said);
    return said;
  }

  /** The runtime's own binary, reached from a container as /proc/self/exe, was overwritten. */
  @Test
  void cve_2019_5736() throws IOException {
    try (Sandbox.Container container = start(task().args("sleep", "1000"))) {
      for (long helper : List.of(sandbox.zygotePid(), container.monitorPid())) {
        Path exe = Path.of("/proc/" + helper + "/exe");
        String link = Files.readSymbolicLink(exe).toString();
        assertTrue(link.startsWith("/memfd:gantry-helper"), link);
        assertThrows(
            IOException.class, () -> Files.newByteChannel(exe, StandardOpenOption.WRITE).close());
        String seals = "import fcntl,os,sys;print(fcntl.fcntl(os.open(sys.argv[1],0),1034))";
        assertEquals("15", host("python3", "-c", seals, exe.toString()));
      }
    }
    // The classic: a command that has the runtime execute itself inside.
    Path evil = Files.writeString(root.resolve("bin/evil"), "#!/proc/self/exe\n");
    assertTrue(evil.toFile().setExecutable(true, false));
    assertTrue(run(task().args("evil")).status() != 0);
  }

  /** A descriptor of the runtime's that was left open led to the host. */
  @Test
  void cve_2024_21626_descriptors() {
    Outcome outcome =
        run(task().shell("cd /proc/self/fd; for f in *; do readlink $f; done; cd /proc/1/fd; ls"));
    for (String line : outcome.out().lines().toList()) {
      assertTrue(
          line.matches("\\d|pipe:\\[\\d+]|/dev/null|/proc/\\d+/fd|/proc/self/fd|\\d+"), line);
      assertFalse(line.matches("7|9"), line);
    }
  }

  /** A working directory below such a descriptor was outside. */
  @Test
  void cve_2024_21626_workingDirectory() throws IOException {
    Files.writeString(root.resolve("inside"), "");
    for (int number = 0; number < 20; number++) {
      String where = "/proc/self/fd/" + number;
      Outcome outcome = run(task().cwd(where).shell("ls -d $(pwd -P)/../../../../inside; ls -a"));
      assertTrue(
          !outcome.error().isEmpty() || outcome.out().contains("inside"),
          () -> where + ": " + outcome);
    }
  }

  /**
   * A process of the container read descriptors of one that was just joining it. With
   * CAP_SYS_PTRACE, as in other engines, it may look; then there is only a socket to see.
   */
  @ParameterizedTest
  @ValueSource(strings = {"CAP_KILL", "CAP_SYS_PTRACE"})
  void cve_2016_9962(String capability) {
    String watch =
        "while true; do for p in /proc/[0-9]*; do [ $p = /proc/1 ] || ls -l $p/fd $p/cwd 2>/dev/null;"
            + " done | grep -e '->' | grep -vE 'pipe:|/proc|/dev/null|-> /$|/tmp/seen' >>/tmp/seen;"
            + " done";
    try (Sandbox.Container container =
        start(task().capabilities("CAP_DAC_READ_SEARCH", capability).shell(watch))) {
      for (int round = 0; round < 25; round++) {
        assertEquals(0, exec(container, task().args("true")).status());
      }
      String seen = exec(container, task().args("cat", "/tmp/seen")).out();
      if (capability.equals("CAP_SYS_PTRACE")) {
        // Where its end is reported, and the container's own tables of users.
        assertTrue(
            seen.lines()
                .allMatch(line -> line.matches(".* 3 -> socket:.*|.* -> /etc/(passwd|group)")),
            seen);
      } else {
        assertEquals("", seen);
      }
    }
  }

  /** /proc or /sys of the image were links, so that masks and labels went elsewhere. */
  @ParameterizedTest
  @ValueSource(strings = {"proc", "sys"})
  void cve_2019_19921_and_2023_28642(String name) throws IOException {
    Path outside = Files.createDirectory(scratch.resolve("outside"));
    Files.createSymbolicLink(root.resolve(name), outside);
    Outcome outcome = run(task().args("true"));
    assertTrue(outcome.error().contains("/" + name), outcome.toString());
    try (Stream<Path> files = Files.list(outside)) {
      assertEquals(0, files.count());
    }
  }

  /** A volume over /proc had writes to /proc/self/attr go to a file of the attacker's. */
  @ParameterizedTest
  @ValueSource(strings = {"/proc/self/attr", "/proc/sys", "/proc/1", "/proc"})
  void cve_2019_16884_and_2025_52881(String target) throws IOException {
    Path fake = Files.createDirectory(scratch.resolve("fake"));
    TaskBuilder task = task().mount("bind", fake.toString(), target).args("true");
    String refusal;
    try {
      refusal = run(task).error();
    } catch (GantryException e) {
      refusal = e.getMessage();
    }
    assertTrue(refusal.contains("/proc"), refusal);
  }

  /** A destination of a mount was swapped for a link by another container on the same volume. */
  @Test
  void cve_2021_30465() throws IOException {
    Path shared = Files.createDirectory(scratch.resolve("shared"));
    Path source = Files.createDirectory(scratch.resolve("source"));
    Path target = Files.createDirectory(scratch.resolve("target"));
    String swap =
        "cd /vol; ln -s / link; while true; do mkdir -p a; mv a b 2>/dev/null; mv link a; mv a link;"
            + " mv b a; done 2>/dev/null";
    try (Sandbox.Container racer =
        start(
            task()
                .mount("bind", shared.toString(), "/vol")
                .shell(
                    "PATH=/bin; ln() { busybox ln \"$@\"; }; mv() { busybox mv \"$@\"; }; "
                        + swap))) {
      for (int round = 0; round < 40; round++) {
        run(
            task()
                .mount("bind", shared.toString(), "/vol")
                .mount("bind", source.toString(), "/vol/a/" + target)
                .args("true"));
        assertEquals(mountsBefore, mounts());
      }
      assertTrue(racer.initPid() > 0);
    }
    try (Stream<Path> files = Files.list(target)) {
      assertEquals(0, files.count());
    }
  }

  /** The null device that hides files was taken from the image. */
  @Test
  void cve_2025_31133() throws IOException {
    Files.createDirectory(root.resolve("dev"));
    Files.createSymbolicLink(root.resolve("dev/null"), Path.of("/proc/sys/kernel/core_pattern"));
    String look =
        "for f in /dev/null /proc/kcore /proc/keys /proc/timer_list; do [ ! -e $f ] ||"
            + " busybox stat -c '%F %t:%T' $f; done";
    List<String> seen = run(task().shell(look)).out().lines().toList();
    assertTrue(seen.size() > 1, seen.toString());
    seen.forEach(line -> assertEquals("character special file 1:3", line));
  }

  /** The console was bound over a link in place of /dev/pts/0. */
  @Test
  void cve_2025_52565() throws IOException {
    Files.createDirectories(root.resolve("dev/pts"));
    Path victim = Files.writeString(scratch.resolve("victim"), "as before");
    Files.createSymbolicLink(root.resolve("dev/pts/0"), victim);
    Files.createSymbolicLink(root.resolve("dev/console"), victim);
    Outcome outcome =
        run(
            task()
                .terminal()
                .shell("busybox tty; busybox stat -c %F /dev/console; echo x >/dev/console"));
    assertTrue(
        outcome.out().startsWith("/dev/pts/0\r\ncharacter special file\r\n"), outcome.toString());
    assertEquals("as before", Files.readString(victim));
  }

  /** /dev of the image was a link, and the runtime worked where it led to. */
  @Test
  void cve_2026_41579_and_2026_47766() throws IOException {
    Path outside = Files.createDirectory(scratch.resolve("outside"));
    Files.writeString(outside.resolve("ptmx"), "as before");
    Files.createSymbolicLink(root.resolve("dev"), outside);
    Outcome outcome = run(task().terminal().args("true"));
    assertTrue(outcome.error().contains("/dev"), outcome.toString());
    try (Stream<Path> files = Files.list(outside)) {
      assertEquals(List.of(outside.resolve("ptmx")), files.toList());
    }
    assertEquals("as before", Files.readString(outside.resolve("ptmx")));
  }

  /** A bind that is read-only is so all the way down, unless that is not asked for. */
  @Test
  void readOnlyBindsAreRecursive() throws IOException {
    Path volume = Files.createDirectory(scratch.resolve("volume"));
    Path below = Files.createDirectory(volume.resolve("below"));
    host("mount", "-t", "tmpfs", "tmpfs", below.toString());
    try {
      for (String word : List.of("rro", "ro")) {
        Outcome outcome =
            run(
                task()
                    .mount("rbind", volume.toString(), "/v", word, "rprivate")
                    .shell("touch /v/x; touch /v/below/x"));
        int refused = outcome.err().split("Read-only file system", -1).length - 1;
        assertEquals(word.equals("rro") ? 2 : 1, refused, outcome.err());
      }
      assertTrue(Files.exists(below.resolve("x")));
      assertFalse(Files.exists(volume.resolve("x")));
    } finally {
      host("umount", below.toString());
    }
  }

  /** Without pivot_root the host's tree stays reachable. */
  @Test
  void noPivot() {
    Outcome outcome =
        run(
            task()
                .capabilities("CAP_SYS_CHROOT")
                .shell(
                    "mkdir /tmp/d; cat /proc/self/mountinfo | busybox awk '$5 == \"/\"' | busybox wc -l;"
                        + " busybox chroot /proc/1/root/../../.. /bin/ls -d /etc/shadow; ls -d"
                        + " /../../../etc/shadow /proc/1/root/../../etc/shadow; cd /; cd ../..; ls"));
    assertTrue(outcome.out().startsWith("1\n"), outcome.toString());
    assertFalse(outcome.out().contains("shadow"), outcome.toString());
    assertEquals(3, outcome.err().split("No such file", -1).length - 1, outcome.toString());
  }

  /** A release agent of cgroup version 1 is a command that the host runs. */
  @Test
  void cve_2022_0492() throws IOException {
    Path memory = Path.of("/sys/fs/cgroup/memory");
    assumeTrue(Files.exists(memory.resolve("cgroup.procs")), "needs cgroup version 1");
    String escape =
        "echo x >/sys/fs/cgroup/memory/release_agent; mkdir /tmp/c; busybox mount -t cgroup -o memory"
            + " cgroup /tmp/c; busybox unshare -UrmC busybox mount -t cgroup -o memory cgroup /tmp/c;"
            + " ls /tmp/c";
    Outcome outcome =
        run(
            task()
                .namespace(Namespace.Kind.CGROUP, null)
                .mount("cgroup", "cgroup", "/sys/fs/cgroup", "ro", "nosuid", "noexec", "nodev")
                .shell(escape));
    assertEquals("", outcome.out(), outcome.toString());
    assertTrue(outcome.err().lines().count() >= 3, outcome.toString());
  }

  /** What Docker hides or makes read-only, and what it hid since. */
  @Test
  void sensitiveFilesOfTheKernel() {
    String look =
        "for f in /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats"
            + " /proc/sched_debug; do [ ! -e $f ] || busybox head -c 8 $f; done;"
            + " for d in /proc/acpi /proc/asound /proc/scsi /sys/firmware"
            + " /sys/devices/virtual/powercap; do [ ! -e $d ] || ls -A $d; done;"
            + " for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/irq/0/x; do"
            + " (echo h >$f) 2>/dev/null && echo $f; done";
    assertEquals("", run(task().shell(look)).out());
  }

  /** Keys pushed into the terminal of whoever looks on: each container has a session of its own. */
  @Test
  void cve_2016_10124() {
    Outcome outcome =
        run(task().terminal().shell("busybox cut -d ' ' -f 6 /proc/self/stat; busybox tty"));
    assertEquals("1\r\n/dev/pts/0\r\n", outcome.out(), outcome.toString());
  }

  /** Processes of exec had inheritable capabilities; a user that is digits is a number. */
  @Test
  void cve_2022_27650_and_2026_30892() {
    try (Sandbox.Container container = start(task().args("sleep", "1000"))) {
      String[] look = {"grep", "-E", "^(Uid|Groups|Cap(Inh|Eff|Amb)):", "/proc/self/status"};
      Outcome outcome = exec(container, task().user("7:8").args(look));
      assertEquals(
          "Uid:\t7\t7\t7\t7 Groups:\t8 CapInh:\t0000000000000000 CapEff:\t0000000000000000"
              + " CapAmb:\t0000000000000000",
          outcome.out().strip().replaceAll("\\s*\n", " "));
      for (String user : List.of("18446744073709551616", "4294967296", "-1", "7:-1", "0x0")) {
        Outcome refused = exec(container, task().user(user).args("true"));
        assertTrue(!refused.error().isEmpty(), user + ": " + refused);
      }
    }
  }

  /** The engine may run at real-time priority; containers do not inherit it. */
  @Test
  void schedulingIsNotInherited() {
    Outcome outcome = run(task().shell("busybox cut -d ' ' -f 40,41 /proc/self/stat"));
    assertEquals("0 0\n", outcome.out(), outcome.toString());
  }

  /** Whoever reaches the zygote's socket is root. */
  @Test
  void theZygoteIsForRootOnly() throws IOException {
    Path socket = sandbox.root().resolve("spawn.sock");
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
    assertEquals(
        "rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(sandbox.root())));
  }
}

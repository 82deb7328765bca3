package io.gantry.exec.namespaces;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.gantry.spi.Mount;
import io.gantry.spi.exec.ExecDriver;
import io.gantry.spi.exec.Launch;
import io.gantry.spi.exec.TaskSpec;
import io.gantry.spi.exec.TaskSpec.Namespace;
import io.gantry.spi.testkit.ExecDriverContract;
import io.gantry.spi.testkit.TaskBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.ThrowingConsumer;
import org.junit.jupiter.api.io.TempDir;

class NamespacesDriverTest extends ExecDriverContract {

  private final NamespacesDriver driver = new NamespacesDriver();
  private @Nullable Sandbox sandbox;

  @Override
  protected ExecDriver driver() {
    return driver;
  }

  @Override
  protected Outcome run(TaskSpec spec, Launch launch) {
    return sandbox().run(spec, launch);
  }

  @Override
  protected Running start(TaskSpec spec, Launch launch) {
    return sandbox().start(spec, launch);
  }

  private Outcome outcome(TaskBuilder task) {
    TaskSpec spec = task.build();
    return run(spec, driver.create(spec));
  }

  /** Makes a cgroup for the time of an action, which must have emptied it. */
  private static void inCgroup(Path parent, ThrowingConsumer<Path> action) throws Throwable {
    Path cgroup = Files.createDirectory(parent.resolve("gyx-" + ProcessHandle.current().pid()));
    try {
      action.accept(cgroup);
    } finally {
      Files.delete(cgroup);
    }
  }

  @Test
  @Tag("root")
  void onVersion1AContainerSeesItsOwnCgroupReadOnly() throws Throwable {
    Path memory = Path.of("/sys/fs/cgroup/memory");
    assumeTrue(Files.exists(memory.resolve("cgroup.procs")), "needs cgroup version 1");
    inCgroup(
        memory,
        cgroup -> {
          Files.writeString(cgroup.resolve("memory.limit_in_bytes"), "67108864");
          String join = cgroup.resolve("cgroup.procs").toString();
          TaskBuilder task =
              task()
                  .cgroup(new TaskSpec.Cgroup(List.of(join), 1, "", List.of()))
                  .namespace(Namespace.Kind.CGROUP, null)
                  .mount("cgroup", "cgroup", "/sys/fs/cgroup", "ro", "nosuid", "noexec", "nodev")
                  .shell(
                      "cd /sys/fs/cgroup; echo *; cat memory/memory.limit_in_bytes;"
                          + " busybox grep memory /proc/self/cgroup | busybox cut -d : -f 3;"
                          + " echo 1 >memory/memory.limit_in_bytes; busybox mkdir x");
          Outcome outcome = outcome(task);
          assertEquals("memory\n67108864\n/\n", outcome.out(), outcome.toString());
          assertEquals(2, outcome.err().split("Read-only file system", -1).length - 1);
        });
  }

  @Test
  @Tag("root")
  void onVersion2DeviceRulesHold() throws Throwable {
    Path hybrid = Path.of("/sys/fs/cgroup/unified");
    Path unified = Files.exists(hybrid) ? hybrid : Path.of("/sys/fs/cgroup");
    assumeTrue(Files.exists(unified.resolve("cgroup.controllers")), "needs cgroup version 2");
    inCgroup(
        unified,
        cgroup -> {
          var made =
              new TaskSpec.Cgroup(
                  List.of(cgroup.resolve("cgroup.procs").toString()),
                  2,
                  cgroup.toString(),
                  List.of("c 1:3 rwm", "c 1:5 r", "c *:* m"));
          Outcome outcome =
              outcome(
                  task()
                      .cgroup(made)
                      .shell(
                          "echo x >/dev/null && busybox head -c 1 /dev/zero | busybox wc -c;"
                              + " (: >/dev/zero); (: </dev/full); mknod /node c 1 3 && : </node &&"
                              + " echo end"));
          assertEquals("1\nend\n", outcome.out(), outcome.toString());
          assertEquals(2, outcome.err().split("Operation not permitted", -1).length - 1);
        });
  }

  @Test
  @Tag("root")
  void anOverlayRootIsWrittenToItsUpperDirectory(@TempDir Path dir) throws IOException {
    Path upper = Files.createDirectory(dir.resolve("upper"));
    Path work = Files.createDirectory(dir.resolve("work"));
    Path top = Files.createDirectory(dir.resolve("top"));
    Files.writeString(top.resolve("file"), "of the top layer\n");
    String bottom = task().build().rootfs().get(0).source();
    Mount root =
        new Mount(
            "overlay",
            "overlay",
            "/",
            List.of("lowerdir=" + top + ":" + bottom, "upperdir=" + upper, "workdir=" + work));
    Outcome outcome = outcome(task().rootfs(root).shell("cat /file; echo new >/file"));
    assertEquals(new Outcome(0, "of the top layer\n", "", ""), outcome);
    assertEquals("new\n", Files.readString(upper.resolve("file")));
    assertTrue(Files.exists(upper.resolve(".dockerenv")));
    host(
        "rm", "-rf", work.toString()); // the kernel leaves a directory that not even root may enter
  }

  @Test
  @Tag("root")
  void anOverlayRootThatFailsBeforeTheProgramIsThereFailsTheStart(@TempDir Path dir)
      throws IOException {
    Path upper = Files.createDirectory(dir.resolve("upper"));
    String bottom = task().build().rootfs().get(0).source();
    List<String> options =
        List.of("lowerdir=" + bottom, "upperdir=" + upper, "workdir=" + dir.resolve("none"));
    var spec = task().rootfs(new Mount("overlay", "overlay", "/", options)).shell("true").build();
    assertEquals(
        Kernel.running().isSince(6, 7), driver().create(spec).early().length() > 0, "early");
    Outcome outcome = outcome(task().rootfs(spec.rootfs().get(0)).shell("true"));
    assertEquals(-1, outcome.status(), outcome.toString());
    assertTrue(outcome.error().contains("no such file"), outcome.toString());
  }

  @Test
  @Tag("root")
  void mountsPropagateAsAskedFor(@TempDir Path dir) throws Exception {
    Path shared = Files.createDirectory(dir.resolve("shared"));
    host("mount", "-t", "tmpfs", "tmpfs", shared.toString());
    try {
      host("mount", "--make-shared", shared.toString());
      Files.createDirectory(shared.resolve("a"));
      String mount = "busybox mount -t tmpfs tmpfs /v/a && echo done";
      for (String kind : List.of("rprivate", "rslave", "rshared")) {
        Outcome outcome =
            outcome(
                task()
                    .mount("rbind", shared.toString(), "/v", kind)
                    .capabilities("CAP_SYS_ADMIN")
                    .seccomp("unconfined")
                    .shell(mount));
        assertEquals("done\n", outcome.out(), outcome.toString());
        assertEquals(kind.equals("rshared"), isMounted(shared.resolve("a")), kind);
      }
    } finally {
      host("umount", "-R", shared.toString());
    }
  }

  private static boolean isMounted(Path path) throws IOException {
    return Files.readAllLines(Path.of("/proc/self/mounts")).stream()
        .anyMatch(line -> line.contains(" " + path + " "));
  }

  private static void host(String... command) throws IOException {
    Process process = new ProcessBuilder(command).inheritIO().start();
    assertEquals(0, process.onExit().join().exitValue(), String.join(" ", command));
  }

  private Sandbox sandbox() {
    if (sandbox == null) {
      sandbox = new Sandbox();
    }
    return sandbox;
  }

  @AfterEach
  void endTheSandbox() {
    if (sandbox != null) {
      sandbox.close();
    }
  }
}

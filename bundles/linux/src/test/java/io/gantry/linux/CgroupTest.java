package io.gantry.linux;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** On whatever hierarchies the host has. */
@Tag("root")
class CgroupTest {

  private final CgroupTree tree = CgroupTree.detect();
  private final String parent = "gantry-test-" + ProcessHandle.current().pid();

  @AfterEach
  void leaveNothing() {
    for (String id : tree.list(parent)) {
      Cgroup group = tree.group(parent, id);
      group.kill();
      group.remove();
    }
    tree.removeParent(parent);
    assertFalse(tree.group(parent, "x").directory().getParent().toFile().exists());
  }

  @Test
  void aGroupIsInEveryHierarchyUntilRemoved() {
    Cgroup group = tree.create(parent, "one");
    tree.create(parent, "one");
    assertTrue(group.exists());
    assertEquals(Set.of("one"), tree.list(parent));
    for (String join : group.joins()) {
      assertTrue(Files.exists(Path.of(join)), join);
    }
    assertTrue(Files.exists(group.oomFile().orElseThrow()));
    assertTrue(Files.exists(group.cpuFile().orElseThrow()));
    group.remove();
    group.remove();
    assertFalse(group.exists());
    assertEquals(Set.of(), tree.list(parent));
  }

  @Test
  void processesAreSeenFrozenAndKilled() throws Exception {
    Cgroup group = tree.create(parent, "two");
    Process sleep = joined(group, "sleep 1000 & sleep 1000");
    assertTrue(group.pids().contains(sleep.pid()));
    assertEquals(Kind.CONFLICT, kind(group::remove));
    group.freeze();
    assertTrue(group.frozen());
    group.thaw();
    assertFalse(group.frozen());
    group.freeze();
    group.kill();
    assertEquals(Set.of(), group.pids());
    assertTrue(sleep.waitFor(60, TimeUnit.SECONDS));
    group.kill();
    group.remove();
    group.kill();
  }

  @Test
  void whatWasMadeIsTakenBackUnderAnInterrupt() throws Exception {
    Cgroup group = tree.create(parent, "interrupted");
    Process sleep = joined(group, "sleep 1000");
    Thread.currentThread().interrupt();
    group.kill();
    group.remove();
    assertTrue(Thread.interrupted());
    assertFalse(group.exists());
    assertTrue(sleep.waitFor(60, TimeUnit.SECONDS));
  }

  @Test
  void aCpusetTakesProcessesWhoeverMadeItsParent() throws IOException {
    Path cpuset = tree.controllerRoots().get("cpuset");
    if (cpuset == null) { // on version 2 a new group takes processes
      assertEquals(2, tree.version());
      return;
    }
    Files.createDirectory(cpuset.resolve(parent));
    for (String id : List.of("first", "second")) {
      Path made = cpuset.resolve(parent).resolve(id);
      tree.create(parent, id);
      assertEquals(
          Cgroup.read(cpuset.resolve("cpuset.cpus")), Cgroup.read(made.resolve("cpuset.cpus")));
      assertEquals(
          Cgroup.read(cpuset.resolve("cpuset.mems")), Cgroup.read(made.resolve("cpuset.mems")));
    }
    assertEquals("1", Cgroup.read(cpuset.resolve(parent).resolve("cgroup.clone_children")));
  }

  @Test
  void groupsBelowGoToo() throws IOException {
    Cgroup group = tree.create(parent, "nest");
    for (Path directory : group.directories()) {
      Files.createDirectories(directory.resolve("a/b"));
    }
    group.remove();
    assertFalse(group.exists());
  }

  @Test
  void limitsAreWritten() {
    Cgroup group = tree.create(parent, "limits");
    long mib = 1 << 20;
    CgroupLimits limits =
        new CgroupLimits(
            64 * mib, 128 * mib, 32 * mib, 512, 50000, 100000, "0", "0", 100, 0, false);
    group.limit(limits);
    boolean v2 = tree.version() == 2;
    assertEquals("" + 64 * mib, read(group, "memory", v2 ? "memory.max" : "memory.limit_in_bytes"));
    assertEquals("100", read(group, "pids", "pids.max"));
    assertEquals("0", read(group, "cpuset", "cpuset.cpus"));
    if (v2) {
      assertEquals("" + 64 * mib, read(group, "memory", "memory.swap.max"));
      assertEquals("50000 100000", read(group, "cpu", "cpu.max"));
      assertEquals("20", read(group, "cpu", "cpu.weight"));
    } else {
      assertEquals("" + 128 * mib, read(group, "memory", "memory.memsw.limit_in_bytes"));
      assertEquals("50000", read(group, "cpu", "cpu.cfs_quota_us"));
      assertEquals("512", read(group, "cpu", "cpu.shares"));
    }
    // Up and down again, past the limit of memory and swap together.
    group.limit(new CgroupLimits(256 * mib, 512 * mib, 0, 0, -1, 0, "", "", -1, 0, false));
    group.limit(new CgroupLimits(16 * mib, 16 * mib, 0, 0, 0, 0, "", "", 0, 0, false));
    assertEquals("" + 16 * mib, read(group, "memory", v2 ? "memory.max" : "memory.limit_in_bytes"));
    assertEquals("max", read(group, "pids", "pids.max"));
    group.limit(CgroupLimits.NONE);
  }

  @Test
  void aValueTheKernelRefusesIsInvalid() {
    Cgroup group = tree.create(parent, "refused");
    CgroupLimits none = CgroupLimits.NONE;
    assertEquals(
        Kind.INVALID,
        kind(() -> group.limit(new CgroupLimits(0, 0, 0, 0, 0, 0, "none-such", "", 0, 0, false))));
    assertDoesNotThrow(() -> group.limit(none));
  }

  @Test
  void onlyAllowedDevicesOpen() throws Exception {
    if (tree.version() == 2) {
      Cgroup group = tree.create(parent, "devices");
      assertEquals(Kind.UNSUPPORTED, kind(() -> group.allowDevices(List.of())));
      return;
    }
    Cgroup group = tree.create(parent, "devices");
    group.allowDevices(List.of("c 1:3 rwm"));
    assertEquals(0, joined(group, "exec 2>/dev/null; : </dev/null").waitFor());
    assertEquals(2, joined(group, "exec 2>/dev/null; : </dev/zero").waitFor());
    group.allowDevices(List.of("a *:* rwm"));
    assertEquals(0, joined(group, ": </dev/zero").waitFor());
  }

  @Test
  void namesCannotLeadElsewhere() {
    for (String name : new String[] {"", "..", ".", "a/b", "../x", "a\nb", ".hidden"}) {
      assertEquals(Kind.INVALID, kind(() -> tree.create(parent, name)));
    }
    for (String name : new String[] {"..", ".", "/a", "a/", "a//b", "a/../b", "a\nb", ".hidden"}) {
      assertEquals(Kind.INVALID, kind(() -> tree.create(name, "id")));
    }
  }

  @Test
  void aParentMayBeDeep() {
    String deep = parent + "/deep/deeper";
    Cgroup group = tree.create(deep, "id");
    try {
      group.limit(new CgroupLimits(64 << 20, 0, 0, 0, 0, 0, "", "", 20, 0, false));
      assertEquals("20", read(group, "pids", "pids.max"));
      assertTrue(group.directory().endsWith("deep/deeper/id"));
    } finally {
      group.remove();
      tree.removeEmpty(parent + "/deep", "deeper");
      tree.removeEmpty(parent, "deep");
    }
  }

  @Test
  void aProcessIsTakenOutOfSomebodysGroupsButNotFromTheRoot() throws IOException {
    Cgroup theirs = tree.create(parent, "theirs");
    Process process = joined(theirs, "exec sleep 1000");
    try {
      tree.takeOver(process.pid(), parent, "ours");
      assertTrue(theirs.pids().isEmpty());
      assertTrue(tree.group(parent, "ours").pids().contains(process.pid()));
      tree.takeOver(process.pid(), parent, "ours");
      assertTrue(tree.group(parent, "ours").pids().contains(process.pid()));
    } finally {
      tree.group(parent, "ours").kill();
      theirs.kill();
      theirs.remove();
      tree.group(parent, "ours").remove();
    }
  }

  @Test
  void whatAHostOffersIsSeenInAGroup() {
    assertTrue(tree.offers(parent, CgroupControl.MEMORY));
    assertTrue(tree.offers(parent, CgroupControl.PIDS));
    assertEquals(tree.version() == 1, tree.offers(parent, CgroupControl.SWAPPINESS));
  }

  /** Runs a script that has joined the group when this returns. */
  private static Process joined(Cgroup group, String script) throws IOException {
    StringBuilder text = new StringBuilder();
    for (String join : group.joins()) {
      text.append("echo $$ > ").append(join).append("\n");
    }
    text.append("echo joined\n").append(script);
    Process process = new ProcessBuilder("sh", "-c", text.toString()).start();
    assertEquals("joined", process.inputReader().readLine());
    return process;
  }

  private static String read(Cgroup group, String controller, String file) {
    return Cgroup.read(group.directoryOf(controller).orElseThrow().resolve(file));
  }

  private static Kind kind(Runnable call) {
    return assertThrows(GantryException.class, call::run).kind();
  }
}

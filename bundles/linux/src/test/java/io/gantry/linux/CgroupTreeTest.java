package io.gantry.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.CgroupTree.Layout;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CgroupTreeTest {

  private static final String UNIFIED = "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
  private static final String LEFT_OVER =
      "41 31 0:38 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw,nsdelegate";
  private static final String CPU =
      "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 master:3 - cgroup cgroup rw,cpu,cpuacct";
  private static final String SYSTEMD =
      "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd";

  @Test
  void theLayoutIsTold() {
    assertEquals(Layout.V2, tree(UNIFIED).layout());
    assertEquals(Layout.V1, tree(CPU, SYSTEMD).layout());
    assertEquals(Layout.HYBRID, tree(CPU, SYSTEMD, LEFT_OVER).layout());
    assertThrows(GantryException.class, CgroupTreeTest::tree);
  }

  @Test
  void comountedControllersAreJoinedOnce() {
    Cgroup group = tree(CPU, SYSTEMD, LEFT_OVER).group("gantry-0", "id");
    assertEquals(
        List.of(
            "/sys/fs/cgroup/cpu,cpuacct/gantry-0/id/cgroup.procs",
            "/sys/fs/cgroup/systemd/gantry-0/id/cgroup.procs",
            "/sys/fs/cgroup/unified/gantry-0/id/cgroup.procs"),
        group.joins());
    assertEquals(Path.of("/sys/fs/cgroup/unified/gantry-0/id"), group.directory());
    assertEquals(1, group.version());
    assertEquals(
        Optional.of(Path.of("/sys/fs/cgroup/cpu,cpuacct/gantry-0/id/cpuacct.usage")),
        group.cpuFile());
  }

  @Test
  void withoutAUnifiedOneTheDirectoryIsSystemds() {
    assertEquals(
        Path.of("/sys/fs/cgroup/systemd/gantry-0/id"),
        tree(CPU, SYSTEMD).group("gantry-0", "id").directory());
  }

  @Test
  void limitsAreConvertedAsRuncDoes() {
    assertEquals(1, CgroupLimiter.weightOfShares(2));
    assertEquals(39, CgroupLimiter.weightOfShares(1024));
    assertEquals(10000, CgroupLimiter.weightOfShares(262144));
    assertEquals(1, CgroupLimiter.weightOfBlkio(10));
    assertEquals(10000, CgroupLimiter.weightOfBlkio(1000));
    assertEquals(50, CgroupLimiter.swap(memory(100, 150)));
    assertEquals(0, CgroupLimiter.swap(memory(100, 100)));
    assertEquals(-1, CgroupLimiter.swap(memory(100, -1)));
    assertThrows(GantryException.class, () -> CgroupLimiter.swap(memory(100, 50)));
    assertThrows(GantryException.class, () -> CgroupLimiter.swap(memory(0, 50)));
  }

  /** Files of the kernel's names on a plain directory: what is written where. */
  @Test
  void aUnifiedGroupGetsItsControllersAndLimits(@TempDir Path root) throws IOException {
    Files.writeString(root.resolve("cgroup.controllers"), "cpu cpuset io memory pids\n");
    Files.writeString(root.resolve("cgroup.subtree_control"), "cpu cpuset memory pids\n");
    Path parent = Files.createDirectory(root.resolve("gantry-0"));
    Files.writeString(parent.resolve("cgroup.controllers"), "memory\n");
    Files.writeString(parent.resolve("cgroup.subtree_control"), "\n");
    CgroupTree tree = tree("41 31 0:38 / " + root + " rw - cgroup2 cgroup2 rw");
    Cgroup group = tree.create("gantry-0", "id");
    assertTrue(Files.readString(root.resolve("cgroup.subtree_control")).startsWith("+io"));
    assertTrue(Files.readString(parent.resolve("cgroup.subtree_control")).startsWith("+memory"));
    assertEquals(2, group.version());
    assertEquals(List.of(parent + "/id/cgroup.procs"), group.joins());
    assertEquals(Optional.of(parent.resolve("id/memory.events")), group.oomFile());
    assertEquals(Optional.of(parent.resolve("id/cpu.stat")), group.cpuFile());

    CgroupLimits limits = new CgroupLimits(100, 150, 50, 1024, 5000, 0, "0-1", "0", -1, 10, false);
    assertEquals(
        Kind.UNSUPPORTED, assertThrows(GantryException.class, () -> group.limit(limits)).kind());
    Map<String, String> expected =
        Map.of(
            "memory.max", "100",
            "memory.swap.max", "50",
            "memory.low", "50",
            "cpu.weight", "39",
            "cpu.max", "5000 100000",
            "cpuset.cpus", "0-1",
            "cpuset.mems", "0",
            "pids.max", "max",
            "io.weight", "1");
    for (String file : expected.keySet()) {
      Files.createFile(group.directory().resolve(file));
    }
    group.limit(limits);
    for (String file : expected.keySet()) {
      assertEquals(expected.get(file), Files.readString(group.directory().resolve(file)), file);
    }
  }

  @Test
  void mountTargetsAreUnescaped() {
    MountInfo mount =
        MountInfo.parse("1 2 0:3 /a\\040b /c\\134d\\012 ro,nosuid - tmpfs x\\011y rw");
    assertEquals("/a b", mount.root());
    assertEquals("/c\\d\n", mount.target());
    assertEquals("x\ty", mount.source());
    assertEquals(List.of("ro", "nosuid"), mount.options());
  }

  private static CgroupLimits memory(long memory, long together) {
    return new CgroupLimits(memory, together, 0, 0, 0, 0, "", "", 0, 0, false);
  }

  private static CgroupTree tree(String... mounts) {
    return CgroupTree.of(Stream.of(mounts).map(MountInfo::parse).toList());
  }
}

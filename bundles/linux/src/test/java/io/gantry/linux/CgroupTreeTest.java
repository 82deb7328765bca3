package io.gantry.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.linux.CgroupTree.Layout;
import io.gantry.spi.GantryException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

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

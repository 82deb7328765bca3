package io.gantry.exec.namespaces;

import static io.gantry.monitor.program.KernelFlags.MOUNT_ATTR_ATIME;
import static io.gantry.monitor.program.KernelFlags.MOUNT_ATTR_NOATIME;
import static io.gantry.monitor.program.KernelFlags.MOUNT_ATTR_NOSUID;
import static io.gantry.monitor.program.KernelFlags.MOUNT_ATTR_RDONLY;
import static io.gantry.monitor.program.KernelFlags.MS_PRIVATE;
import static io.gantry.monitor.program.KernelFlags.MS_SLAVE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.Mount;
import io.gantry.spi.exec.TaskSpec.Namespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlanTest {

  @Test
  void mountOptionsAreTakenApart() {
    assertEquals(
        new MountOptions(
            MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME,
            MOUNT_ATTR_ATIME | MOUNT_ATTR_NOSUID,
            MS_SLAVE,
            true,
            false,
            false,
            List.of("size=1m", "mode=700")),
        MountOptions.parse(
            List.of(
                "rw",
                "ro",
                "nosuid",
                "suid",
                "rbind",
                "rslave",
                "size=1m",
                "noatime",
                "mode=700",
                "defaults")));
    assertEquals(
        new MountOptions(0, 0, MS_PRIVATE, false, false, false, List.of()),
        MountOptions.parse(List.of()));
  }

  @Test
  void anOverlayRootIsReadFromItsMountOptions() {
    var planned = new OpProgram();
    Overlay.mount(
        new Mount(
            "overlay",
            "overlay",
            "/",
            List.of(
                "lowerdir=/b\\:1:/a", "upperdir=/u", "workdir=/w", "volatile", "userxattr", "rw")),
        planned);
    var expected = new OpProgram();
    expected.rootOverlay("/u", "/w", true, List.of("userxattr"), List.of("/b:1", "/a"));
    assertEquals(expected.build(), planned.build());
  }

  /**
   * Else it is mounted on the directory of the layers first, which is seen until that is private.
   */
  @Test
  void onlyAnOverlayThatNobodySeesIsMountedEarly(@TempDir Path root) {
    var fit = List.of("lowerdir=/b:/a", "upperdir=/u", "workdir=/w", "userxattr");
    var tooLong = List.of("lowerdir=/b:/" + "a".repeat(255));
    for (String release : List.of("6.7.0", "6.18.44-x", "7.0")) {
      assertTrue(isEarly(fit, new Kernel(root, release)), release);
      assertFalse(isEarly(tooLong, new Kernel(root, release)), release);
    }
    for (String release : List.of("5.15.0-1", "6.1.0", "6.6.99", "")) {
      assertFalse(isEarly(fit, new Kernel(root, release)), release);
    }
  }

  private static boolean isEarly(List<String> options, Kernel kernel) {
    return Overlay.isDetached(new Mount("overlay", "overlay", "/", options), kernel);
  }

  @Test
  void aContainerSeesItsOwnDirectoryOfEachHierarchy() {
    List<String> mountinfo =
        List.of(
            "30 25 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro",
            "31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
            "32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct",
            "33 30 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory");
    assertEquals(
        List.of(
            new CgroupMounts.View("/sys/fs/cgroup/cpu,cpuacct/g/c", "cpu,cpuacct"),
            new CgroupMounts.View("/sys/fs/cgroup/cpu,cpuacct/g/c", "cpu"),
            new CgroupMounts.View("/sys/fs/cgroup/cpu,cpuacct/g/c", "cpuacct"),
            new CgroupMounts.View("/sys/fs/cgroup/memory/g/c", "memory")),
        CgroupMounts.views(
            List.of(
                "/sys/fs/cgroup/cpu,cpuacct/g/c/cgroup.procs",
                "/sys/fs/cgroup/unified/g/c/cgroup.procs",
                "/sys/fs/cgroup/memory/g/c/cgroup.procs"),
            mountinfo));
  }

  @Test
  void aSysctlsFirstSeparatorIsItsSeparator() {
    var own = EnumSet.of(Namespace.Kind.NETWORK, Namespace.Kind.IPC);
    assertEquals("net/ipv4/ip_forward", Sysctls.path("net.ipv4.ip_forward", own));
    assertEquals(
        "net/ipv4/conf/eth0.1/rp_filter", Sysctls.path("net/ipv4/conf/eth0.1/rp_filter", own));
    assertEquals(
        "net/ipv4/conf/eth0.1/rp_filter", Sysctls.path("net.ipv4.conf.eth0/1.rp_filter", own));
    assertEquals("fs/mqueue/msg_max", Sysctls.path("fs.mqueue.msg_max", own));
  }

  @Test
  void capabilitiesOfLaterKernelsAreLeftOut() {
    assertEquals(
        1 | 1L << 40, Capabilities.bits(List.of("CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"), 40));
    assertEquals(1, Capabilities.bits(List.of("CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"), 37));
  }

  @Test
  void aKernelThatLacksSomethingIsTold(@TempDir Path root) throws IOException {
    var old = new Kernel(root, "5.11.0-generic").support();
    assertFalse(old.available());
    assertEquals("the kernel is 5.11.0-generic, at least 5.12 is needed", old.reason());
    Path ns = Files.createDirectories(root.resolve("proc/self/ns"));
    for (String name : List.of("mnt", "pid", "uts", "ipc", "net")) {
      Files.createFile(ns.resolve(name));
    }
    var kernel = new Kernel(root, "6.1.0");
    assertEquals("the kernel has no cgroup namespaces", kernel.support().reason());
    Files.createFile(ns.resolve("cgroup"));
    assertTrue(kernel.support().reason().contains("seccomp"), kernel.support().reason());
    Files.createDirectories(root.resolve("proc/sys/kernel/seccomp"));
    Files.createFile(root.resolve("proc/sys/kernel/seccomp/actions_avail"));
    assertTrue(kernel.support().reason().contains("CAP_SYS_ADMIN"), kernel.support().reason());
    Files.writeString(root.resolve("proc/self/status"), "CapEff:\t000001ffffffffff\n");
    assertTrue(kernel.support().available());
  }
}

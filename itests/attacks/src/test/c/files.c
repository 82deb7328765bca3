/* Files of /proc, /sys and /dev that are the host's. */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define ATTEMPT(name) static enum outcome name(char *text, size_t size)

/* Reached when there is anything in it. */
static enum outcome readable(const char *path, char *text, size_t size) {
  struct stat st;
  if (lstat(path, &st) < 0) return said(ABSENT, text, size, "%s", strerror(errno));
  if (S_ISDIR(st.st_mode)) {
    int entries = 0;
    DIR *d = opendir(path);
    if (!d) return said(REFUSED, text, size, "%s", strerror(errno));
    while (readdir(d)) entries++;
    return said(entries > 2 ? REACHED : REFUSED, text, size, "%d entries", entries - 2);
  }
  char data[64];
  int fd = open(path, O_RDONLY | O_NONBLOCK);
  ssize_t n = fd < 0 ? -1 : read(fd, data, sizeof data);
  if (n <= 0) return said(REFUSED, text, size, "%s", n < 0 ? strerror(errno) : "empty");
  return said(REACHED, text, size, "%zd bytes", n);
}

static enum outcome writable(const char *path, char *text, size_t size) {
  struct stat st, null;
  int fd = open(path, O_WRONLY | O_NONBLOCK);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return said(ABSENT, text, size, "%s", strerror(errno));
  if (fd < 0) return said(REFUSED, text, size, "%s", strerror(errno));
  if (fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == null.st_rdev) return said(REFUSED, text, size, "masked");
  return said(REACHED, text, size, "open for writing");
}

#define READ(name, path) ATTEMPT(name) { return readable(path, text, size); }
#define WRITE(name, path) ATTEMPT(name) { return writable(path, text, size); }

READ(kcore, "/proc/kcore")
READ(keys, "/proc/keys")
READ(timer_list, "/proc/timer_list")
READ(interrupts, "/proc/interrupts")
READ(acpi, "/proc/acpi")
READ(scsi, "/proc/scsi")
READ(asound, "/proc/asound")
READ(latency, "/proc/latency_stats")
READ(firmware, "/sys/firmware")
READ(powercap, "/sys/devices/virtual/powercap")
READ(throttle, "/sys/devices/system/cpu/cpu0/thermal_throttle")
READ(debugfs, "/sys/kernel/debug")
READ(host_disk, "/dev/vda")
WRITE(sysrq, "/proc/sysrq-trigger")
WRITE(core_pattern, "/proc/sys/kernel/core_pattern")
WRITE(modprobe, "/proc/sys/kernel/modprobe")
WRITE(panic, "/proc/sys/vm/panic_on_oom")
WRITE(binfmt, "/proc/sys/fs/binfmt_misc/register")
WRITE(irq, "/proc/irq/default_smp_affinity")
WRITE(pressure, "/proc/sys/vm/drop_caches")
WRITE(uevent, "/sys/kernel/uevent_helper")
WRITE(uevent_file, "/sys/class/mem/null/uevent")
WRITE(power, "/sys/power/state")
WRITE(profiling, "/sys/kernel/profiling")
WRITE(kmsg, "/dev/kmsg")

/* In any hierarchy that is there. */
static enum outcome cgroup_file(const char *file, char *text, size_t size) {
  static const char *const dirs[] = {"memory", "devices", "cpu", "cpu,cpuacct", "pids", "freezer", "blkio", "systemd", "unified", "."};
  char path[256];
  enum outcome worst = ABSENT;
  for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
    snprintf(path, sizeof path, "/sys/fs/cgroup/%s/%s", dirs[i], file);
    enum outcome o = writable(path, text, size);
    if (o == REACHED) return said(REACHED, text, size, "%s", path);
    if (o == REFUSED) worst = REFUSED;
  }
  return worst;
}
ATTEMPT(release_agent) { return cgroup_file("release_agent", text, size); }
ATTEMPT(cgroup_procs) { return cgroup_file("cgroup.procs", text, size); }
ATTEMPT(device_allow) { return cgroup_file("devices.allow", text, size); }
ATTEMPT(cgroup_make) {
  static const char *const dirs[] = {"memory", "pids", "unified", "."};
  char path[256];
  for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
    snprintf(path, sizeof path, "/sys/fs/cgroup/%s/attack", dirs[i]);
    if (mkdir(path, 0755) == 0) {
      struct statfs fs = {0};
      statfs(path, &fs);
      rmdir(path);
      /* Elsewhere it is a directory of the container's own. */
      if (fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC) return said(REACHED, text, size, "%s", path);
    }
    if (errno == EROFS || errno == EACCES || errno == EPERM) snprintf(text, size, "%s", strerror(errno));
  }
  return REFUSED;
}

/* Making the node may be allowed: opening it must not be. */
static enum outcome node(mode_t type, unsigned major_, unsigned minor_, int flags, char *text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/node-%d", getpid());
  if (mknod(path, type | 0600, makedev(major_, minor_)) < 0) return by_errno(-1, text, size);
  int fd = open(path, flags | O_NONBLOCK);
  int error = errno;
  unlink(path);
  errno = error;
  return by_errno(fd, text, size);
}
ATTEMPT(node_mem) { return node(S_IFCHR, 1, 1, O_RDONLY, text, size); }
ATTEMPT(node_port) { return node(S_IFCHR, 1, 4, O_RDONLY, text, size); }
ATTEMPT(node_kmsg) { return node(S_IFCHR, 1, 11, O_WRONLY, text, size); }
ATTEMPT(node_tun) { return node(S_IFCHR, 10, 200, O_RDWR, text, size); }
ATTEMPT(node_fuse) { return node(S_IFCHR, 10, 229, O_RDWR, text, size); }
ATTEMPT(node_loop) { return node(S_IFCHR, 10, 237, O_RDWR, text, size); }
ATTEMPT(node_console) { return node(S_IFCHR, 4, 1, O_WRONLY | O_NOCTTY, text, size); }

#define FILES "CVE-2015-3630; CVE-2017-16539; CVE-2018-10892"
const struct probe files[] = {
    {"kcore", FILES, "the kernel's memory is not read", kcore, NULL},
    {"proc-keys", FILES, "masked", keys, NULL},
    {"timer-list", FILES, "masked", timer_list, NULL},
    {"interrupts", "rule 18", "masked: it tells keystrokes", interrupts, NULL},
    {"acpi", FILES, "masked", acpi, NULL},
    {"scsi", FILES, "masked", scsi, NULL},
    {"asound", FILES, "masked", asound, NULL},
    {"latency-stats", FILES, "masked", latency, NULL},
    {"firmware", FILES, "masked", firmware, NULL},
    {"powercap", "GO-2023-2412", "power is not measured", powercap, NULL},
    {"thermal", FILES, "masked", throttle, NULL},
    {"debugfs", FILES, "not there", debugfs, NULL},
    {"disk", "GO-2022-0396", "not there", host_disk, NULL},
    {"sysrq", "CVE-2015-3631", "not written", sysrq, NULL},
    {"core-pattern", "CVE-2022-0811", "not written", core_pattern, NULL},
    {"modprobe", "CVE-2022-0811", "not written", modprobe, NULL},
    {"panic-on-oom", "CVE-2015-3631", "not written", panic, NULL},
    {"binfmt", "CVE-2015-3631", "not written", binfmt, NULL},
    {"irq", "CVE-2015-3631", "not written", irq, NULL},
    {"drop-caches", "CVE-2015-3631", "not written", pressure, NULL},
    {"uevent-helper", "CVE-2022-0492", "not written", uevent, NULL},
    {"uevent", "CVE-2022-0492", "not written", uevent_file, NULL},
    {"power", "CVE-2015-3631", "not written", power, NULL},
    {"profiling", "CVE-2015-3631", "not written", profiling, NULL},
    {"kmsg", "GO-2022-0396", "not there", kmsg, NULL},
    {"release-agent", "CVE-2022-0492", "not written", release_agent, NULL},
    {"cgroup-procs", "CVE-2023-25809", "not written", cgroup_procs, NULL},
    {"devices-allow", "CVE-2023-25809", "not written", device_allow, NULL},
    {"cgroup-mkdir", "CVE-2023-25809", "no group is made", cgroup_make, NULL},
    {"node-mem", "GO-2022-0396", "made or not, it is not opened", node_mem, NULL},
    {"node-port", "GO-2022-0396", "made or not, it is not opened", node_port, NULL},
    {"node-kmsg", "GO-2022-0396", "made or not, it is not opened", node_kmsg, NULL},
    {"node-tun", "rule 18", "made or not, it is not opened", node_tun, NULL},
    {"node-fuse", "GO-2022-0396", "made or not, it is not opened", node_fuse, NULL},
    {"node-loop", "GO-2022-0396", "made or not, it is not opened", node_loop, NULL},
    {"node-console", "GO-2022-0396", "made or not, it is not opened", node_console, NULL},
};
const size_t files_count = sizeof files / sizeof *files;

/* world: tells what the process it runs as may do and see, a line each: name, tab, words. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"

extern char **environ;

enum { LINE = 8192, FAMILIES = 46 };

static void say(const char *name, const char *format, ...) {
  va_list args;
  va_start(args, format);
  printf("%s\t", name);
  vprintf(format, args);
  putchar('\n');
  va_end(args);
}

static const char *word(int error) {
  switch (error) {
    case 0: return "ok";
    case EPERM: return "EPERM";
    case EACCES: return "EACCES";
    case EROFS: return "EROFS";
    case ENOENT: return "ENOENT";
    case ENXIO: return "ENXIO";
    case ENODEV: return "ENODEV";
    case ENOSYS: return "ENOSYS";
    default: return strerror(error);
  }
}

/* ---- what the kernel says of the process ---- */

static void status(void) {
  static const char *const keys[] = {"Umask",  "PPid",   "Uid",    "Gid",    "Groups", "SigBlk", "SigIgn",  "SigCgt",     "CapInh",
                                     "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters"};
  char line[LINE];
  FILE *f = fopen("/proc/self/status", "re");
  while (f && fgets(line, sizeof line, f)) {
    char *colon = strchr(line, ':');
    if (!colon) continue;
    *colon++ = 0;
    colon += strspn(colon, " \t");
    size_t end = strlen(colon);
    while (end && strchr(" \t\n", colon[end - 1])) colon[--end] = 0;
    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
      char name[64];
      snprintf(name, sizeof name, "status.%s", keys[i]);
      if (strcmp(line, keys[i]) == 0) say(name, "%s", colon);
    }
  }
  if (f) fclose(f);
}

static void file(const char *name, const char *path) {
  char text[LINE] = "";
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    say(name, "%s", word(errno));
    return;
  }
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  for (ssize_t i = 0; i < n; i++) {
    if (text[i] == '\t' || text[i] == '\n') text[i] = ' ';
  }
  say(name, "%s", n < 0 ? word(errno) : text);
}

static void limits(void) {
  static const char *const names[] = {"cpu",   "fsize",   "data", "stack", "core",       "rss",      "nproc", "nofile",
                                      "memlock", "as", "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime"};
  for (int i = 0; i < 16; i++) {
    struct rlimit r;
    char name[64];
    snprintf(name, sizeof name, "rlimit.%s", names[i]);
    if (getrlimit(i, &r) == 0) say(name, "%lld %lld", (long long)r.rlim_cur, (long long)r.rlim_max);
  }
}

static void dispositions(void) {
  char text[LINE] = "";
  for (int i = 1; i < 65; i++) {
    uint64_t old[8] = {0};
    if (syscall(SYS_rt_sigaction, i, NULL, old, 8) == 0 && old[0]) snprintf(text + strlen(text), sizeof text - strlen(text), "%d ", i);
  }
  say("signals.not_default", "%s", text);
}

/* ---- descriptors, mounts, devices ---- */

static void descriptors(void) {
  for (int fd = 0; fd < 1024; fd++) {
    struct stat st;
    char name[64];
    if (fstat(fd, &st) < 0) continue;
    snprintf(name, sizeof name, "fd.%d", fd);
    if (S_ISCHR(st.st_mode)) say(name, "character device %u:%u", major(st.st_rdev), S_ISCHR(st.st_mode) && major(st.st_rdev) == 136 ? 0 : minor(st.st_rdev));
    else say(name, S_ISFIFO(st.st_mode) ? "pipe" : S_ISREG(st.st_mode) ? "file" : S_ISDIR(st.st_mode) ? "directory" : "other");
  }
}

/* Mount point: propagation, type, flags of the mount, and of the file system those that do not depend on the host. */
static void mounts(void) {
  char line[LINE];
  FILE *f = fopen("/proc/self/mountinfo", "re");
  while (f && fgets(line, sizeof line, f)) {
    char *save = NULL, *fields[64];
    int n = 0, dash = 0;
    for (char *w = strtok_r(line, " \n", &save); w && n < 64; w = strtok_r(NULL, " \n", &save)) {
      if (strcmp(w, "-") == 0) dash = n;
      fields[n++] = w;
    }
    if (n < 7 || dash < 6) continue;
    char name[LINE / 2], text[LINE] = "", *options = fields[n - 1];
    snprintf(name, sizeof name, "mount.%s", fields[4]);
    snprintf(text, sizeof text, "%s %s %s", fields[dash + 1], fields[5], dash > 6 ? "shared" : "private");
    bool bound = strcmp(fields[dash + 1], "overlay") == 0 || strncmp(fields[dash + 1], "ext", 3) == 0 || strcmp(fields[dash + 1], "xfs") == 0;
    if (!bound && strncmp(fields[4], "/etc/", 5) != 0) snprintf(text + strlen(text), sizeof text - strlen(text), " %s", options);
    say(name, "%s", text);
  }
  if (f) fclose(f);
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static void devices(const char *directory, int depth) {
  struct dirent **entries;
  int n = scandir(directory, &entries, NULL, by_name);
  for (int i = 0; i < n; i++) {
    char path[512], name[600], target[256] = "";
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
    snprintf(name, sizeof name, "dev.%s", path + 5);
    if (entries[i]->d_name[0] == '.' || lstat(path, &st) < 0) continue;
    if (S_ISLNK(st.st_mode)) {
      if (readlink(path, target, sizeof target - 1) > 0) say(name, "-> %s", target);
    } else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
      int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
      say(name, "%c %u:%u %o %u:%u %s", S_ISCHR(st.st_mode) ? 'c' : 'b', major(st.st_rdev), minor(st.st_rdev), st.st_mode & 07777, st.st_uid,
          st.st_gid, fd < 0 ? word(errno) : "opens");
      if (fd >= 0) close(fd);
    } else {
      say(name, "%s %o %u:%u", S_ISDIR(st.st_mode) ? "directory" : "file", st.st_mode & 07777, st.st_uid, st.st_gid);
      if (S_ISDIR(st.st_mode) && depth > 0 && strcmp(path, "/dev/shm") && strcmp(path, "/dev/mqueue") && strcmp(path, "/dev/pts")) devices(path, depth - 1);
    }
  }
}

static void nodes(void) {
  static const struct { const char *name; mode_t type; unsigned major, minor; } made[] = {
      {"loop0", S_IFBLK, 7, 0}, {"sda", S_IFBLK, 8, 0}, {"vda", S_IFBLK, 254, 0}, {"mem", S_IFCHR, 1, 1}, {"kmsg", S_IFCHR, 1, 11},
      {"null", S_IFCHR, 1, 3},  {"fuse", S_IFCHR, 10, 229}, {"tun", S_IFCHR, 10, 200}, {"kvm", S_IFCHR, 10, 232}, {"console", S_IFCHR, 5, 1},
      {"tty1", S_IFCHR, 4, 1}};
  for (unsigned i = 0; i < sizeof made / sizeof *made; i++) {
    char name[64], path[] = "/tmp/.node";
    snprintf(name, sizeof name, "node.%s", made[i].name);
    unlink(path);
    if (mknod(path, made[i].type | 0666, makedev(made[i].major, made[i].minor)) < 0) {
      say(name, "made: %s", word(errno));
      continue;
    }
    int fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    say(name, "opened: %s", fd < 0 ? word(errno) : "ok");
    if (fd >= 0) close(fd);
    unlink(path);
  }
}

/* ---- paths that are to be hidden or read-only ---- */

static void path(const char *p) {
  struct stat st;
  char name[256], text[512] = "";
  snprintf(name, sizeof name, "path.%s", p);
  if (stat(p, &st) < 0) {
    say(name, "%s", word(errno));
    return;
  }
  if (S_ISDIR(st.st_mode)) {
    DIR *d = opendir(p);
    int count = 0;
    for (struct dirent *e; d && (e = readdir(d));) count += e->d_name[0] != '.';
    snprintf(text, sizeof text, "%s directory", !d ? word(errno) : count ? "filled" : "empty");
    if (d) closedir(d);
  } else if (S_ISCHR(st.st_mode)) {
    snprintf(text, sizeof text, "device %u:%u", major(st.st_rdev), minor(st.st_rdev));
  } else {
    char c;
    int fd = open(p, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, &c, 1);
    snprintf(text, sizeof text, "file, read: %s", n < 0 ? word(errno) : n ? "content" : "nothing");
    if (fd >= 0) close(fd);
  }
  if (!S_ISDIR(st.st_mode)) {
    int fd = open(p, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    snprintf(text + strlen(text), sizeof text - strlen(text), ", write: %s", fd < 0 ? word(errno) : "ok");
    if (fd >= 0) close(fd);
  }
  say(name, "%s", text);
}

static void paths(void) {
  static const char *const all[] = {
      "/proc/acpi", "/proc/asound", "/proc/bus", "/proc/cmdline", "/proc/config.gz", "/proc/fs", "/proc/interrupts", "/proc/irq", "/proc/kallsyms",
      "/proc/kcore", "/proc/key-users", "/proc/keys", "/proc/kmsg", "/proc/kpagecount", "/proc/latency_stats", "/proc/mtrr", "/proc/sched_debug",
      "/proc/scsi", "/proc/slabinfo", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/kernel/modprobe",
      "/proc/sys/kernel/shmmax", "/proc/sys/net/core/somaxconn", "/proc/sys/vm/drop_caches", "/proc/sys/vm/panic_on_oom", "/proc/sysrq-trigger",
      "/proc/sysvipc", "/proc/timer_list", "/proc/timer_stats", "/proc/vmallocinfo", "/sys/class/powercap", "/sys/devices/virtual/powercap",
      "/sys/firmware", "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/devices/devices.allow", "/sys/fs/cgroup/memory/release_agent",
      "/sys/kernel/debug", "/sys/kernel/mm", "/sys/kernel/profiling", "/sys/kernel/security", "/sys/kernel/uevent_helper", "/sys/kernel/vmcoreinfo",
      "/sys/module", "/sys/power/state", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/.dockerenv", "/tmp"};
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) path(all[i]);
  int fd = open("/written", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  say("path./ written", "%s", fd < 0 ? word(errno) : "ok");
  if (fd >= 0) close(fd);
  unlink("/written");
}

/* ---- system calls: each once, in a child, with arguments that no call can make use of ---- */

static bool ends_the_child(long number) {
  static const long some[] = {SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_pause, SYS_fork, SYS_vfork, SYS_rt_sigsuspend, SYS_alarm,
                              SYS_setitimer, SYS_kill, SYS_sync, SYS_reboot, SYS_vhangup, SYS_restart_syscall};
  for (unsigned i = 0; i < sizeof some / sizeof *some; i++) {
    if (some[i] == number) return true;
  }
  return false;
}

static int tried(long number) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    alarm(2);
    errno = 0;
    long result = syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
    _exit(result == -1 ? (errno < 200 ? errno : 199) : 0);
  }
  int s = 0;
  waitpid(pid, &s, 0);
  return WIFEXITED(s) ? WEXITSTATUS(s) : 200;
}

static void calls(void) {
  static char refused[LINE * 4], absent[LINE * 4];
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    if (ends_the_child(names[i].number)) continue;
    int error = tried(names[i].number);
    char *list = error == EPERM ? refused : error == ENOSYS ? absent : NULL;
    if (list) snprintf(list + strlen(list), LINE * 4 - strlen(list), "%s ", names[i].name);
  }
  say("calls.EPERM", "%s", refused);
  say("calls.ENOSYS", "%s", absent);
}

static void sockets(void) {
  char refused[LINE] = "", there[LINE] = "";
  for (int family = 0; family < FAMILIES; family++) {
    int fd = socket(family, SOCK_DGRAM, 0), error = errno;
    if (fd < 0) fd = socket(family, SOCK_RAW, 0), error = fd < 0 && errno == EPERM ? EPERM : error;
    char *list = fd >= 0 ? there : error == EPERM ? refused : NULL;
    if (list) snprintf(list + strlen(list), LINE - strlen(list), "%d ", family);
    if (fd >= 0) close(fd);
  }
  say("sockets.EPERM", "%s", refused);
  say("sockets.open", "%s", there);
  int raw = socket(AF_INET, SOCK_RAW, 1);
  say("sockets.raw", "%s", raw < 0 ? word(errno) : "ok");
}

static void flags(void) {
  static const struct { const char *name; unsigned long flag; } spaces[] = {{"user", 0x10000000}, {"mount", 0x20000},  {"pid", 0x20000000},
                                                                            {"net", 0x40000000},  {"ipc", 0x8000000}, {"uts", 0x4000000},
                                                                            {"cgroup", 0x2000000}, {"time", 0x80}};
  for (unsigned i = 0; i < sizeof spaces / sizeof *spaces; i++) {
    char name[64];
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) _exit(syscall(SYS_unshare, spaces[i].flag) < 0 ? errno : 0);
    int s = 0;
    waitpid(pid, &s, 0);
    snprintf(name, sizeof name, "unshare.%s", spaces[i].name);
    say(name, "%s", word(WEXITSTATUS(s)));
  }
  say("personality.read_implies_exec", "%s", word(syscall(SYS_personality, 0x0400000) < 0 ? errno : 0));
}

static void environment(void) {
  for (char **e = environ; *e; e++) {
    char name[256];
    const char *equals = strchr(*e, '=');
    snprintf(name, sizeof name, "env.%.*s", equals ? (int)(equals - *e) : 0, *e);
    say(name, "%s", strncmp(*e, "HOSTNAME=", 9) == 0 ? "" : equals ? equals + 1 : "");
  }
}

int main(int argc, char **argv) {
  char cwd[512] = "";
  const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
  /* As the program "true" of the image, and where it is only to be run at all. */
  if (argc > 1 || (argc > 0 && strcmp(slash ? slash + 1 : argv[0], "true") == 0)) return 0;
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  descriptors();
  status();
  limits();
  dispositions();
  environment();
  say("cwd", "%s", getcwd(cwd, sizeof cwd) ? cwd : word(errno));
  say("session", "%s", getsid(0) == getpid() ? "leader" : getsid(0) == 0 ? "outside" : "member");
  file("oom_score_adj", "/proc/self/oom_score_adj");
  file("uid_map", "/proc/self/uid_map");
  file("setgroups", "/proc/self/setgroups");
  file("domainname", "/proc/sys/kernel/domainname");
  file("first", "/proc/1/comm");
  file("attr", "/proc/self/attr/current");
  file("port_start", "/proc/sys/net/ipv4/ip_unprivileged_port_start");
  file("ping_range", "/proc/sys/net/ipv4/ping_group_range");
  file("forward", "/proc/sys/net/ipv4/ip_forward");
  file("coredump_filter", "/proc/self/coredump_filter");
  mounts();
  devices("/dev", 2);
  nodes();
  paths();
  flags();
  sockets();
  calls();
  fflush(stdout);
  return 0;
}

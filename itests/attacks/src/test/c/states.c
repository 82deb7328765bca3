/* The state that a program is started in: what a runtime forgot to take away. */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ATTEMPT(name) static enum outcome name(char *text, size_t size)

/* A line of /proc/self/status as a number of base 16. */
static unsigned long long status(const char *key) {
  char line[256];
  unsigned long long value = 0;
  FILE *f = fopen("/proc/self/status", "r");
  size_t length = strlen(key);
  while (f && fgets(line, sizeof line, f)) {
    if (!strncmp(line, key, length) && line[length] == ':') value = strtoull(line + length + 1, NULL, 16);
  }
  if (f) fclose(f);
  return value;
}

static enum outcome none(const char *key, char *text, size_t size) {
  unsigned long long v = status(key);
  return said(v ? REACHED : REFUSED, text, size, "%s %llx", key, v);
}

ATTEMPT(inheritable) { return none("CapInh", text, size); }
ATTEMPT(ambient) { return none("CapAmb", text, size); }
/* The fourteen that Docker leaves, at most. */
ATTEMPT(bounding) {
  unsigned long long v = status("CapBnd");
  return said(v & ~0xa80425fbULL ? REACHED : REFUSED, text, size, "CapBnd %llx", v);
}
ATTEMPT(user_caps) {
  if (getuid() == 0 && setresuid(1000, 1000, 1000) < 0) return said(ABSENT, text, size, "%s", strerror(errno));
  unsigned long long v = status("CapEff") | status("CapPrm");
  return said(v ? REACHED : REFUSED, text, size, "%llx", v);
}
ATTEMPT(signals_ignored) { return none("SigIgn", text, size); }
ATTEMPT(signals_blocked) { return none("SigBlk", text, size); }
ATTEMPT(no_filter) {
  unsigned long long v = status("Seccomp");
  return said(v == 2 ? REFUSED : REACHED, text, size, "Seccomp %llx", v);
}

static void set_caps(bool inheritable, bool ambient) {
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  syscall(SYS_capget, &head, data);
  if (inheritable) {
    data[0].inheritable = data[0].permitted;
    data[1].inheritable = data[1].permitted;
    syscall(SYS_capset, &head, data);
  }
  if (ambient) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
}
static void plant_inheritable(void) { set_caps(true, false); }
static void plant_ambient(void) { set_caps(true, true); }
static void plant_user(void) {
  prctl(PR_SET_SECUREBITS, 1 << 2 /* no fix-up by setuid */, 0, 0, 0);
}
static void plant_ignored(void) { signal(SIGPIPE, SIG_IGN); }
static void plant_blocked(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
}

/* Only 0-2, and the directory's own. */
ATTEMPT(descriptors) {
  char path[64], target[256];
  for (int fd = 3; fd < 1024; fd++) {
    if (fcntl(fd, F_GETFD) < 0) continue;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n < 0 ? 0 : n] = 0;
    return said(REACHED, text, size, "%d is %s", fd, target);
  }
  return said(REFUSED, text, size, "0-2 only");
}
static void plant_descriptor(void) { (void)!dup2(open("/", O_RDONLY | O_DIRECTORY), 7); }

/* Standard descriptors are pipes, a terminal or the container's own null. */
ATTEMPT(standard) {
  struct stat root, st;
  stat("/", &root);
  for (int fd = 0; fd < 3; fd++) {
    if (fstat(fd, &st) < 0) continue;
    if (S_ISDIR(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISBLK(st.st_mode)) return said(REACHED, text, size, "%d is of mode %o", fd, st.st_mode);
  }
  return said(REFUSED, text, size, "pipes, terminals or null");
}
static void plant_standard(void) { (void)!dup2(open("/", O_RDONLY | O_DIRECTORY), 0); }

/* Another process whose program is not of this root, and that can be opened: the runtime (CVE-2019-5736, CVE-2016-9962). */
static enum outcome hunt(const char *what, char *text, size_t size, int rounds) {
  struct stat root, st;
  char path[64];
  stat("/", &root);
  for (int round = 0; round < rounds; round++) {
    for (int pid = 1; pid < 400; pid++) {
      if (pid == getpid()) continue;
      snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
      int fd = open(path, O_RDONLY | O_NONBLOCK);
      if (fd < 0) continue;
      if (fstat(fd, &st) == 0 && st.st_dev != root.st_dev) return said(REACHED, text, size, "%s", path);
      close(fd);
    }
  }
  return said(REFUSED, text, size, "none found");
}
ATTEMPT(exe_of_runtime) { return hunt("exe", text, size, 40); }
ATTEMPT(root_of_runtime) { return hunt("root", text, size, 40); }
ATTEMPT(cwd_of_runtime) { return hunt("cwd", text, size, 40); }
static void plant_runtime(void) {
  int fd = (int)syscall(SYS_memfd_create, "runtime", 0);
  char buffer[65536];
  int self = open("/probe", O_RDONLY);
  for (ssize_t n; (n = read(self, buffer, sizeof buffer)) > 0;) (void)!write(fd, buffer, (size_t)n);
  close(self);
  int ready[2];
  (void)!pipe(ready);
  if (fork() == 0) {
    char *argv[] = {"probe", "sleep", NULL};
    alarm(8);
    dup2(ready[1], 9);
    if (mount("none", "/tmp", "tmpfs", 0, NULL) < 0 || chroot("/tmp") < 0 || chdir("/") < 0) _exit(1);
    fcntl(ready[1], F_SETFD, FD_CLOEXEC);
    fcntl(ready[0], F_SETFD, FD_CLOEXEC);
    fcntl(9, F_SETFD, FD_CLOEXEC);
    syscall(SYS_execveat, fd, "", argv, NULL, 0x1000);
    _exit(1);
  }
  close(ready[1]);
  (void)!read(ready[0], buffer, 1); /* ends with the exec */
  close(ready[0]);
  close(fd);
}

ATTEMPT(pids_visible) {
  int count = 0, top = 0;
  DIR *d = opendir("/proc");
  for (struct dirent *e; d && (e = readdir(d));) {
    int pid = atoi(e->d_name);
    if (pid > 0) count++;
    if (pid > top) top = pid;
  }
  char name[64] = "";
  FILE *f = fopen("/proc/2/comm", "r");
  if (f && fgets(name, sizeof name, f) && !strncmp(name, "kthreadd", 8)) return said(REACHED, text, size, "kthreadd is process 2");
  return said(REFUSED, text, size, "%d processes", count);
}

ATTEMPT(core_scheduling) {
  int policy = (int)syscall(SYS_sched_getscheduler, 0); /* musl has a stub */
  return said(policy == SCHED_OTHER ? REFUSED : REACHED, text, size, "policy %d", policy);
}
static void plant_policy(void) {
  struct sched_param p = {0};
  syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &p);
}

ATTEMPT(umask_kept) {
  mode_t mask = umask(022);
  return said(mask == 022 ? REFUSED : REACHED, text, size, "umask %03o", mask);
}
static void plant_umask(void) { umask(0); }

/* Roots that are shared would show the host what is mounted here. */
ATTEMPT(shared_mounts) {
  char line[4096];
  FILE *f = fopen("/proc/self/mountinfo", "r");
  while (f && fgets(line, sizeof line, f)) {
    if (strstr(line, " shared:") || strstr(line, " master:")) return said(REACHED, text, size, "%.200s", line);
  }
  return said(REFUSED, text, size, "all private");
}
static void plant_shared(void) { mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL); }

ATTEMPT(chroot_out) {
  struct stat before, after;
  stat("/", &before);
  mkdir("/jail", 0700);
  int out = open("/", O_RDONLY | O_DIRECTORY);
  if (chroot("/jail") < 0) return by_errno(-1, text, size);
  if (fchdir(out) < 0) return by_errno(-1, text, size);
  for (int i = 0; i < 64; i++) (void)!chdir("..");
  (void)!chroot(".");
  stat("/", &after);
  bool same = before.st_dev == after.st_dev && before.st_ino == after.st_ino;
  return said(same ? REFUSED : REACHED, text, size, same ? "still the container's root" : "another root");
}
/* A root that is a mere chroot below another. */
static void plant_chroot(void) {
  mkdir("/inner", 0755);
  (void)!chroot("/inner");
  (void)!chdir("/");
}

const struct probe states[] = {
    {"caps-inheritable", "CVE-2022-24769; CVE-2022-29162", "none", inheritable, plant_inheritable},
    {"caps-ambient", "CVE-2016-8867", "none", ambient, plant_ambient},
    {"caps-bounding", "CVE-2022-27649", "Docker's set at most", bounding, NULL},
    {"caps-of-user", "CVE-2021-20188", "none for who is not root", user_caps, plant_user},
    {"signals-ignored", "rule 18", "none", signals_ignored, plant_ignored},
    {"signals-blocked", "rule 18", "none", signals_blocked, plant_blocked},
    {"seccomp", "rule 18", "a filter is in force", no_filter, NULL},
    {"descriptors", "CVE-2024-21626", "0-2 only", descriptors, plant_descriptor},
    {"descriptors-standard", "CVE-2015-3627", "no directory, socket or disk", standard, plant_standard},
    {"runtime-exe", "CVE-2019-5736", "no process of the runtime can be opened", exe_of_runtime, plant_runtime},
    {"runtime-root", "CVE-2016-9962", "nor its root", root_of_runtime, plant_runtime},
    {"runtime-cwd", "CVE-2024-21626", "nor its directory", cwd_of_runtime, plant_runtime},
    {"processes", "CVE-2021-30465 class", "those of the host are not seen", pids_visible, NULL},
    {"scheduler", "rule 18", "the ordinary policy", core_scheduling, plant_policy},
    {"umask", "rule 18", "022", umask_kept, plant_umask},
    {"propagation", "rule 18", "no mount is shared with the host", shared_mounts, plant_shared},
    {"chroot-escape", "rule 18", "the root is no mere chroot", chroot_out, plant_chroot},
};
const size_t states_count = sizeof states / sizeof *states;

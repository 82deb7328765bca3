/* Ops on what a process belongs to: cgroups, namespaces, limits. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "setup.h"
#include "sys.h"

static int write_text(int dir, const char *path, const char *text, size_t length) {
  int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  int result = write_all(fd, text, length), error = errno;
  close(fd);
  errno = error;
  return result;
}

int op_cgroup(struct setup *s, const struct arg *a, unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    if (write_text(AT_FDCWD, arg_text(a + i), "0", 1) < 0) return failed(s, "join the cgroup %s", arg_text(a + i));
  }
  return 0;
}

int op_unshare(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  if (syscall(SYS_unshare, (unsigned long)arg_number(a)) < 0) return failed(s, "unshare namespaces");
  return 0;
}

int op_setns(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  uint64_t flag = arg_number(a + 1);
  int fd = open(arg_text(a), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failed(s, "open the namespace %s", arg_text(a));
  if (syscall(SYS_setns, fd, (int)flag) < 0) return failed(s, "join the namespace %s", arg_text(a));
  close(fd);
  return flag & CLONE_NEWPID ? move_on(s) : 0;
}

int op_join(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  uint64_t flags = arg_number(a + 1);
  int fd = sys_pidfd_open((pid_t)arg_number(a));
  if (fd < 0) return failed(s, "find process %d", (int)arg_number(a));
  if (syscall(SYS_setns, fd, (int)flags) < 0) return failed(s, "join the namespaces of process %d", (int)arg_number(a));
  close(fd);
  return flags & CLONE_NEWPID ? move_on(s) : 0;
}

int op_hostname(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  if (sethostname(arg_text(a), a->length) < 0) return failed(s, "set the host name %s", arg_text(a));
  return 0;
}

int op_domainname(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  if (setdomainname(arg_text(a), a->length) < 0) return failed(s, "set the domain name %s", arg_text(a));
  return 0;
}

int private_proc(struct setup *s) {
  if (s->proc < 0) s->proc = new_filesystem(s, "proc", 0, NULL, 0);
  return s->proc;
}

int op_sysctl(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  int proc = private_proc(s);
  if (proc < 0) return -1;
  char path[512];
  snprintf(path, sizeof path, "sys/%.500s", arg_text(a));
  int fd = sys_openat2(proc, path, O_WRONLY, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
  if (fd < 0 || write_all(fd, a[1].bytes, a[1].length) < 0) return failed(s, "set sysctl %s to %s", arg_text(a), arg_text(a + 1));
  close(fd);
  return 0;
}

int op_rlimit(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  int resource = (int)arg_number(a);
  struct rlimit wanted = {.rlim_cur = arg_number(a + 1), .rlim_max = arg_number(a + 2)}, ours;
  if (setrlimit((unsigned)resource, &wanted) == 0) return 0;
  /* Raising needs CAP_SYS_RESOURCE, and nofile ends at fs.nr_open: then as much as there is. */
  if (errno != EPERM || getrlimit((unsigned)resource, &ours) < 0) return failed(s, "set rlimit %d", resource);
  if (wanted.rlim_max > ours.rlim_max) wanted.rlim_max = ours.rlim_max;
  if (wanted.rlim_cur > wanted.rlim_max) wanted.rlim_cur = wanted.rlim_max;
  if (setrlimit((unsigned)resource, &wanted) < 0) return failed(s, "set rlimit %d", resource);
  return 0;
}

/* A procfs of our own is the last resort: taking one apart again, at exec, waits for an RCU grace period. */
int op_oom_score(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  if (a->length && strcmp(arg_text(a), s->oom_score) == 0) return 0;
  int proc = s->oom >= 0 ? -1 : private_proc(s);
  if (s->oom < 0 && proc < 0) return -1;
  int done = s->oom >= 0 ? write_all(s->oom, arg_text(a), a->length) : write_text(proc, "self/oom_score_adj", arg_text(a), a->length);
  return done < 0 ? failed(s, "set oom_score_adj to %s", arg_text(a)) : 0;
}

int op_devices(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  static const char license[] = "Apache-2.0";
  union bpf_attr load = {
      .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
      .insn_cnt = a[1].length / (uint32_t)sizeof(struct bpf_insn),
      .insns = (uintptr_t)a[1].bytes,
      .license = (uintptr_t)license,
  };
  int cgroup = open(arg_text(a), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (cgroup < 0) return failed(s, "open the cgroup %s", arg_text(a));
  int filter = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
  if (filter < 0) return failed(s, "load the device filter of %s", arg_text(a));
  union bpf_attr attach = {
      .target_fd = (uint32_t)cgroup,
      .attach_bpf_fd = (uint32_t)filter,
      .attach_type = BPF_CGROUP_DEVICE,
      .attach_flags = BPF_F_ALLOW_MULTI,
  };
  if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) < 0) return failed(s, "attach the device filter of %s", arg_text(a));
  close(filter);
  close(cgroup);
  return 0;
}

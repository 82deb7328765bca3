/* What is left to a process that reads what strangers send. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"
#include "seccomp.h"
#include "sys.h"

/* Nobody's, and beyond what `--user` of a container may be: what is counted by user (watches, pipes) is counted apart. */
static const uid_t own_user = 4294901760u;

static const int allowed[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_close, SYS_recvfrom, SYS_recvmsg, SYS_sendto, SYS_sendmsg, SYS_accept4, SYS_connect, SYS_shutdown,
    SYS_setsockopt, SYS_getsockopt, SYS_getsockname, SYS_splice, SYS_pipe2, SYS_epoll_ctl, SYS_epoll_pwait,
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    SYS_clock_gettime, SYS_getrandom, SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise, SYS_rt_sigreturn, SYS_restart_syscall, SYS_exit, SYS_exit_group,
};

/* Sockets of the internet only: none that could reach a monitor, the engine or the kernel's configuration. */
static void allow_sockets(struct rules *r) {
  rule_call(r, SYS_socket, 5);
  rule_argument(r, 0);
  rule(r, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AF_INET);
  rule(r, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, AF_INET6);
  rule_allow(r);
  rule_refuse(r, EAFNOSUPPORT);
}

static void allow_growing_pipes(struct rules *r) {
  rule_call(r, SYS_fcntl, 4);
  rule_argument(r, 1);
  rule(r, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, F_SETPIPE_SZ);
  rule_allow(r);
  rule_refuse(r, EPERM);
}

static int filter_calls(void) {
  struct rules r;
  rules_begin(&r);
  allow_calls(&r, allowed, COUNT(allowed));
  allow_sockets(&r);
  allow_growing_pipes(&r);
  /* Memory, but no code. */
  allow_without(&r, SYS_mmap, 2, PROT_EXEC, EACCES);
  allow_without(&r, SYS_mprotect, 2, PROT_EXEC, EACCES);
  return rules_install(&r);
}

/* In a user namespace that has no such user we stay who we are, without any capability. */
static void change_user(void) {
  if (setgroups(0, NULL) < 0) return;
  if (setresgid(own_user, own_user, own_user) < 0) return;
  if (setresuid(own_user, own_user, own_user) < 0) return;
}

void drop_bounding(void) {
  (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (unsigned cap = 0; cap < 64; cap++) {
    if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) < 0) break;
    (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
  }
}

int drop_capabilities(void) {
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0}};
  return (int)syscall(SYS_capset, &head, none);
}

int confine(void) {
  struct rlimit none = {0};
  (void)setrlimit(RLIMIT_CORE, &none);
  drop_bounding();
  change_user();
  if (drop_capabilities() < 0) return -1;
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -1;
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  return 0; /* it needs more */
#endif
#endif
  return filter_calls();
}

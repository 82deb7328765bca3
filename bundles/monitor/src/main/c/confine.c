/* What is left to a process that reads what strangers send. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net.h"
#include "sys.h"

/* Nobody's, and beyond what `--user` of a container may be: what is counted by user (watches, pipes) is counted apart. */
static const uid_t own_user = 4294901760u;

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the architecture's audit number is needed here"
#endif

static const int allowed[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_close, SYS_recvfrom, SYS_recvmsg, SYS_sendto, SYS_sendmsg, SYS_accept4, SYS_connect, SYS_shutdown,
    SYS_setsockopt, SYS_getsockopt, SYS_getsockname, SYS_splice, SYS_pipe2, SYS_epoll_ctl, SYS_epoll_pwait,
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    SYS_clock_gettime, SYS_getrandom, SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise, SYS_rt_sigreturn, SYS_restart_syscall, SYS_exit, SYS_exit_group,
};

enum { RULES_MOST = 2 * COUNT(allowed) + 32 };

struct rules {
  struct sock_filter filter[RULES_MOST];
  unsigned short count;
};

static void rule(struct rules *r, uint16_t code, uint8_t yes, uint8_t no, uint32_t value) {
  r->filter[r->count++] = (struct sock_filter){.code = code, .jt = yes, .jf = no, .k = value};
}

static void load(struct rules *r, size_t offset) { rule(r, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset); }
static void end(struct rules *r, uint32_t what) { rule(r, BPF_RET | BPF_K, 0, 0, what); }

/* Little-endian: the low half of an argument comes first. */
static size_t argument(unsigned i) { return offsetof(struct seccomp_data, args) + i * sizeof(uint64_t); }

/* Sockets of the internet only: none that could reach a monitor, the engine or the kernel's configuration. */
static void allow_sockets(struct rules *r) {
  rule(r, BPF_JMP | BPF_JEQ | BPF_K, 0, 5, SYS_socket);
  load(r, argument(0));
  rule(r, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AF_INET);
  rule(r, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, AF_INET6);
  end(r, SECCOMP_RET_ALLOW);
  end(r, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
}

static void allow_growing_pipes(struct rules *r) {
  rule(r, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, SYS_fcntl);
  load(r, argument(1));
  rule(r, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, F_SETPIPE_SZ);
  end(r, SECCOMP_RET_ALLOW);
  end(r, SECCOMP_RET_ERRNO | EPERM);
}

/* Memory, but no code. */
static void allow_memory(struct rules *r, int call) {
  rule(r, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, (uint32_t)call);
  load(r, argument(2));
  rule(r, BPF_JMP | BPF_JSET | BPF_K, 1, 0, PROT_EXEC);
  end(r, SECCOMP_RET_ALLOW);
  end(r, SECCOMP_RET_ERRNO | EACCES);
}

static int filter_calls(void) {
  struct rules r = {.count = 0};
  load(&r, offsetof(struct seccomp_data, arch));
  rule(&r, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCHITECTURE);
  end(&r, SECCOMP_RET_KILL_PROCESS);
  load(&r, offsetof(struct seccomp_data, nr));
  for (unsigned i = 0; i < COUNT(allowed); i++) {
    rule(&r, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)allowed[i]);
    end(&r, SECCOMP_RET_ALLOW);
  }
  allow_sockets(&r);
  allow_growing_pipes(&r);
  allow_memory(&r, SYS_mmap);
  allow_memory(&r, SYS_mprotect);
  end(&r, SECCOMP_RET_ERRNO | EPERM);
  struct sock_fprog program = {.len = r.count, .filter = r.filter};
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* In a user namespace that has no such user we stay who we are, without any capability. */
static void change_user(void) {
  if (setgroups(0, NULL) < 0) return;
  if (setresgid(own_user, own_user, own_user) < 0) return;
  if (setresuid(own_user, own_user, own_user) < 0) return;
}

static int drop_capabilities(void) {
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0}};
  (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (unsigned cap = 0; cap < 64; cap++) {
    if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) < 0) break;
    (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
  }
  change_user();
  return (int)syscall(SYS_capset, &head, none);
}

int confine(void) {
  struct rlimit none = {0};
  (void)setrlimit(RLIMIT_CORE, &none);
  if (drop_capabilities() < 0) return -1;
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -1;
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  return 0; /* it needs more */
#endif
#endif
  return filter_calls();
}

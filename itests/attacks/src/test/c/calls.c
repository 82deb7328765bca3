/* System calls that reach too far into the kernel. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#define ATTEMPT(name) static enum outcome name(char *text, size_t size)

ATTEMPT(af_alg) { return by_errno(socket(38, SOCK_SEQPACKET, 0), text, size); }
ATTEMPT(af_vsock) { return by_errno(socket(40, SOCK_STREAM, 0), text, size); }
ATTEMPT(unshare_network) { return by_errno(unshare(CLONE_NEWNET), text, size); }

#ifdef __x86_64__
static long by_int80(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
  if (result < 0 && result > -4096) {
    errno = (int)-result;
    return -1;
  }
  return result;
}
ATTEMPT(af_alg_32) { return by_errno(by_int80(359, 38, SOCK_SEQPACKET, 0), text, size); }
ATTEMPT(add_key_32) { return by_errno(by_int80(286, 0, 0, 0), text, size); }
ATTEMPT(unshare_32) { return by_errno(by_int80(310, CLONE_NEWUSER, 0, 0), text, size); }
ATTEMPT(x32_bpf) { return by_errno(syscall(0x40000000 | 321, 0, 0, 0), text, size); }
#endif

ATTEMPT(add_key) { return by_errno(syscall(SYS_add_key, "user", "attack", "x", 1, -5), text, size); }
ATTEMPT(request_key) { return by_errno(syscall(SYS_request_key, "user", "attack", NULL, -5), text, size); }
ATTEMPT(keyctl) { return by_errno(syscall(SYS_keyctl, 0, -3, 1), text, size); }
ATTEMPT(bpf) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.map_type = BPF_MAP_TYPE_ARRAY;
  attr.key_size = attr.value_size = 4;
  attr.max_entries = 1;
  return by_errno(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr), text, size);
}
ATTEMPT(perf) {
  struct perf_event_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.size = sizeof attr;
  attr.type = PERF_TYPE_SOFTWARE;
  return by_errno(syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0), text, size);
}
ATTEMPT(io_uring) {
  struct io_uring_params params;
  memset(&params, 0, sizeof params);
  return by_errno(syscall(SYS_io_uring_setup, 4, &params), text, size);
}
ATTEMPT(userfault) { return by_errno(syscall(SYS_userfaultfd, O_CLOEXEC), text, size); }
ATTEMPT(kexec) { return by_errno(syscall(SYS_kexec_load, 0, 17, NULL, 0xffffffff), text, size); }
ATTEMPT(init_module) { return by_errno(syscall(SYS_init_module, "x", 1, ""), text, size); }
ATTEMPT(finit_module) { return by_errno(syscall(SYS_finit_module, -1, "", 0), text, size); }
ATTEMPT(delete_module) {
  long n = syscall(SYS_delete_module, "no_such_module_here", O_NONBLOCK);
  if (n < 0 && errno == ENOENT) return said(REACHED, text, size, "%s", strerror(errno));
  return by_errno(n, text, size);
}
ATTEMPT(handle) {
  struct {
    struct file_handle head;
    unsigned char more[64];
  } h = {.head = {.handle_bytes = 64}};
  int mount_id, fd = open("/", O_RDONLY | O_DIRECTORY);
  if (name_to_handle_at(AT_FDCWD, "/", &h.head, &mount_id, 0) < 0) {
    h.head.handle_bytes = 8;
    h.head.handle_type = 1;
  }
  return by_errno(open_by_handle_at(fd, &h.head, O_RDONLY), text, size);
}
ATTEMPT(mount_tmpfs) { return by_errno(mount("none", "/tmp", "tmpfs", 0, NULL), text, size); }
ATTEMPT(mount_new) { return by_errno(syscall(SYS_fsopen, "tmpfs", 0), text, size); }
ATTEMPT(open_tree_clone) { return by_errno(syscall(428, AT_FDCWD, "/", 1), text, size); }
ATTEMPT(umount_masks) {
  /* Where nothing is masked there is no mount to be taken off: EINVAL. */
  if (umount2("/proc/interrupts", MNT_DETACH) == 0 || errno == EINVAL) return said(REACHED, text, size, "a mask can be lifted");
  return by_errno(-1, text, size);
}
ATTEMPT(remount) {
  if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_NOATIME, NULL) == 0) return said(REACHED, text, size, "/ was remounted");
  return by_errno(-1, text, size);
}
ATTEMPT(pivot) { return by_errno(syscall(SYS_pivot_root, "/no-such", "/no-such") < 0 && errno == ENOENT ? 0 : -1, text, size); }
ATTEMPT(unshare_user) { return by_errno(unshare(CLONE_NEWUSER), text, size); }
ATTEMPT(unshare_mount) { return by_errno(unshare(CLONE_NEWNS), text, size); }
ATTEMPT(clone_user) {
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
  if (pid == 0) _exit(0);
  return by_errno(pid, text, size);
}
ATTEMPT(clone3_user) {
  uint64_t args[11] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
  pid_t pid = (pid_t)syscall(435, args, 88);
  if (pid == 0) _exit(0);
  return by_errno(pid, text, size);
}
ATTEMPT(setns_own) {
  int fd = open("/proc/self/ns/uts", O_RDONLY);
  return by_errno(setns(fd, CLONE_NEWUTS), text, size);
}
ATTEMPT(swap) {
  if (syscall(SYS_swapon, "/no-such", 0) < 0 && errno == ENOENT) return said(REACHED, text, size, "asked for a file");
  return by_errno(-1, text, size);
}
ATTEMPT(acct_file) {
  if (syscall(SYS_acct, "/no-such") < 0 && errno == ENOENT) return said(REACHED, text, size, "asked for a file");
  return by_errno(-1, text, size);
}
ATTEMPT(quota) { return by_errno(syscall(SYS_quotactl, 0x80000800 | 5, "/no-such", 0, NULL) < 0 && errno == ENOENT ? 0 : -1, text, size); }
ATTEMPT(reboot_magic) {
  /* A wrong magic number: nothing is rebooted, and permission is looked at first. */
  return by_errno(syscall(SYS_reboot, 0, 0, 0, NULL), text, size);
}
ATTEMPT(clock_step) {
  struct timex t = {.modes = 0};
  adjtimex(&t);
  t.modes = ADJ_FREQUENCY;
  return by_errno(adjtimex(&t), text, size);
}
ATTEMPT(host_name) {
  char name[65] = "";
  gethostname(name, sizeof name);
  return by_errno(sethostname(name, strlen(name)), text, size);
}
ATTEMPT(kernel_log) {
  char line[16];
  return by_errno(klogctl(3, line, sizeof line), text, size);
}
ATTEMPT(io_port) { return by_errno(syscall(SYS_iopl, 3), text, size); }
ATTEMPT(fanotify) { return by_errno(syscall(SYS_fanotify_init, 0, O_RDONLY), text, size); }
ATTEMPT(hang_up) { return by_errno(syscall(SYS_vhangup), text, size); }
ATTEMPT(personality_read_implies) {
  /* READ_IMPLIES_EXEC weakens every mapping made afterwards. */
  return by_errno(syscall(SYS_personality, 0x0400000), text, size);
}
ATTEMPT(raise_nice) {
  struct sched_param p = {.sched_priority = 1};
  return by_errno(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p) == 0 || syscall(SYS_setpriority, 0, 0, -10) == 0 ? 0 : -1, text, size);
}
ATTEMPT(dcookie) { return by_errno(syscall(SYS_lookup_dcookie, 0L, NULL, 0L), text, size); }
ATTEMPT(numa_pages) {
  void *page = text;
  int status;
  return by_errno(syscall(SYS_move_pages, 0, 1L, &page, NULL, &status, 0), text, size);
}
ATTEMPT(memory_policy) { return by_errno(syscall(SYS_set_mempolicy, 0, NULL, 0L), text, size); }
ATTEMPT(compare) { return by_errno(syscall(SYS_kcmp, getpid(), getpid(), 0, 0L, 0L), text, size); }

#define KERNEL "rule 18; CVE-2020-14386 class"
const struct probe calls[] = {
    {"af-alg", "rule 18; CVE-2026-31431", "no AF_ALG socket", af_alg, NULL},
    {"af-vsock", "rule 18", "no AF_VSOCK socket", af_vsock, NULL},
    {"new-network", "CVE-2022-0185 class", "no network namespace of its own", unshare_network, NULL},
#ifdef __x86_64__
    {"af-alg-32", "CVE-2026-31431", "nor by the 32-bit call", af_alg_32, NULL},
    {"add-key-32", KERNEL, "no keys by the 32-bit call", add_key_32, NULL},
    {"unshare-32", "CVE-2022-0185", "no user namespace by the 32-bit call", unshare_32, NULL},
    {"x32-bpf", KERNEL, "no call by x32 numbers", x32_bpf, NULL},
#endif
    {"add-key", KERNEL, "kernel keys are not there", add_key, NULL},
    {"request-key", KERNEL, "kernel keys are not there", request_key, NULL},
    {"keyctl", KERNEL, "kernel keys are not there", keyctl, NULL},
    {"bpf", KERNEL, "no eBPF", bpf, NULL},
    {"perf", KERNEL, "no perf events", perf, NULL},
    {"io-uring", "io_uring family", "no io_uring", io_uring, NULL},
    {"userfaultfd", KERNEL, "no userfaultfd", userfault, NULL},
    {"kexec", KERNEL, "no other kernel", kexec, NULL},
    {"init-module", KERNEL, "no modules", init_module, NULL},
    {"finit-module", KERNEL, "no modules", finit_module, NULL},
    {"delete-module", KERNEL, "no modules", delete_module, NULL},
    {"open-by-handle", "CAP_DAC_READ_SEARCH (2014)", "no file by its handle", handle, NULL},
    {"mount", "CVE-2022-0492", "nothing is mounted", mount_tmpfs, NULL},
    {"fsopen", KERNEL, "nor by the new calls", mount_new, NULL},
    {"open-tree", KERNEL, "nor by the new calls", open_tree_clone, NULL},
    {"umount-mask", "CVE-2023-28642", "masks stay", umount_masks, NULL},
    {"remount", "CVE-2022-0492", "mounts stay as they are", remount, NULL},
    {"pivot-root", KERNEL, "the root stays", pivot, NULL},
    {"unshare-user", "CVE-2022-0185", "no user namespace", unshare_user, NULL},
    {"unshare-mount", KERNEL, "no mount namespace", unshare_mount, NULL},
    {"clone-user", "CVE-2022-0185", "no user namespace", clone_user, NULL},
    {"clone3-user", "CVE-2022-0185", "no user namespace", clone3_user, NULL},
    {"setns", KERNEL, "no namespace is entered", setns_own, NULL},
    {"swapon", KERNEL, "no swap", swap, NULL},
    {"acct", KERNEL, "no accounting", acct_file, NULL},
    {"quotactl", KERNEL, "no quotas", quota, NULL},
    {"reboot", KERNEL, "no reboot", reboot_magic, NULL},
    {"clock", KERNEL, "the clock is not set", clock_step, NULL},
    {"hostname", KERNEL, "the host name is not set", host_name, NULL},
    {"kernel-log", KERNEL, "the kernel's log is not read", kernel_log, NULL},
    {"iopl", KERNEL, "no ports", io_port, NULL},
    {"fanotify", KERNEL, "no fanotify of mounts", fanotify, NULL},
    {"vhangup", KERNEL, "no hang-up", hang_up, NULL},
    {"personality", KERNEL, "mappings are not made executable", personality_read_implies, NULL},
    {"priority", KERNEL, "no real-time priority", raise_nice, NULL},
    {"lookup-dcookie", KERNEL, "no dcookies", dcookie, NULL},
    {"move-pages", KERNEL, "no page is moved", numa_pages, NULL},
    {"set-mempolicy", KERNEL, "no memory policy", memory_policy, NULL},
    {"kcmp", KERNEL, "kernel objects are not compared", compare, NULL},
};
const size_t calls_count = sizeof calls / sizeof *calls;

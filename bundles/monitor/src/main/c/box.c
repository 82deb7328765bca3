#include "box.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"
#include "seccomp.h"
#include "sys.h"

enum {
  PROGRAM_FD = 3,
  PIPE_BYTES = 1 << 20,
  MEMORY_BYTES = 256 << 20,
  FILES_MOST = 16,
  CANNOT = 71, /* exit code: the program was not run */
};

/* Nobody's, as the net helper's, and another one than that. */
static const uid_t box_user = 4294901761u;

static const char *const programs[] = {"/usr/bin/igzip", "/usr/bin/zstd"};

/* What the dynamic linker reads. */
static const char *const libraries[] = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache"};

static const int allowed[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_close, SYS_fstat, SYS_newfstatat, SYS_lseek, SYS_pread64,
    SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise,
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_restart_syscall,
    SYS_futex, SYS_set_tid_address, SYS_set_robust_list, SYS_rseq, SYS_getrandom, SYS_clock_gettime,
#ifdef SYS_arch_prctl
    SYS_arch_prctl,
#endif
    SYS_exit, SYS_exit_group,
};

/* Code comes from files only, and is not written to. */
static void allow_mapping(struct rules *r) {
  rule_call(r, SYS_mmap, 7);
  rule_argument(r, 2);
  rule(r, BPF_JMP | BPF_JSET | BPF_K, 0, 3, PROT_EXEC);
  rule(r, BPF_JMP | BPF_JSET | BPF_K, 3, 0, PROT_WRITE);
  rule_argument(r, 3);
  rule(r, BPF_JMP | BPF_JSET | BPF_K, 1, 0, MAP_ANONYMOUS);
  rule_allow(r);
  rule_refuse(r, EACCES);
}

/* The program that we become; the descriptor is closed by then. */
static void allow_program(struct rules *r) {
  rule_call(r, SYS_execveat, 6);
  rule_argument(r, 0);
  rule(r, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, PROGRAM_FD);
  rule_argument(r, 4);
  rule(r, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, AT_EMPTY_PATH);
  rule_allow(r);
  rule_refuse(r, EPERM);
}

static int filter_calls(void) {
  struct rules r;
  rules_begin(&r);
  allow_calls(&r, allowed, COUNT(allowed));
  allow_without(&r, SYS_openat, 2, O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY), EPERM);
  allow_without(&r, SYS_mprotect, 2, PROT_EXEC, EACCES);
  allow_mapping(&r);
  allow_program(&r);
  return rules_install(&r);
}

static int admit(int ruleset, int fd, uint64_t rights) {
  struct landlock_path_beneath_attr beneath = {.allowed_access = rights, .parent_fd = fd};
  return (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
}

static int admit_libraries(int ruleset) {
  for (unsigned i = 0; i < COUNT(libraries); i++) {
    int fd = open(libraries[i], O_PATH | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) continue;
    if (fd < 0 || admit(ruleset, fd, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE) < 0) return -1;
    close(fd);
  }
  return 0;
}

/* All that this kernel's Landlock knows of files is refused: the bits that each version brought are known, headers older. */
static uint64_t handled(int version) {
  return version >= 5 ? 0xffff : version >= 3 ? 0x7fff : version == 2 ? 0x3fff : 0x1fff;
}

static int hide_files(int program) {
  int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return -1;
  struct landlock_ruleset_attr attr = {.handled_access_fs = handled(version)};
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0);
  if (ruleset < 0) return -1;
  if (admit(ruleset, program, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE) < 0) return -1;
  if (admit_libraries(ruleset) < 0) return -1;
  if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) return -1;
  return close(ruleset);
}

static int limit(int resource, rlim_t value) {
  struct rlimit both = {value, value};
  return setrlimit((unsigned)resource, &both);
}

static int limit_all(void) {
  if (limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_FSIZE, 0) < 0 || limit(RLIMIT_NOFILE, FILES_MOST) < 0) return -1;
  if (limit(RLIMIT_MEMLOCK, 0) < 0 || limit(RLIMIT_MSGQUEUE, 0) < 0) return -1;
  return limit(RLIMIT_AS, MEMORY_BYTES);
}

static int become_nobody(void) {
  drop_bounding();
  if (setgroups(0, NULL) < 0) return -1;
  if (setresgid(box_user, box_user, box_user) < 0 || setresuid(box_user, box_user, box_user) < 0) return -1;
  if (drop_capabilities() < 0) return -1;
  /* Behind setresuid, which would take note of too many processes and have exec fail. */
  return limit(RLIMIT_NPROC, 0);
}

/* What the JVM has left to its children. */
static void reset_signals(void) {
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
  /* The kernel is asked itself: the C library keeps a few for its own use, which a parent may have ignored. */
  const unsigned long defaults[4] = {(unsigned long)SIG_DFL};
  for (int s = 1; s < NSIG; s++) (void)syscall(SYS_rt_sigaction, s, defaults, NULL, 8);
}

const char *box_become(int program, char **argv) {
  static char *environment[] = {NULL};
  reset_signals();
  (void)umask(077);
  /* More than the usual 64 KiB saves changes of the running process; the host may not allow it. */
  (void)fcntl(STDIN_FILENO, F_SETPIPE_SZ, PIPE_BYTES);
  (void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE_BYTES);
  if (chdir("/") < 0) return "go to /";
  if (unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0) return "unshare namespaces";
  if (limit_all() < 0) return "set limits";
  if (become_nobody() < 0) return "give up rights";
  /* A change of user forgets it. */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) return "end with the parent";
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return "set no_new_privs";
  if (hide_files(program) < 0) return "hide files (Landlock)";
  if (filter_calls() < 0) return "filter system calls";
  (void)syscall(SYS_execveat, program, "", argv, environment, AT_EMPTY_PATH);
  return "execute";
}

int box_open(const char *path) {
  struct stat st;
  int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) < 0) return -1;
  if (S_ISREG(st.st_mode) && st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH))) return fd;
  close(fd);
  errno = EPERM;
  return -1;
}

static bool is_listed(const char *path) {
  for (unsigned i = 0; i < COUNT(programs); i++) {
    if (!strcmp(path, programs[i])) return true;
  }
  return false;
}

static int cannot(const char *program, const char *what) {
  fprintf(stderr, "gantry-helper box: %s: %s: %s\n", program, what, errno_words(errno));
  return CANNOT;
}

int box_main(int argc, char **argv) {
  if (argc < 2 || !is_listed(argv[1])) {
    fprintf(stderr, "gantry-helper box: %s: not among the programs that may be run\n", argc < 2 ? "" : argv[1]);
    return 64;
  }
  for (int fd = 0; fd < PROGRAM_FD; fd++) {
    if (fcntl(fd, F_GETFD) < 0) return CANNOT;
  }
  if (sys_close_range(PROGRAM_FD, ~0U) < 0) return cannot(argv[1], "close descriptors");
  int program = box_open(argv[1]);
  if (program != PROGRAM_FD) return cannot(argv[1], "open");
  return cannot(argv[1], box_become(program, argv + 1));
}

/* Tests of the box, as root: this very program, run in it, tries what a decoder that has been taken over would. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "box.h"
#include "check.h"
#include "scratch.h"

int failures;

enum { PATIENCE_MS = 20000, NOT_RUN = 120, UNKNOWN = 121 };

static const char *helper;

/* ---- inside ---- */

static int error_of(long result) { return result < 0 ? errno : 0; }

/* As glibc's programs do it; musl has another call, which is refused. */
static int opened_as(const char *name, int flags) { return (int)syscall(SYS_openat, AT_FDCWD, name, flags, 0600); }

static int opening(const char *name, int flags) { return error_of(opened_as(name, flags)); }

static int mapping(int protection, size_t size) {
  void *at = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? errno : 0;
}

static int making_code(void) {
  void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? UNKNOWN : error_of(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

static int mapping_writable_code(const char *file) {
  int fd = opened_as(file, O_RDONLY);
  if (fd < 0) return UNKNOWN;
  void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, fd, 0);
  return at == MAP_FAILED ? errno : 0;
}

/* Descriptor 3 may be run, by its number: whatever that is now. */
static int running(const char *file) {
  static char *nothing[] = {NULL};
  int fd = opened_as(file, O_RDONLY | O_CLOEXEC);
  if (fd != 3) return UNKNOWN;
  return error_of(syscall(SYS_execveat, fd, "", nothing, nothing, AT_EMPTY_PATH));
}

static int running_by_path(void) {
  static char *nothing[] = {NULL};
  return error_of(syscall(SYS_execveat, AT_FDCWD, "/bin/sh", nothing, nothing, AT_EMPTY_PATH));
}

static int copying_itself(void) {
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  return error_of(pid);
}

static int waiting(void) {
  char byte;
  if (write(1, "!", 1) != 1) return UNKNOWN;
  return read(0, &byte, 1) == 0 ? 0 : UNKNOWN;
}

static int probe(const char *what, const char *file) {
  struct rlimit more = {1, 1};
  if (!strcmp(what, "nothing")) return 0;
  if (!strcmp(what, "wait")) return waiting();
  if (!strcmp(what, "read")) return opening(file, O_RDONLY);
  if (!strcmp(what, "write")) return opening(file, O_WRONLY);
  if (!strcmp(what, "create")) return opening(file, O_RDONLY | O_CREAT);
  if (!strcmp(what, "truncate")) return opening(file, O_RDONLY | O_TRUNC);
  if (!strcmp(what, "nameless")) return opening("/tmp", O_RDWR | O_TMPFILE);
  if (!strcmp(what, "delete")) return error_of(unlink(file));
  if (!strcmp(what, "list")) return opening("/usr/lib", O_RDONLY | O_DIRECTORY) ? errno : error_of(syscall(SYS_getdents64, 3, file, 1));
  if (!strcmp(what, "internet")) return error_of(socket(AF_INET, SOCK_STREAM, 0));
  if (!strcmp(what, "unix")) return error_of(socket(AF_UNIX, SOCK_STREAM, 0));
  if (!strcmp(what, "fork")) return copying_itself();
  if (!strcmp(what, "kill")) return error_of(kill(getpid(), 0));
  if (!strcmp(what, "trace")) return error_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
  if (!strcmp(what, "path")) return running_by_path();
  if (!strcmp(what, "run")) return running(file);
  if (!strcmp(what, "code")) return mapping(PROT_READ | PROT_EXEC, 4096);
  if (!strcmp(what, "written-code")) return mapping_writable_code(file);
  if (!strcmp(what, "made-code")) return making_code();
  if (!strcmp(what, "memory")) return mapping(PROT_READ, 300 << 20);
  if (!strcmp(what, "limits")) return error_of(setrlimit(RLIMIT_CORE, &more));
  if (!strcmp(what, "namespaces")) return error_of(unshare(CLONE_NEWUSER));
  if (!strcmp(what, "mount")) return error_of(mount("none", "/tmp", "tmpfs", 0, NULL));
  if (!strcmp(what, "control")) return error_of(ioctl(0, FIONREAD, &more));
  return UNKNOWN;
}

/* ---- outside ---- */

static int own_program(void) {
  char self[512] = "";
  CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
  return open(self, O_PATH | O_CLOEXEC);
}

/* Becomes the boxed program, with these for 0 and 1. */
static _Noreturn void boxed(const char *what, const char *file, int in, int out) {
  char *argv[] = {(char *)(uintptr_t)"probe", (char *)(uintptr_t)what, (char *)(uintptr_t)file, NULL};
  int program = own_program();
  dup2(in, 0);
  dup2(out, 1);
  if (program != 3) dup3(program, 3, O_CLOEXEC);
  sys_close_range(4, ~0U);
  const char *failed = box_become(3, argv);
  fprintf(stderr, "the box: %s: %s\n", failed, errno_words(errno));
  _exit(NOT_RUN);
}

static int status_of(pid_t pid) {
  int status = -1;
  uint64_t until = monotonic_ms() + PATIENCE_MS;
  while (waitpid(pid, &status, WNOHANG) == 0 && monotonic_ms() < until) poll(NULL, 0, 2);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What became of an attempt: an errno, 0 when it succeeded. */
static int tried(const char *what, const char *file) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  pid_t pid = fork();
  if (pid == 0) boxed(what, file, null, null);
  close(null);
  return status_of(pid);
}

static const char *new_file(const char *name, mode_t mode) {
  const char *at = path(name);
  int fd = open(at, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  CHECK_NUMBER(write_all(fd, "#!/bin/sh\n", 10), 0);
  CHECK_NUMBER(fchmod(fd, mode), 0);
  close(fd);
  return at;
}

static void its_streams_are_all_it_has(void) {
  const char *file = new_file("anybodys", 0777);
  CHECK_NUMBER(tried("nothing", file), 0);
  /* EPERM is the filter's word, EACCES Landlock's: each stands by itself. */
  CHECK_NUMBER(tried("read", file), EACCES);
  CHECK_NUMBER(tried("read", "/etc/passwd"), EACCES);
  CHECK_NUMBER(tried("read", "/usr/lib/os-release"), 0);
  CHECK_NUMBER(tried("write", file), EPERM);
  CHECK_NUMBER(tried("create", path("new")), EPERM);
  CHECK_NUMBER(tried("truncate", file), EPERM);
  CHECK_NUMBER(tried("nameless", file), EPERM);
  CHECK_NUMBER(tried("delete", file), EPERM);
  CHECK_NUMBER(tried("list", file), EACCES);
  CHECK_NUMBER(tried("control", file), EPERM);
  CHECK_NUMBER(tried("internet", file), EPERM);
  CHECK_NUMBER(tried("unix", file), EPERM);
}

static void it_reaches_no_process_and_makes_none(void) {
  const char *file = new_file("script", 0755);
  CHECK_NUMBER(tried("fork", file), EPERM);
  CHECK_NUMBER(tried("kill", file), EPERM);
  CHECK_NUMBER(tried("trace", file), EPERM);
  CHECK_NUMBER(tried("path", file), EPERM);
  CHECK_NUMBER(tried("run", "/usr/lib/os-release"), EACCES);
  CHECK_NUMBER(tried("namespaces", file), EPERM);
  CHECK_NUMBER(tried("mount", file), EPERM);
}

static void its_code_is_that_of_files_and_its_memory_is_bounded(void) {
  const char *library = "/usr/lib/os-release";
  CHECK_NUMBER(tried("code", library), EACCES);
  CHECK_NUMBER(tried("written-code", library), EACCES);
  CHECK_NUMBER(tried("made-code", library), EACCES);
  CHECK_NUMBER(tried("memory", library), ENOMEM);
  CHECK_NUMBER(tried("limits", library), EPERM);
}

/* A file of /proc/PID. */
static const char *of(pid_t pid, const char *name) {
  static char text[8192];
  char file[64];
  snprintf(file, sizeof file, "/proc/%d/%s", (int)pid, name);
  ssize_t n = read_file(AT_FDCWD, file, text, sizeof text);
  CHECK(n >= 0);
  if (n < 0) text[0] = 0;
  return text;
}

static bool is_shared(pid_t pid, const char *name) {
  char file[64], ours[64] = "", theirs[64] = "";
  snprintf(file, sizeof file, "/proc/%d/ns/%s", (int)pid, name);
  CHECK(readlink(file, theirs, sizeof theirs - 1) > 0);
  snprintf(file, sizeof file, "/proc/self/ns/%s", name);
  CHECK(readlink(file, ours, sizeof ours - 1) > 0);
  return !strcmp(ours, theirs);
}

static void it_is_nobody(void) {
  int in[2], out[2];
  char byte, directory_of_files[64];
  CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
  setenv("SECRET", "known", 1);
  pid_t pid = fork();
  if (pid == 0) {
    const gid_t groups[] = {5};
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    signal(SIGINT, SIG_IGN);
    setgroups(1, groups);
    boxed("wait", "", in[0], out[1]);
  }
  close(in[0]);
  close(out[1]);
  CHECK_NUMBER(read(out[0], &byte, 1), 1);
  const char *status = of(pid, "status");
  CHECK(strstr(status, "\nUid:\t4294901761\t4294901761\t4294901761\t4294901761\n"));
  CHECK(strstr(status, "\nGid:\t4294901761\t4294901761\t4294901761\t4294901761\n"));
  CHECK(strstr(status, "\nGroups:\t \n"));
  CHECK(strstr(status, "\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\n"));
  CHECK(strstr(status, "\nNoNewPrivs:\t1\n"));
  CHECK(strstr(status, "\nSeccomp:\t2\n"));
  CHECK(strstr(status, "\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"));
  const char *limits = of(pid, "limits");
  CHECK(strstr(limits, "Max core file size        0                    0 "));
  CHECK(strstr(limits, "Max file size             0                    0 "));
  CHECK(strstr(limits, "Max processes             0                    0 "));
  CHECK(strstr(limits, "Max open files            16                   16 "));
  CHECK(strstr(limits, "Max locked memory         0                    0 "));
  CHECK(strstr(limits, "Max address space         268435456            268435456 "));
  CHECK_TEXT(of(pid, "environ"), "");
  CHECK(!is_shared(pid, "net") && !is_shared(pid, "ipc") && !is_shared(pid, "uts"));
  snprintf(directory_of_files, sizeof directory_of_files, "/proc/%d/fd", (int)pid);
  int count = 0;
  DIR *files = opendir(directory_of_files);
  for (struct dirent *e; files && (e = readdir(files));) count += e->d_name[0] != '.';
  if (files) closedir(files);
  CHECK_NUMBER(count, 3);
  close(in[1]);
  CHECK_NUMBER(status_of(pid), 0);
  close(out[0]);
}

static void it_ends_with_its_parent(void) {
  int in[2], out[2];
  char byte;
  CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
  CHECK_NUMBER(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
  pid_t parent = fork();
  if (parent == 0) {
    pid_t child = fork();
    if (child == 0) boxed("wait", "", in[0], out[1]);
    close(out[1]);
    for (;;) pause();
  }
  close(in[0]);
  close(out[1]);
  CHECK_NUMBER(read(out[0], &byte, 1), 1);
  CHECK_NUMBER(kill(parent, SIGKILL), 0);
  struct pollfd ends = {.fd = out[0], .events = POLLIN};
  int ended = poll(&ends, 1, PATIENCE_MS); /* its standard input is open all the time */
  CHECK_NUMBER(ended, 1);
  if (ended == 1) CHECK_NUMBER(read(out[0], &byte, 1), 0);
  close(in[1]);
  while (waitpid(-1, NULL, 0) > 0) {}
  close(out[0]);
}

static int opened(const char *file) {
  int fd = box_open(file);
  int error = fd < 0 ? errno : 0;
  if (fd >= 0) close(fd);
  return error;
}

static void only_roots_own_files_are_run(void) {
  const char *file = new_file("program", 0755);
  CHECK_NUMBER(opened(file), 0);
  CHECK_NUMBER(chmod(file, 0775), 0);
  CHECK_NUMBER(opened(file), EPERM);
  CHECK_NUMBER(chmod(file, 0757), 0);
  CHECK_NUMBER(opened(file), EPERM);
  CHECK_NUMBER(chmod(file, 0755), 0);
  CHECK_NUMBER(chown(file, 1, 0), 0);
  CHECK_NUMBER(opened(file), EPERM);
  CHECK_NUMBER(chown(file, 0, 0), 0);
  CHECK_NUMBER(symlink(file, path("link")), 0);
  CHECK_NUMBER(opened(path("link")), EPERM);
  CHECK_NUMBER(mkfifo(path("fifo"), 0644), 0);
  CHECK_NUMBER(opened(path("fifo")), EPERM);
  CHECK_NUMBER(opened(path("missing")), ENOENT);
}

static int asked_of_helper(const char *program) {
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++) dup2(null, fd);
    execl(helper, helper, "box", program, (char *)NULL);
    _exit(NOT_RUN);
  }
  return status_of(pid);
}

static void only_listed_programs_are_run(void) {
  CHECK_NUMBER(asked_of_helper("/bin/true"), 64);
  CHECK_NUMBER(asked_of_helper("/usr/bin/true"), 64);
  CHECK_NUMBER(asked_of_helper("igzip"), 64);
  CHECK_NUMBER(asked_of_helper("/usr/bin/../bin/zstd"), 64);
}

int main(int argc, char **argv) {
  if (argc == 3 && !strcmp(argv[0], "probe")) return probe(argv[1], argv[2]);
  if (argc != 2 || !mkdtemp(directory) || chmod(directory, 0777) < 0) return 64;
  helper = argv[1];
  its_streams_are_all_it_has();
  it_reaches_no_process_and_makes_none();
  its_code_is_that_of_files_and_its_memory_is_bounded();
  it_is_nobody();
  it_ends_with_its_parent();
  only_roots_own_files_are_run();
  only_listed_programs_are_run();
  sweep();
  if (failures) fprintf(stderr, "%d failed\n", failures);
  return failures != 0;
}

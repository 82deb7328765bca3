/* Tests of the gate: a script stands in for the JVM, a FIFO tells it how to end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "sys.h"

int failures;

enum { PATIENCE_MS = 20000 };

static char scratch[] = "/tmp/gantry-gates-XXXXXX";
static const char *helper;

#define AWAIT(condition) \
  do { \
    uint64_t until_ = monotonic_ms() + PATIENCE_MS; \
    bool so_; \
    while (!(so_ = (condition)) && monotonic_ms() < until_) poll(NULL, 0, 5); \
    CHECK(so_ && #condition); \
  } while (0)

static const char *path(const char *name) {
  static char texts[8][128];
  static unsigned next;
  char *text = texts[next++ % 8];
  snprintf(text, sizeof texts[0], "%s/%s", scratch, name);
  return text;
}

static bool exists(const char *name) { return access(path(name), F_OK) == 0; }

static void write_file(const char *name, const char *text, mode_t mode) {
  int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  CHECK_NUMBER(write_all(fd, text, strlen(text)), 0);
  close(fd);
}

static const char *content(const char *name) {
  static char text[4096];
  return read_file(AT_FDCWD, path(name), text, sizeof text) < 0 ? "" : text;
}

/* How often a line is in the script's diary. */
static int noted(const char *line) {
  int count = 0;
  for (const char *at = content("diary"); (at = strstr(at, line)); at++) count++;
  return count;
}

/* Starts a gate before the script, which says that it is ready unless told otherwise. */
static pid_t start_gate(const char *mode) {
  unlink(path("diary"));
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 2);
    int leak = fcntl(null, F_DUPFD, 50); /* what the caller left open must not get through */
    if (leak < 0 || chdir(scratch) < 0) _exit(99);
    execl(helper, helper, "gate", "--pidfile", path("pid"), "--socket", path("socket"), "--", path("jvm"), mode, (char *)NULL);
    _exit(99);
  }
  return pid;
}

static int end_of(pid_t pid) {
  int status = -1;
  AWAIT(waitpid(pid, &status, WNOHANG) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The FIFO opens once the script reads it. */
static void let_it_end(const char *code) {
  int fd = -1;
  AWAIT((fd = open(path("orders"), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0);
  CHECK_NUMBER(write_all(fd, code, strlen(code)), 0);
  close(fd);
}

static int dial(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path("socket"));
  int connected = connect(fd, (struct sockaddr *)&address, sizeof address);
  close(fd);
  return connected;
}

static void stop(pid_t pid) {
  kill(pid, SIGTERM);
  CHECK_NUMBER(end_of(pid), 0);
}

static void it_holds_a_socket_and_hands_on_nothing_else(void) {
  struct stat st;
  char line[32];
  pid_t pid = start_gate("ready");
  AWAIT(noted("ready") == 1);
  CHECK(stat(path("socket"), &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0660);
  snprintf(line, sizeof line, "%d\n", (int)pid);
  CHECK_TEXT(content("pid"), line);
  CHECK_NUMBER(noted("fds 0 1 2 3 end"), 1);
  CHECK_NUMBER(noted("stdin socket:"), 1);
  CHECK_NUMBER(noted("ready fd 3"), 1);
  CHECK_NUMBER(dial(), 0);
  stop(pid);
  CHECK_NUMBER(noted("term"), 1);
  CHECK(!exists("socket") && !exists("pid"));
}

/* Without a descriptor left to ask with, nobody knows whether somebody listens: so the socket stays. */
static void a_socket_that_cannot_be_asked_for_is_left_alone(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path("socket"));
  CHECK_NUMBER(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  CHECK_NUMBER(listen(fd, 1), 0);
  pid_t pid = fork();
  if (pid == 0) {
    struct rlimit few = {4, 4}; /* 0-2 and the one for signals */
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 2);
    (void)sys_close_range(3, ~0u);
    if (setrlimit(RLIMIT_NOFILE, &few) < 0) _exit(99);
    execl(helper, helper, "gate", "--socket", path("socket"), "--", "/bin/true", (char *)NULL);
    _exit(99);
  }
  CHECK_NUMBER(end_of(pid), 71);
  CHECK_NUMBER(dial(), 0);
  close(fd);
  unlink(path("socket"));
}

static void a_jvm_that_crashes_is_started_again(void) {
  pid_t pid = start_gate("ready");
  let_it_end("5\n");
  AWAIT(noted("ready fd") == 2);
  CHECK_NUMBER(dial(), 0);
  uint64_t before = monotonic_ms();
  let_it_end("143\n");
  CHECK_NUMBER(dial(), 0); /* clients wait, they are not refused */
  AWAIT(noted("ready fd") == 3);
  CHECK(monotonic_ms() - before >= 90);
  stop(pid);
}

static void a_final_code_ends_the_gate_too(void) {
  static const char *const codes[] = {"0\n", "64\n", "78\n"};
  static const int expected[] = {0, 64, 78};
  for (unsigned i = 0; i < COUNT(codes); i++) {
    pid_t pid = start_gate("ready");
    let_it_end(codes[i]);
    CHECK_NUMBER(end_of(pid), expected[i]);
    CHECK_NUMBER(noted("ready fd"), 1);
    CHECK(!exists("socket") && !exists("pid"));
  }
}

static void before_it_was_ready_any_failure_is_final(void) {
  pid_t pid = start_gate("silent");
  let_it_end("5\n");
  CHECK_NUMBER(end_of(pid), 5);
  CHECK_NUMBER(noted("stdin"), 1);
}

static void signals_for_the_jvm_are_passed_on(void) {
  pid_t pid = start_gate("ready");
  AWAIT(noted("ready fd") == 1);
  kill(pid, SIGHUP);
  AWAIT(noted("hup") == 1);
  stop(pid);
}

static void a_second_gate_is_refused(void) {
  char log[256];
  pid_t pid = start_gate("ready");
  AWAIT(noted("ready fd") == 1);
  snprintf(log, sizeof log, "%s gate --pidfile %s -- true 2>&1 | grep -q 'already running with pid %d$'", helper, path("pid"), (int)pid);
  CHECK_NUMBER(system(log), 0);
  snprintf(log, sizeof log, "%s gate --socket %s -- true 2>&1 | grep -q 'in use$'", helper, path("socket"));
  CHECK_NUMBER(system(log), 0);
  CHECK(exists("socket") && exists("pid"));

  stop(pid);
}

static void what_a_crash_left_behind_is_replaced_and_nothing_else(void) {
  pid_t pid = start_gate("ready");
  AWAIT(noted("ready fd") == 1);
  pid_t jvm = (pid_t)atoi(strstr(content("diary"), "pid ") + 4);
  kill(pid, SIGKILL);
  kill(jvm, SIGKILL);
  AWAIT(kill(jvm, 0) < 0 || dial() < 0);
  AWAIT(dial() < 0);
  CHECK(exists("socket") && exists("pid"));
  pid_t killed = pid; /* not reaped yet: it still has a pid and a name */
  pid = start_gate("ready");
  AWAIT(noted("ready fd") == 1);
  CHECK_NUMBER(end_of(killed), -1);
  stop(pid);
  write_file("socket", "precious", 0600);
  CHECK_NUMBER(end_of(start_gate("ready")), 71);
  CHECK_TEXT(content("socket"), "precious");
  CHECK(!exists("pid"));
  unlink(path("socket"));
}

static void without_its_gate_the_jvm_ends_and_the_next_gate_waits_for_that(void) {
  pid_t pid = start_gate("slow");
  AWAIT(noted("ready fd") == 1);
  kill(pid, SIGKILL);
  CHECK_NUMBER(end_of(pid), -1);
  AWAIT(noted("term") == 1);
  CHECK_NUMBER(dial(), 0); /* it has not ended yet */
  uint64_t before = monotonic_ms();
  pid = start_gate("ready");
  AWAIT(noted("ready fd") == 1);
  CHECK(monotonic_ms() - before >= 200);
  CHECK_NUMBER(dial(), 0);
  stop(pid);
  CHECK(!exists("socket") && !exists("pid"));
}

int main(int argc, char **argv) {
  char script[1024];
  if (argc != 2 || !mkdtemp(scratch)) return 64;
  helper = argv[1];
  snprintf(script, sizeof script,
           "#!/bin/sh\nexec >> %s\necho pid $$\ntrap 'echo term; [ $mode = slow ] && sleep 0.5; exit 143' TERM\ntrap 'echo hup' HUP\nset -- \"$1\" /proc/$$/fd/*\nmode=$1\nshift\n"
           "fds=\nfor f; do [ -e $f ] || continue; n=${f##*/}; [ $n -ge 10 ] && [ $n -lt 50 ] || fds=\"$fds $n\"; done\necho \"fds$fds end\"\n"
           "echo stdin $(readlink /proc/self/fd/0)\n"
           "[ $mode = silent ] || { printf r >&3; echo ready fd $GANTRY_READY_FD; }\n"
           "while :; do read code < %s && exit $code; done\n",
           path("diary"), path("orders"));
  write_file("jvm", script, 0755);
  CHECK_NUMBER(mkfifo(path("orders"), 0600), 0);
  it_holds_a_socket_and_hands_on_nothing_else();
  a_socket_that_cannot_be_asked_for_is_left_alone();
  a_jvm_that_crashes_is_started_again();
  a_final_code_ends_the_gate_too();
  before_it_was_ready_any_failure_is_final();
  signals_for_the_jvm_are_passed_on();
  a_second_gate_is_refused();
  what_a_crash_left_behind_is_replaced_and_nothing_else();
  without_its_gate_the_jvm_ends_and_the_next_gate_waits_for_that();
  const char *const left[] = {"jvm", "orders", "diary", "pid", "socket"};
  for (unsigned i = 0; i < COUNT(left); i++) unlink(path(left[i]));
  rmdir(scratch);
  if (failures) fprintf(stderr, "%d failed\n", failures);
  return failures != 0;
}

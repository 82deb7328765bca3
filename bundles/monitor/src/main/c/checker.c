#include "checker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor.h"
#include "sys.h"

enum { STACK_BYTES = 64 * 1024, RENEW_MS = 60 * 1000, END_MS = 1000 };

/* ---- the process that serves ---- */

struct job {
  struct setup *setup;
  char **argv;
  int output[2];
  volatile bool told;
};

static APART uint8_t stack[STACK_BYTES] __attribute__((aligned(16)));

/* Shares the memory of who waits for it, until it runs the command. Its report names it: the kernel says who has sent it. */
static int run_command(void *of) {
  struct job *job = of;
  struct setup *s = job->setup;
  setsid();
  if (dup2(job->output[1], 1) < 0 || dup2(job->output[1], 2) < 0) _exit(71);
  report_send(s, REPORT_EXECING, 0, job->output, 1);
  job->told = true;
  (void)command_run(s, job->argv);
  report_send(s, REPORT_FAILED, 0, NULL, 0);
  _exit(127);
}

static void serve_one(struct setup *s, char **argv) {
  struct job job = {.setup = s, .argv = argv};
  pid_t pid = -1;
  if (pipe2(job.output, O_CLOEXEC) == 0) {
    /* Not clone3, which seccomp profiles refuse. The monitor is the parent, and reaps it. */
    pid = clone(run_command, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_PARENT, &job);
    close(job.output[0]);
    close(job.output[1]);
  }
  if (pid < 0 || !job.told) report_send(s, REPORT_UNSERVED, 0, NULL, 0);
}

_Noreturn void checker_serve(struct setup *s, char **argv) {
  char go;
  umask(s->umask);
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  report_send(s, REPORT_WAITING, 0, NULL, 0);
  while (read(s->report, &go, 1) == 1) serve_one(s, argv);
  _exit(0);
}

/* ---- in the monitor ---- */

static void checker_ready(struct watch *w, uint32_t events);

static struct watch checker = {.fd = -1};
static pid_t checker_pid; /* 0 until it has said so */
static uint64_t made_ms;
static bool served, stale, useless;

static int make(const struct attribute *program, uint64_t now) {
  int ends[2], yes = 1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -1;
  (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
  (void)setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
  int made = exec_checker(ends[1], program);
  close(ends[1]);
  if (made < 0) {
    close(ends[0]);
    return -1;
  }
  watch_init(&checker, ends[0], checker_ready);
  checker_pid = 0;
  made_ms = now;
  served = stale = false;
  checker_watch(true);
  return 0;
}

int checker_begin(const struct attribute *program, uint64_t now) {
  static const char go = 'c';
  if (checker.fd >= 0 && (stale || now - made_ms > RENEW_MS)) checker_let_go();
  if (useless || monitor.runtime || (checker.fd < 0 && make(program, now) < 0)) return -1;
  if (write(checker.fd, &go, 1) == 1) return 0;
  checker_let_go();
  return -1;
}

/* Of one that has never done what it is there for there is not another one. */
static void unserved(void) {
  useless = !served;
  if (useless) checker_let_go();
  health_not_served();
}

static void lost(void) {
  checker_let_go();
  unserved();
}

static void take_report(const struct report *r, pid_t sender, int fd) {
  switch (r->kind) {
    case REPORT_WAITING: checker_pid = sender; break;
    case REPORT_EXECING:
      served = true;
      health_served(sender, fd);
      return;
    case REPORT_FAILED:
      served = true;
      health_refused(r);
      break;
    case REPORT_UNSERVED: unserved(); break;
    default: break;
  }
  if (fd >= 0) close(fd);
}

void checker_read(void) {
  while (checker.fd >= 0) {
    struct report r = {0};
    int fd = -1;
    unsigned count = 1;
    pid_t sender = 0;
    ssize_t n = receive_with_fds(checker.fd, &r, sizeof r, &fd, &count, &sender);
    if (n < 0 && errno == EAGAIN) return;
    if (n != sizeof r) {
      lost();
      return;
    }
    r.text[sizeof r.text - 1] = 0;
    take_report(&r, sender, count == 1 ? fd : -1);
  }
}

static void checker_ready(struct watch *w, uint32_t events) {
  (void)w;
  (void)events;
  checker_read();
}

void checker_watch(bool wanted) { watch_for(&checker, wanted ? POLLIN : 0); }

void checker_renew(void) { stale = true; }

void checker_let_go(void) {
  watch_close(&checker);
  checker_pid = 0;
}

void checker_end(void) {
  if (checker.fd < 0) return;
  struct pollfd report = {.fd = checker.fd, .events = POLLIN};
  if (!checker_pid && poll(&report, 1, END_MS) > 0) checker_read();
  if (checker_pid) exec_kill(checker_pid);
  checker_let_go();
}

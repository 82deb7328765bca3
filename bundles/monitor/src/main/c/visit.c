/* Visits: a short-lived child joins the network namespace of init and carries a program out there, for what the engine changes
 * in a container that runs. It is in no other namespace and no cgroup of the container's, which so can neither see nor
 * stop it; a paused container and one at its limit of processes are visited all the same. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor.h"
#include "sockets.h"
#include "sys.h"

enum { VISITS_MOST = 64, VISIT_MS = 10000 };

struct visit {
  struct visit *next;
  struct watch report;
  struct connection *connection;
  pid_t pid; /* 0 when it was reaped */
  uint64_t until_ms;
  struct report outcome;
};

static struct visit *visits;

static APART struct setup setup;

/* ---- the program ---- */

/* What the monitor's namespaces would be changed by has no place here. */
static const char *op_refusal(const struct op *op) {
  struct arg args[2];
  switch (op->code) {
    case OP_NETLINK:
    case OP_NETFILTER:
    case OP_DNS:
    case OP_LOOPBACK_UP: return NULL;
    case OP_SYSCTL: op_args(op, args); return strncmp(arg_text(args), "net/", 4) == 0 ? NULL : "not a sysctl of the network";
    default: return "not an op on a network";
  }
}

static const char *program_refusal(const struct attribute *a, struct report *r) {
  struct program p;
  struct op op;
  const char *wrong = program_check(a->value, a->length, &r->index, &r->code);
  if (wrong) return wrong;
  program_open(&p, a->value, a->length);
  for (r->index = 0; program_next(&p, &op); r->index++) {
    r->code = op.code;
    wrong = op_refusal(&op);
    if (wrong) return wrong;
  }
  return NULL;
}

/* ---- the answer ---- */

static void refuse(struct connection *c, const struct report *r) {
  size_t begin = message_begin(&c->queue, MSG_ERROR);
  message_put_u64(&c->queue, TAG_ERRNO, (uint64_t)r->error);
  if (r->code) {
    message_put_u64(&c->queue, TAG_OP_INDEX, r->index);
    message_put_u64(&c->queue, TAG_OP_CODE, r->code);
  }
  message_put_text(&c->queue, TAG_TEXT, r->text);
  message_put_u64(&c->queue, TAG_STAGE, STAGE_INSIDE);
  message_end(&c->queue, begin);
}

static void fail(struct report *r, int error, const char *text) {
  *r = (struct report){.kind = REPORT_FAILED, .error = error};
  snprintf(r->text, sizeof r->text, "%s", text);
}

static void end_visit(struct visit *v) {
  struct connection *c = v->connection;
  for (struct visit **at = &visits; *at; at = &(*at)->next) {
    if (*at != v) continue;
    *at = v->next;
    break;
  }
  if (v->outcome.kind == REPORT_DONE) message_end(&c->queue, message_begin(&c->queue, MSG_OK));
  else refuse(c, &v->outcome);
  watch_close(&v->report);
  if (v->pid > 0) kill(v->pid, SIGKILL);
  c->visit = NULL;
  c->closing = true;
  connection_send(c);
  connection_flow(c);
  free_later(v);
}

static void report_ready(struct watch *w, uint32_t events) {
  struct visit *v = CONTAINER_OF(w, struct visit, report);
  struct report r;
  int fds[2];
  unsigned count = COUNT(fds);
  (void)events;
  ssize_t n = receive_with_fds(w->fd, &r, sizeof r, fds, &count, NULL);
  if (n < 0 && errno == EAGAIN) return;
  if (n == sizeof r && r.kind == REPORT_SOCKETS) {
    sockets_take_dns(fds, count, r.text);
    return;
  }
  if (n == sizeof r) v->outcome = r;
  else if (!v->outcome.kind) fail(&v->outcome, ECHILD, "change the container's network: the helper was killed");
  if (v->outcome.kind) end_visit(v);
}

/* ---- the visit ---- */

static int join_network(struct setup *s) {
  static const char own[] = "/proc/self/ns/net";
  struct stat before, after;
  if (stat(own, &before) < 0 || syscall(SYS_setns, s->join, CLONE_NEWNET) < 0 || stat(own, &after) < 0) {
    return failed(s, "join the container's network namespace");
  }
  if (before.st_ino == after.st_ino && before.st_dev == after.st_dev) return refused(s, EINVAL, "the container has the host's network");
  return 0;
}

static int send_out(struct visit *v, const struct attribute *program, int container) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -1;
  v->pid = sys_clone(0);
  if (v->pid == 0) {
    setup = (struct setup){.stage = STAGE_INSIDE, .report = ends[1], .in = -1, .out = -1, .err = -1, .join = container};
    setup.program = program->value;
    setup.length = program->length;
    setup_visit(&setup, join_network);
  }
  int error = errno;
  close(ends[1]);
  (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
  watch_init(&v->report, ends[0], report_ready);
  if (v->pid < 0) watch_close(&v->report);
  errno = error;
  return v->pid < 0 ? -1 : 0;
}

static int begin_visit(struct connection *c, const struct attribute *program) {
  struct visit *v = must_alloc(sizeof *v);
  int container = sys_pidfd_open(monitor.init->pid);
  int result = container < 0 ? -1 : send_out(v, program, container), error = errno;
  if (container >= 0) close(container);
  if (result < 0) {
    free(v);
    errno = error;
    return -1;
  }
  v->connection = c;
  v->until_ms = monotonic_ms() + VISIT_MS;
  v->next = visits;
  visits = v;
  c->visit = v;
  watch_for(&v->report, POLLIN);
  return 0;
}

static bool too_many(void) {
  unsigned count = 0;
  for (struct visit *v = visits; v; v = v->next) count++;
  return count >= VISITS_MOST;
}

void visit_start(struct connection *c, const struct message *m) {
  struct attribute program = {0};
  struct report r = {0};
  const char *wrong = "no program";
  struct process *p = monitor.init;
  if (message_has(m, TAG_PROGRAM, &program)) wrong = program_refusal(&program, &r);
  if (wrong) {
    r.error = EINVAL;
    snprintf(r.text, sizeof r.text, "inside: %s", wrong);
  } else if (monitor.runtime) {
    fail(&r, EOPNOTSUPP, "inside: a foreign runtime has the container's network");
  } else if (!p || p->pid <= 0 || p->reaped || monitor.phase == PHASE_EXITED) {
    fail(&r, ESRCH, "inside: the container is not running");
  } else if (too_many()) {
    fail(&r, EAGAIN, "inside: too many at once");
  } else if (begin_visit(c, &program) < 0) {
    fail(&r, errno, "inside: cannot start a helper");
  } else {
    return;
  }
  refuse(c, &r);
  c->closing = true;
}

bool visit_is(pid_t pid) {
  for (struct visit *v = visits; v; v = v->next) {
    if (v->pid != pid) continue;
    v->pid = 0;
    return true;
  }
  return false;
}

uint64_t visits_look_at_ms(void) {
  uint64_t until = 0;
  for (struct visit *v = visits; v; v = v->next) {
    if (!until || v->until_ms < until) until = v->until_ms;
  }
  return until;
}

void visits_check(uint64_t now_ms) {
  for (struct visit *v = visits, *next; v; v = next) {
    next = v->next;
    if (now_ms < v->until_ms) continue;
    fail(&v->outcome, ETIMEDOUT, "change the container's network: no answer within 10 s");
    end_visit(v);
  }
}

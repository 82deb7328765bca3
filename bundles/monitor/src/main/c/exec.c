/* Exec: a parked process waits in the container's cgroups (joining them takes 10-16 ms on many hosts, a fork from there
 * none of it). For each exec it joins the namespaces of init and forks the process to be, which so is in the pid namespace,
 * where the parked one never is. With CLONE_PARENT it is the monitor's child, which reaps it itself. A user namespace cannot be
 * joined twice: for one of those a helper does that and forks once more.
 * A fork counts against the container's limit of processes, joining does not: near the limit the helper is forked
 * outside and what it forks joins. A container that has used up its processes can still be looked into. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <linux/sched.h>
#include <unistd.h>

#include "monitor.h"
#include "spawn.h"
#include "sys.h"

/* What goes to the parked process; the descriptors are the program, the report socket, init's pidfd (a number could be
 * somebody else's by the time it is used; a foreign runtime has none) and, without a terminal, 0-2. */
struct park_request {
  uint64_t length, rows, columns;
  bool join, joins_user, tty, null_stdin, serves;
  char oom_score[OOM_SCORE_MOST]; /* that its program asks for; "": the zygote's first one */
};

enum { PROGRAM_FD, REPORT_SOCKET, FIXED_FDS, FDS_MOST = FIXED_FDS + 1 + 3 };

enum { PARK_END_MS = 1000 };

/* Processes in the container's cgroups while one is exec'ed: the parked one, the helper and the exec'ed one. */
enum { EXEC_PROCESSES = 3 };
/* The same once there is one who serves checks. */
enum { CHECK_PROCESSES = EXEC_PROCESSES + 1 };

static pid_t parked;
static int park_socket = -1;

/* ---- in the parked process and its helpers ---- */

static APART struct setup setup;

static void map_program(const struct park_request *r, int fd) {
  setup.program = mmap(NULL, r->length, PROT_READ, MAP_PRIVATE, fd, 0);
  setup.length = r->length;
  if (setup.program == MAP_FAILED) _exit(71);
}

static void prepare(const struct park_request *r, const int *fds, unsigned count) {
  unsigned next = FIXED_FDS;
  setup = (struct setup){.stage = STAGE_EXEC, .report = fds[REPORT_SOCKET], .in = -1, .out = -1, .err = -1};
  setup.tty = r->tty;
  setup.rows = r->rows;
  setup.columns = r->columns;
  setup.joins_user = r->joins_user;
  setup.serves = setup.inside = r->serves;
  setup.oom = setup.network = -1;
  setup.join = r->join && next < count ? fds[next++] : -1;
  if (r->tty || r->serves) return;
  if (!r->null_stdin && next < count) setup.in = fds[next++];
  if (next < count) setup.out = fds[next++];
  if (next < count) setup.err = fds[next];
}

static _Noreturn void report_and_end(const char *text, int error) {
  refused(&setup, error, "%s: %s", text, errno_words(error));
  report_send(&setup, REPORT_FAILED, 0, NULL, 0);
  _exit(127);
}

static int join_cgroups(void) {
  for (char **file = monitor.cgroups; file && *file; file++) {
    int fd = open(*file, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write_all(fd, "0", 1) < 0) return -1;
    close(fd);
  }
  return 0;
}

/* Init may be in other namespaces than at the exec before. */
static void enter_container(void) {
  if (setup_join(setup.join, false) < 0) report_and_end("join the container's namespaces", errno);
  close(setup.join);
  setup.join = -1;
  setup.inside = true;
}

/* Whoever is forked next is in no pid namespace of the container's. */
static void stay_outside(void) {
  int self = sys_pidfd_open(getpid());
  if (self < 0 || syscall(SYS_setns, self, CLONE_NEWPID) < 0) report_and_end("leave the container's pid namespace", errno);
  close(self);
}

/* The parked process takes on the score that an exec asks for, and who is forked from it inherits that: in the container there
 * is no procfs to be trusted. */
static void take_oom_score(const char *score, int file) {
  static char now[OOM_SCORE_MOST];
  if (!score[0]) score = spawn_oom_score();
  if (strcmp(score, now) != 0) {
    bool done = file >= 0 && write_all(file, score, strlen(score)) == 0;
    snprintf(now, sizeof now, "%s", done ? score : "");
  }
  memcpy(setup.oom_score, now, sizeof now);
}

static _Noreturn void park(int socket) {
  title_set("gantry-exec");
  if (dup3(socket, 3, O_CLOEXEC) < 0 && errno != EINVAL) _exit(71);
  (void)sys_close_range(4, ~0u);
  /* What is the host's comes first: later paths are the container's. */
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) _exit(71);
  int oom = spawn_restore_limits();
  int joined = join_cgroups(), error = errno;
  for (;;) {
    struct park_request r;
    int fds[FDS_MOST];
    unsigned count = COUNT(fds);
    ssize_t n = receive_with_fds(3, &r, sizeof r, fds, &count, NULL);
    if (n != sizeof r || count < FIXED_FDS) _exit(0);
    prepare(&r, fds, count);
    if (joined < 0) report_and_end("join the container's cgroup", error);
    int container = setup.join;
    setup.null = null;
    r.oom_score[sizeof r.oom_score - 1] = 0;
    take_oom_score(r.oom_score, oom);
    if (r.serves) stay_outside();
    else if (container >= 0 && !r.joins_user) enter_container();
    pid_t helper = sys_clone(CLONE_PARENT);
    if (helper == 0) {
      map_program(&r, fds[PROGRAM_FD]);
      setup_run(&setup);
    }
    if (helper < 0) report_and_end("fork in the container's cgroup", errno);
    for (unsigned i = 0; i < count; i++) {
      if (fds[i] != container || setup.join >= 0) close(fds[i]);
    }
  }
}

/* ---- in the monitor ---- */

static void forget_parked(void) {
  close(park_socket);
  park_socket = -1;
  parked = 0;
}

bool park_is(pid_t pid) {
  if (pid != parked || pid == 0) return false;
  forget_parked();
  return true;
}

void exec_kill(pid_t pid) {
  struct pollfd end = {.fd = sys_pidfd_open(pid), .events = POLLIN};
  kill(pid, SIGKILL);
  /* Whoever is told of the container's end will remove its cgroups next; a frozen one keeps us, but not for ever. */
  if (end.fd >= 0) {
    (void)poll(&end, 1, PARK_END_MS);
    close(end.fd);
  }
}

void park_end(void) {
  if (parked) exec_kill(parked);
}

static int ensure_parked(void) {
  int ends[2];
  if (parked) return 0;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -1;
  pid_t pid = sys_clone(0);
  if (pid == 0) park(ends[1]);
  int error = errno;
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    errno = error;
    return -1;
  }
  (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
  parked = pid;
  park_socket = ends[0];
  return 0;
}

static int program_file(const uint8_t *program, size_t length) {
  int fd = memfd_create("program", MFD_CLOEXEC);
  if (fd >= 0 && write_all(fd, program, length) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

int monitor_continue(const uint8_t *program, size_t length) {
  struct process *p = monitor.init;
  uint32_t index, code;
  uint64_t size = length;
  if (!(monitor.flags & FLAG_WAIT) || monitor.phase != PHASE_CREATED || !p || p->report.fd < 0) return EINVAL;
  if (program_check(program, length, &index, &code)) return EINVAL;
  monitor_look_through(program, length);
  int fd = program_file(program, length);
  if (fd < 0) return errno;
  monitor.flags &= ~(uint64_t)FLAG_WAIT;
  int error = send_with_fds(p->report.fd, &size, sizeof size, &fd, 1) < 0 ? errno : 0;
  close(fd);
  return error;
}

int exec_open_beside(const char *file, const char *name) {
  char path[PATH_MAX];
  const char *slash = strrchr(file, '/');
  if (!slash || snprintf(path, sizeof path, "%.*s/%s", (int)(slash - file), file, name) >= (int)sizeof path) return -1;
  return open(path, O_RDONLY | O_CLOEXEC);
}

static bool has_beside(const char *file, const char *name) {
  int fd = exec_open_beside(file, name);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/* -1: not there, or no limit */
static long number_beside(const char *file, const char *name) {
  char text[32], *end;
  int fd = exec_open_beside(file, name);
  if (fd < 0) return -1;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  long value = strtol(text, &end, 10);
  return end == text ? -1 : value;
}

/* The first of the container's cgroups that counts processes, or NULL: which one does not change, so the others are asked once. */
static const char *counting(void) {
  static char **found;
  if (!found) {
    for (found = monitor.cgroups; found && *found && !has_beside(*found, "pids.max"); found++) {
    }
  }
  return found ? *found : NULL;
}

static bool has_room(long processes) {
  const char *file = counting();
  long most = file ? number_beside(file, "pids.max") : -1;
  return most < 0 || most - number_beside(file, "pids.current") >= processes;
}

static int start_outside(const struct park_request *r, const int *fds, unsigned count) {
  pid_t helper = sys_clone(0);
  if (helper == 0) {
    prepare(r, fds, count);
    setup.cgroups = monitor.cgroups;
    map_program(r, fds[PROGRAM_FD]);
    setup_run(&setup);
  }
  return helper < 0 ? -1 : 0;
}

/* Where memory is short the kernel may have killed the one that waits, and nobody has reaped it yet: another takes its place. */
static int start_inside(const struct park_request *r, const int *fds, unsigned count) {
  bool waited = parked != 0;
  if (ensure_parked() < 0) return -1;
  if (send_with_fds(park_socket, r, sizeof *r, fds, count) >= 0) return 0;
  if (!waited || (errno != EPIPE && errno != ECONNRESET)) return -1;
  forget_parked();
  return start_inside(r, fds, count);
}

static void find_oom_score(const struct attribute *program, char score[OOM_SCORE_MOST]) {
  struct program p;
  struct op op;
  struct arg text;
  program_open(&p, program->value, program->length);
  while (program_next(&p, &op)) {
    if (op.code != OP_OOM_SCORE) continue;
    op_args(&op, &text);
    if (text.length < OOM_SCORE_MOST) snprintf(score, OOM_SCORE_MOST, "%s", arg_text(&text));
  }
}

static int hand_over(struct park_request *r, const int child[3], int report, const struct attribute *program) {
  int fds[FDS_MOST], container = -1;
  unsigned count = FIXED_FDS;
  r->length = program->length;
  r->join = !monitor.runtime;
  r->joins_user = monitor.remapped;
  find_oom_score(program, r->oom_score);
  if (r->join) {
    container = sys_pidfd_open(monitor.init->pid);
    if (container < 0) return -1;
    fds[count++] = container;
  }
  for (int i = 0; i < 3 && !r->tty; i++) {
    if (child[i] >= 0) fds[count++] = child[i];
  }
  fds[REPORT_SOCKET] = report;
  fds[PROGRAM_FD] = program_file(program->value, program->length);
  bool inside = r->serves || has_room(EXEC_PROCESSES);
  int result = fds[PROGRAM_FD] < 0 ? -1 : inside ? start_inside(r, fds, count) : start_outside(r, fds, count);
  int error = errno;
  if (fds[PROGRAM_FD] >= 0) close(fds[PROGRAM_FD]);
  if (container >= 0) close(container);
  errno = error;
  return result;
}

int exec_process(struct process *p, const struct attribute *program) {
  struct park_request r = {.rows = p->rows, .columns = p->columns, .tty = p->tty, .null_stdin = !p->keeps_stdin};
  int child[3] = {-1, -1, -1}, report = -1;
  bool done = process_open(p, child, &report) == 0 && hand_over(&r, child, report, program) == 0;
  int error = errno;
  process_close_child_ends(child, report);
  if (done) monitor_add(p);
  else process_free(p);
  errno = error;
  return done ? 0 : -1;
}

int exec_checker(int socket, const struct attribute *program) {
  static const int none[3] = {-1, -1, -1};
  struct park_request r = {.serves = true, .null_stdin = true};
  errno = EAGAIN;
  return has_room(CHECK_PROCESSES) ? hand_over(&r, none, socket, program) : -1;
}

static const char *exec_refusal(const char *id, const struct attribute *program, int *error) {
  uint32_t index, code;
  *error = EINVAL;
  if (!id || strlen(id) != ID_LENGTH || strspn(id, "0123456789abcdef") != ID_LENGTH) return "exec: invalid id";
  if (!program->value || program_check(program->value, program->length, &index, &code)) return "exec: invalid program";
  *error = ESRCH;
  if (monitor.phase != PHASE_RUNNING) return "exec: the container is not running";
  *error = EEXIST;
  if (monitor_find_exec(id)) return "exec: this id is taken";
  *error = EAGAIN;
  if (monitor.exec_count >= EXECS_MOST) return "exec: too many processes";
  return NULL;
}

static void start(struct connection *c, const char *id, const struct message *m, const struct attribute *program) {
  uint64_t streams = message_u64(m, TAG_STREAMS, 0), flags = message_u64(m, TAG_FLAGS, 0) & FLAG_TTY;
  if (streams & STREAM_STDIN) flags |= FLAG_STDIN | FLAG_STDIN_ONCE;
  struct process *p = process_new(id, flags, message_u64(m, TAG_ROWS, 0), message_u64(m, TAG_COLUMNS, 0));
  if (exec_process(p, program) < 0) {
    connection_error(c, errno, "exec: cannot reach the container's cgroup");
    c->closing = true;
    return;
  }
  connection_stream(c, p, streams);
}

void exec_start(struct connection *c, const struct message *m) {
  struct attribute program = {0};
  int error = 0;
  char *id = message_text(m, TAG_EXEC_ID);
  if (!message_has(m, TAG_PROGRAM, &program)) program.value = NULL;
  const char *refusal = exec_refusal(id, &program, &error);
  if (refusal) {
    connection_error(c, error, refusal);
    c->closing = true;
  } else {
    start(c, id, m, &program);
  }
  free(id);
}

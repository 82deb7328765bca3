#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <linux/sched.h>
#include <unistd.h>

#include "checker.h"
#include "sockets.h"
#include "spawn.h"
#include "sys.h"

struct monitor monitor;

/* Namespaces that init may be cloned into; a user namespace, and all that belongs to it, is made by the op ENTER. */
enum { CLONE_ALLOWED = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP };

enum { ACCEPT_AGAIN_MS = 100 };

static APART struct setup setup;
static int network = -1; /* made while CREATE was on its way */
static uint64_t accept_again_ms; /* 0 while connections are accepted */
static char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];

/* ---- messages ---- */

static void put_execs(struct buffer *b) {
  for (struct process *p = monitor.processes; p; p = p->next) {
    if (p->id[0] && p->started && !p->finished && !p->checks) message_put_text(b, TAG_LIVE_EXEC, p->id);
  }
  record_put_remembered(b);
}

void monitor_hello(struct buffer *b) {
  size_t begin = message_begin(b, MSG_HELLO);
  message_put_u64(b, TAG_PROTOCOL, PROTOCOL_VERSION);
  message_put_u64(b, TAG_OP_SET, OP_SET_VERSION);
  message_put_text(b, TAG_HELPER_SHA256, helper_sha256());
  message_put_text(b, TAG_INSTANCE, monitor.instance);
  message_put_text(b, TAG_CONTAINER, monitor.container);
  message_put_text(b, TAG_BOOT_ID, boot_id());
  message_put_u64(b, TAG_MONITOR_PID, (uint64_t)getpid());
  message_put_u64(b, TAG_INIT_PID, monitor.init_pid);
  message_put_u64(b, TAG_INIT_START, monitor.init_start);
  message_put_u64(b, TAG_PHASE, monitor.phase);
  message_put_u64(b, TAG_COMMITTED, monitor.committed);
  message_put_u64(b, TAG_FLAGS, monitor.flags);
  put_execs(b);
  sockets_put_names(b);
  message_put_u64(b, TAG_SERVED, link_serves());
  health_put(b);
  if (monitor.phase == PHASE_EXITED) put_ending(b, &monitor.ending);
  message_end(b, begin);
}

static void tell(struct buffer *b, size_t begin) {
  message_end(b, begin);
  connections_tell(b);
  buffer_clear(b);
}

static void put_failure(struct buffer *b, const struct report *r) {
  size_t begin = message_begin(b, MSG_ERROR);
  message_put_u64(b, TAG_ERRNO, (uint64_t)r->error);
  message_put_u64(b, TAG_OP_INDEX, r->index);
  message_put_u64(b, TAG_OP_CODE, r->code);
  message_put_text(b, TAG_TEXT, r->text);
  message_put_u64(b, TAG_STAGE, r->stage);
  message_end(b, begin);
}

/* ---- what becomes of processes ---- */

struct process *monitor_find_exec(const char *id) {
  for (struct process *p = monitor.processes; p; p = p->next) {
    if (p->id[0] && strcmp(p->id, id) == 0) return p;
  }
  return NULL;
}

static void tell_init(enum message_type type) {
  struct buffer b = {0};
  size_t begin = message_begin(&b, type);
  message_put_u64(&b, TAG_INIT_PID, monitor.init_pid);
  message_put_u64(&b, TAG_INIT_START, monitor.init_start);
  if (type == MSG_STARTED) message_put_u64(&b, TAG_TIME_NS, wall_clock_ns());
  tell(&b, begin);
}

/* Only who asked for it hears of it: every message more wakes an engine. */
static void exec_started(struct process *p) {
  struct buffer b = {0};
  size_t begin = message_begin(&b, MSG_EXEC_STARTED);
  message_put_text(&b, TAG_EXEC_ID, p->id);
  message_put_u64(&b, TAG_INIT_PID, (uint64_t)p->pid);
  message_end(&b, begin);
  for (struct connection *c = monitor.connections; c; c = c->next) {
    if (c->process != p) continue;
    buffer_append(&c->queue, b.data + b.start, buffer_length(&b));
    if (!c->streams) {
      c->process = NULL;
      c->closing = true;
    }
    connection_send(c);
    connection_flow(c);
  }
  buffer_clear(&b);
}

void monitor_started(struct process *p) {
  if (p != monitor.init) {
    if (p->checks) health_begun(p);
    else exec_started(p);
    return;
  }
  monitor.started_ms = monotonic_ms();
  monitor.init_pid = (uint64_t)p->pid;
  monitor.init_start = record_start_time(p->pid);
  if (p->started) monitor.phase = PHASE_RUNNING;
  tell_init(p->started ? MSG_STARTED : MSG_CREATED);
}

void monitor_add(struct process *p) {
  p->next = monitor.processes;
  monitor.processes = p;
  monitor.exec_count++;
}

void monitor_forget(struct process *p) {
  for (struct process **at = &monitor.processes; *at; at = &(*at)->next) {
    if (*at != p) continue;
    *at = p->next;
    break;
  }
  if (p->id[0]) monitor.exec_count--;
  else monitor.init = NULL;
  process_free(p);
}

static void kill_children(void);

/* Nothing of the container is left when its failure is told; with COMMIT behind us a record says why. */
static void init_failed(struct process *p) {
  static const int cannot_run[] = {EACCES, EISDIR, ENOEXEC};
  int error = p->failure->error;
  struct buffer b = {0};
  kill_children();
  sockets_leave();
  monitor.ending = (struct ending){.status = error == ENOENT || error == ENOTDIR ? 127 : 128, .time_ns = wall_clock_ns()};
  for (unsigned i = 0; i < COUNT(cannot_run); i++) {
    if (error == cannot_run[i]) monitor.ending.status = 126;
  }
  if (monitor.committed) record_exit(p, &monitor.ending);
  monitor.phase = PHASE_EXITED;
  monitor.failed = true;
  put_failure(&b, p->failure);
  connections_tell(&b);
  connections_close_control();
  buffer_clear(&b);
  connections_end_streams(p);
  monitor_forget(p);
}

static void exec_failed(struct process *p) {
  if (p->checks) health_finished(p);
  for (struct connection *c = monitor.connections; c; c = c->next) {
    if (c->process == p) put_failure(&c->queue, p->failure);
  }
  connections_end_streams(p);
  monitor_forget(p);
}

void monitor_start_failed(struct process *p) {
  if (p == monitor.init) init_failed(p);
  else exec_failed(p);
}

static void check_finished(struct process *p) {
  health_finished(p);
  monitor_forget(p);
}

static void exec_finished(struct process *p) {
  struct ending e;
  struct buffer b = {0};
  record_ending(&e, p);
  record_remember(p->id, &e);
  size_t begin = message_begin(&b, MSG_EXEC_EXIT);
  message_put_text(&b, TAG_EXEC_ID, p->id);
  message_put_u64(&b, TAG_STATUS, e.status);
  message_put_u64(&b, TAG_SIGNAL, e.signal);
  message_put_u64(&b, TAG_TIME_NS, e.time_ns);
  tell(&b, begin);
  connections_end_streams(p);
  monitor_forget(p);
}

static void init_finished(struct process *p) {
  struct buffer b = {0};
  if (monitor.spool) spool_end(monitor.spool, wall_clock_ns());
  health_end();
  park_end();
  sockets_leave();
  record_ending(&monitor.ending, p);
  record_exit(p, &monitor.ending);
  monitor.phase = PHASE_EXITED;
  size_t begin = message_begin(&b, MSG_EXIT);
  put_ending(&b, &monitor.ending);
  tell(&b, begin);
  connections_end_streams(p);
  monitor_forget(p);
}

void monitor_finished(struct process *p) {
  if (p == monitor.init) init_finished(p);
  else if (p->checks) check_finished(p);
  else exec_finished(p);
}

/* ---- children ---- */

/* Sends SIGKILL to every child, orphans of the container included. */
static void signal_children(void) {
  char path[64], text[8192], *rest = NULL;
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  ssize_t n = read_file(AT_FDCWD, path, text, sizeof text);
  if (n < 0) return;
  /* Of more than fit, the last may be half a number, and so a stranger's; their turn comes when these have ended. */
  char *last = n == sizeof text - 1 ? strrchr(text, ' ') : NULL;
  if (last) *last = 0;
  for (char *word = strtok_r(text, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
    uint64_t pid;
    if (!parse_u64(word, &pid) || pid <= 1) continue;
    if (!monitor.spool || !log_writer_is(monitor.spool->writer, (pid_t)pid)) kill((pid_t)pid, SIGKILL);
  }
}

/* Until there is none: each one's end may hand us its own children. A pid that was reaped can be anybody's by then. */
static void kill_children(void) {
  pid_t gone;
  if (monitor.spool && monitor.spool->writer) log_writer_end(monitor.spool->writer);
  do {
    struct process *init = monitor.init;
    if (init && init->pid > 0 && !init->reaped) kill(init->pid, SIGKILL);
    signal_children();
    gone = waitpid(-1, NULL, 0);
    if (gone > 0 && !park_is(gone) && init && gone == init->pid) init->reaped = true;
  } while (gone > 0 || errno == EINTR);
}

static struct process *running_as(pid_t pid) {
  struct process *p = monitor.processes;
  while (p && (p->pid != pid || p->reaped)) p = p->next;
  return p;
}

static void end_of_child(pid_t pid, int status) {
  static bool init_ended;
  struct process *p = park_is(pid) || visit_is(pid) ? NULL : running_as(pid);
  if (p && p == monitor.init) init_ended = true;
  /* In a pid namespace of its own init takes everything with it; elsewhere that is left to us, and each one's end may
   * hand us its own children. */
  if (init_ended && !monitor.own_pids) signal_children();
  if (p) process_reaped(p, status);
}

static void read_all_reports(void) {
  for (struct process *p = monitor.processes, *next; p; p = next) {
    next = p->next;
    if (p->report.fd >= 0) process_read_report(p);
  }
}

static void reap(struct watch *w, uint32_t events) {
  (void)events;
  struct signalfd_siginfo info;
  (void)read(w->fd, &info, sizeof info); /* however many have ended, the signal is there once */
  for (;;) {
    siginfo_t ended = {0};
    int status;
    /* An exec'ed process names itself in its report before it can end: so reports come first. */
    if (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) < 0 || ended.si_pid == 0) return;
    read_all_reports();
    checker_read();
    pid_t pid = waitpid(ended.si_pid, &status, WNOHANG);
    if (pid > 0) end_of_child(pid, status);
  }
}

/* ---- the end of the monitor ---- */

void monitor_leave_socket(void) {
  if (socket_path[0]) unlink(socket_path);
  socket_path[0] = 0;
}

static _Noreturn void end(void) {
  park_end();
  monitor_leave_socket();
  _exit(0);
}

_Noreturn void monitor_destroy(void) {
  kill_children();
  sockets_leave();
  end();
}

static bool over(void) {
  if (monitor.phase != PHASE_EXITED || monitor.processes || connections_have_streams()) return false;
  return monitor.quit || ((monitor.committed || monitor.failed) && !connections_have_control());
}

/* ---- beginning ---- */

static void accept_connection(struct watch *w, uint32_t events) {
  (void)events;
  struct ucred peer;
  socklen_t size = sizeof peer;
  int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
    /* Without a descriptor to spare it would be told again and again; anybody's may be the one that is missing. */
    watch_for(w, 0);
    accept_again_ms = monotonic_ms() + ACCEPT_AGAIN_MS;
    return;
  }
  bool ours = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
  if (ours && monitor.connection_count < CONNECTIONS_MOST) connection_new(fd, false);
  else close(fd);
}

static int listen_in_dir(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int n = snprintf(socket_path, sizeof socket_path, "%s/ctl.sock", monitor.dir);
  if (n < 0 || (size_t)n >= sizeof socket_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(address.sun_path, socket_path, sizeof address.sun_path);
  unlink(socket_path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  mode_t before = umask(0177);
  int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
  umask(before);
  if (bound < 0 || listen(fd, 64) < 0) return -1;
  watch_init(&monitor.listener, fd, accept_connection);
  watch_for(&monitor.listener, POLLIN);
  return 0;
}

static int watch_children(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) return -1;
  watch_init(&monitor.signals, fd, reap);
  watch_for(&monitor.signals, POLLIN);
  return 0;
}

static void read_create(const struct message *m) {
  monitor.instance = message_text(m, TAG_INSTANCE);
  monitor.container = message_text(m, TAG_CONTAINER);
  monitor.dir = message_text(m, TAG_DIR);
  monitor.flags = message_u64(m, TAG_FLAGS, 0);
  monitor.clone = message_u64(m, TAG_CLONE, 0);
  monitor.own_pids = (monitor.clone & CLONE_NEWPID) != 0;
  monitor.runtime = message_u64(m, TAG_RUNTIME, 0) != 0;
  monitor.oom_files = message_texts(m, TAG_OOM_FILE);
  monitor.watch_oom = message_u64(m, TAG_OOM_WATCH, 0) != 0;
  monitor.cpu_file = message_text(m, TAG_CPU_FILE);
  monitor.cgroups = message_texts(m, TAG_CGROUP_PROCS);
  monitor.phase = PHASE_CREATED;
}

void monitor_look_through(const uint8_t *program, size_t length) {
  struct program p;
  struct op op;
  struct arg flags;
  program_open(&p, program, length);
  while (program_next(&p, &op)) {
    if (op.code != OP_ENTER) continue;
    op_args(&op, &flags);
    monitor.remapped = true;
    if (arg_number(&flags) & CLONE_NEWPID) monitor.own_pids = true;
  }
}

/* The sentence that says what is wrong with a CREATE, or NULL. */
static const char *create_refusal(const struct message *m, struct attribute *program, struct report *r) {
  if (!monitor.instance || !monitor.container) return "create: no instance or container";
  if (!monitor.dir || monitor.dir[0] != '/') return "create: no directory";
  if (monitor.clone & ~(uint64_t)CLONE_ALLOWED) return "create: unknown namespaces";
  if (message_has(m, TAG_PROGRAM, program)) return program_check(program->value, program->length, &r->index, &r->code);
  *program = (struct attribute){0};
  return monitor.flags & FLAG_WAIT ? NULL : "create: no program";
}

static int open_log(const struct message *m) {
  char *path = message_text(m, TAG_LOG_PATH);
  if (!path) return 0;
  monitor.spool = spool_open(path, message_u64(m, TAG_LOG_MAX_BYTES, 0), message_u64(m, TAG_LOG_MAX_FILES, 1));
  free(path);
  if (!monitor.spool) return -1;
  char *attributes = message_text(m, TAG_LOG_ATTRIBUTES);
  spool_describe(monitor.spool, attributes);
  free(attributes);
  monitor.logs_input = message_u64(m, TAG_LOG_STDIN, 0) != 0;
  uint64_t waiting = message_u64(m, TAG_LOG_BUFFER_BYTES, 0);
  return waiting ? spool_unblock(monitor.spool, waiting) : 0;
}

int monitor_reopen_log(const struct message *m) {
  if (!monitor.spool) return open_log(m);
  char *path = message_text(m, TAG_LOG_PATH);
  int result = spool_reopen(monitor.spool, path ? path : monitor.spool->path, message_u64(m, TAG_LOG_MAX_BYTES, monitor.spool->most_bytes),
                            message_u64(m, TAG_LOG_MAX_FILES, monitor.spool->most_files));
  free(path);
  return result;
}

int monitor_log_compressed(const struct message *m) {
  char *path = message_text(m, TAG_LOG_PATH);
  int result = -1;
  errno = EINVAL;
  if (path && monitor.spool) result = spool_compressed(monitor.spool, path, message_u64(m, TAG_LOG_INODE, 0));
  free(path);
  return result;
}

/* Before anything of the container exists: a port that is taken ends it here. */
static int open_sockets(const struct message *m, const char **what) {
  static char why[256];
  char *net = message_text(m, TAG_NET);
  /* Without a helper ports are reserved all the same; the engine names another. */
  if (net) (void)link_to(net);
  free(net);
  *what = NULL;
  if (sockets_listen(m, why, sizeof why) == 0) return 0;
  *what = why;
  return -1;
}

static int prepare(const struct message *m, const char **what) {
  *what = monitor.dir;
  monitor.dir_fd = open(monitor.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (monitor.dir_fd < 0) return -1;
  *what = "ctl.sock";
  if (listen_in_dir() < 0) return -1;
  *what = "open the log";
  if (open_log(m) < 0) return -1;
  *what = "watch for signals";
  if (watch_children() < 0) return -1;
  return open_sockets(m, what);
}

static int open_network(void) { return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC); }

/* Of all namespaces the one of networks takes by far the longest. It belongs to nobody until init goes there; this process
 * stays where it is. */
void monitor_expect(const struct message *m) {
  int here = message_u64(m, TAG_CLONE, 0) & CLONE_NEWNET ? open_network() : -1;
  if (here < 0 || network >= 0) return;
  if (syscall(SYS_unshare, (long)CLONE_NEWNET) == 0) { /* else CREATE says why */
    network = open_network();
    if (syscall(SYS_setns, here, CLONE_NEWNET) < 0) _exit(71);
  }
  close(here);
}

static int start_init(const struct message *m, const struct attribute *program) {
  int child[3] = {-1, -1, -1}, report = -1;
  struct process *p = process_new("", monitor.flags, message_u64(m, TAG_ROWS, 0), message_u64(m, TAG_COLUMNS, 0));
  p->next = monitor.processes;
  monitor.processes = monitor.init = p;
  if (process_open(p, child, &report) < 0) return -1;
  bool made = network >= 0 && monitor.clone & CLONE_NEWNET;
  pid_t pid = sys_clone(made ? monitor.clone & ~(uint64_t)CLONE_NEWNET : monitor.clone);
  if (pid == 0) {
    setup = (struct setup){.stage = STAGE_INIT, .report = report, .in = child[0], .out = child[1], .err = child[2], .join = -1};
    setup.network = made ? network : -1;
    setup.tty = p->tty;
    setup.wait = (monitor.flags & FLAG_WAIT) != 0;
    setup.reap = (monitor.flags & FLAG_SUBREAPER_INIT) != 0;
    setup.rows = p->rows;
    setup.columns = p->columns;
    setup.program = program->value;
    setup.length = program->length;
    setup_run(&setup);
  }
  int error = errno;
  process_close_child_ends(child, report);
  if (network >= 0) close(network);
  errno = error;
  p->pid = pid;
  monitor.init_pid = pid > 0 ? (uint64_t)pid : 0;
  return pid < 0 ? -1 : 0;
}

/* Before there is a container: say why to whoever asked, and end. */
static _Noreturn void give_up(int connection, const struct report *r) {
  struct buffer b = {0};
  if (!monitor.instance) monitor.instance = must_copy("");
  if (!monitor.container) monitor.container = must_copy("");
  monitor_hello(&b);
  put_failure(&b, r);
  (void)fcntl(connection, F_SETFL, 0);
  (void)write_all(connection, b.data + b.start, buffer_length(&b));
  end();
}

static _Noreturn void give_up_errno(int connection, const char *what) {
  struct report r = {.error = errno, .stage = STAGE_MONITOR};
  snprintf(r.text, sizeof r.text, "%s: %s", what, errno_words(r.error));
  give_up(connection, &r);
}

static void be_monitor(void) {
  title_set("gantry-monitor");
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  /* Whoever signals everything at shutdown means the containers; the monitor stays for their exit records. */
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  signal(SIGQUIT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
}

static uint64_t sooner(uint64_t one, uint64_t other) { return one && (!other || one < other) ? one : other; }

static int next_timeout(void) {
  uint64_t now = monotonic_ms(), until = sooner(oom_look_at_ms(), sooner(visits_look_at_ms(), sooner(link_look_at_ms(), accept_again_ms)));
  until = sooner(health_look_at_ms(), until);
  for (struct process *p = monitor.processes; p; p = p->next) {
    until = sooner(p->drain_until_ms, until);
  }
  if (!until) return -1;
  return until <= now ? 0 : until - now > INT_MAX ? INT_MAX : (int)(until - now);
}

static void check_times(void) {
  uint64_t now = monotonic_ms();
  oom_check(now);
  visits_check(now);
  link_check(now);
  health_look(now);
  if (accept_again_ms && now >= accept_again_ms) {
    accept_again_ms = 0;
    watch_for(&monitor.listener, POLLIN);
  }
  for (struct process *p = monitor.processes, *next; p; p = next) {
    next = p->next;
    process_check_drain(p, now);
  }
}

_Noreturn void monitor_main(int connection, const struct message *create) {
  struct attribute program = {0};
  struct report refusal = {.error = EINVAL, .stage = STAGE_MONITOR};
  const char *what = NULL;
  be_monitor();
  read_create(create);
  const char *wrong = create_refusal(create, &program, &refusal);
  if (wrong) {
    snprintf(refusal.text, sizeof refusal.text, "%s", wrong);
    give_up(connection, &refusal);
  }
  if (prepare(create, &what) < 0) give_up_errno(connection, what);
  connection_new(connection, true);
  monitor_hello(&monitor.connections->queue);
  connection_send(monitor.connections);
  connection_flow(monitor.connections);
  if (program.value) monitor_look_through(program.value, program.length);
  if (start_init(create, &program) < 0) give_up_errno(connection, "clone the container's first process");
  while (!over()) {
    loop_round(next_timeout());
    check_times();
    connections_sweep();
  }
  end();
}

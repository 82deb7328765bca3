/* A process that the monitor started, from its set-up to its last byte of output: init and exec'ed ones alike. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "monitor.h"
#include "sockets.h"
#include "sys.h"

enum { CHUNK = 128 * 1024, PIPE_LARGE = 1 << 20, PIPE_BUSY = 32 * 1024, PASS_LEAST = 16 * 1024, PASS_MOST = 256 * 1024, DRAIN_MS = 2000, DRAIN_MOST = 4 << 20 };

static APART uint8_t chunk[CHUNK];

static void source_ready(struct watch *w, uint32_t events);
static void input_ready(struct watch *w, uint32_t events);
static void report_ready(struct watch *w, uint32_t events);

struct process *process_new(const char *id, uint64_t flags, uint64_t rows, uint64_t columns) {
  struct process *p = must_alloc(sizeof *p);
  strncpy(p->id, id, ID_LENGTH);
  p->tty = (flags & FLAG_TTY) != 0;
  p->keeps_stdin = (flags & FLAG_STDIN) != 0;
  p->closes_stdin = (flags & FLAG_STDIN_ONCE) != 0;
  p->rows = rows;
  p->columns = columns;
  p->out = (struct source){.watch.fd = -1, .process = p, .stream = 1};
  p->err = (struct source){.watch.fd = -1, .process = p, .stream = 2};
  p->in.fd = p->report.fd = p->terminal = -1;
  return p;
}

static void nonblocking(int fd) { (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

static int open_pipes(struct process *p, int child[3]) {
  int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
  bool done = (!p->keeps_stdin || pipe2(in, O_CLOEXEC) == 0) && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0;
  child[0] = in[0];
  child[1] = out[1];
  child[2] = err[1];
  if (in[1] >= 0) watch_init(&p->in, in[1], input_ready);
  if (out[0] >= 0) watch_init(&p->out.watch, out[0], source_ready);
  if (err[0] >= 0) watch_init(&p->err.watch, err[0], source_ready);
  if (!done) return -1;
  if (p->in.fd >= 0) nonblocking(p->in.fd);
  nonblocking(p->out.watch.fd);
  nonblocking(p->err.watch.fd);
  return 0;
}

int process_open(struct process *p, int child[3], int *report) {
  int ends[2], yes = 1;
  *report = -1;
  if (!p->tty && open_pipes(p, child) < 0) return -1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return -1;
  *report = ends[1];
  nonblocking(ends[0]);
  /* The sender's pid, as this process sees it: an exec'ed process cannot know its own. */
  (void)setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
  watch_init(&p->report, ends[0], report_ready);
  watch_for(&p->report, POLLIN);
  process_flow(p);
  return 0;
}

void process_close_child_ends(int child[3], int report) {
  for (int i = 0; i < 3; i++) {
    if (child[i] >= 0) close(child[i]);
  }
  if (report >= 0) close(report);
}

static void release_terminal(struct process *p) {
  if (p->terminal >= 0) close(p->terminal);
  p->terminal = -1;
}

void process_free(struct process *p) {
  watch_close(&p->report);
  watch_close(&p->in);
  watch_close(&p->out.watch);
  watch_close(&p->err.watch);
  release_terminal(p);
  buffer_clear(&p->input);
  free(p->failure);
  free_later(p);
}

/* ---- set-up ---- */

void process_failed(struct process *p, const struct report *r) {
  if (!p->failure) p->failure = must_alloc(sizeof *p->failure);
  *p->failure = *r;
}

static void take_console(struct process *p, int master) {
  nonblocking(master);
  watch_init(&p->out.watch, master, source_ready);
  int writing = fcntl(master, F_DUPFD_CLOEXEC, 3);
  watch_init(&p->in, writing, input_ready);
  p->terminal = sys_terminal(master);
  process_flow(p);
}

static void take_report(struct process *p, const struct report *r, pid_t sender, const int *fds, unsigned count) {
  int fd = count == 1 ? fds[0] : -1;
  switch (r->kind) {
    case REPORT_WAITING: break;
    case REPORT_MOVED: p->pid = (pid_t)r->value; break;
    case REPORT_EXECING: p->execing = true; break;
    case REPORT_FAILED: process_failed(p, r); break;
    case REPORT_SOCKETS: sockets_take_dns(fds, count, r->text); return;
    case REPORT_CONSOLE:
      if (fd >= 0 && p->tty && p->out.watch.fd < 0) {
        take_console(p, fd);
        fd = -1;
      }
      break;
    default: break;
  }
  if (fd >= 0) close(fd);
  bool own = r->kind != REPORT_MOVED && r->kind != REPORT_FAILED;
  if (own && sender > 0) p->pid = sender;
  if (r->kind == REPORT_WAITING && p == monitor.init) monitor_started(p);
}

static void take_the_rest(struct process *p);

static void set_up_ended(struct process *p) {
  watch_close(&p->report);
  if (p->execing && !p->failure) {
    p->started = true;
    p->start = record_start_time(p->pid);
    monitor_started(p);
    process_flow(p);
    /* The end of a short life may be known first: others in the set-up let go of their report sockets after it. */
    if (p->reaped) take_the_rest(p);
    return;
  }
  if (!p->failure) {
    struct report killed = {.kind = REPORT_FAILED, .error = ECHILD, .stage = p == monitor.init ? STAGE_INIT : STAGE_EXEC};
    strcpy(killed.text, "the process was killed during its set-up");
    process_failed(p, &killed);
  }
  monitor_start_failed(p);
}

void process_read_report(struct process *p) {
  while (p->report.fd >= 0) {
    struct report r = {0};
    int fds[2];
    unsigned count = COUNT(fds);
    pid_t sender = 0;
    ssize_t n = receive_with_fds(p->report.fd, &r, sizeof r, fds, &count, &sender);
    if (n < 0 && errno == EAGAIN) return;
    if (n != sizeof r) {
      set_up_ended(p);
      return;
    }
    r.text[sizeof r.text - 1] = 0;
    take_report(p, &r, sender, fds, count);
  }
}

static void report_ready(struct watch *w, uint32_t events) {
  (void)events;
  process_read_report(CONTAINER_OF(w, struct process, report));
}

/* ---- output ---- */

static void deliver(struct source *s, const uint8_t *data, size_t length) {
  struct process *p = s->process;
  if (p->checks) health_output(p, data, length);
  if (p == monitor.init && monitor.spool) spool_write(monitor.spool, s->stream, data, length, wall_clock_ns());
  for (struct connection *c = monitor.connections; c; c = c->next) {
    if (c->process == p && c->kind == STREAM && !c->broken) connection_frame(c, s->stream, data, length);
  }
}

/* A pipe with much in it gets larger once: not at first, since large ones count against the user's share. */
static void grow(struct source *s) {
  if (s->grown || s->process->tty) return;
  s->grown = true;
  (void)fcntl(s->watch.fd, F_SETPIPE_SZ, PIPE_LARGE);
}

/* Reads once; 0 at the end of output, which closes the source, -1 when there is nothing now. */
static ssize_t read_source(struct source *s) {
  ssize_t n;
  do n = read(s->watch.fd, chunk, sizeof chunk);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) return -1;
  if (n <= 0) { /* a terminal ends with EIO, when everybody has closed it, we too */
    watch_close(&s->watch);
    return 0;
  }
  if (n >= PIPE_BUSY) grow(s);
  deliver(s, chunk, (size_t)n);
  return n;
}

/* Output that nobody keeps and one client takes goes from pipe to socket inside the kernel. */
static bool pass_on(struct source *s) {
  struct process *p = s->process;
  int waiting = 0;
  if (p->tty || (p == monitor.init && monitor.spool)) return false;
  struct connection *c = connection_only(p, s->stream);
  if (!c || ioctl(s->watch.fd, FIONREAD, &waiting) < 0 || waiting < PASS_LEAST) return false;
  if (waiting >= PIPE_BUSY) grow(s);
  return connection_splice(c, s, waiting < PASS_MOST ? (size_t)waiting : PASS_MOST);
}

static bool output_ended(const struct process *p) { return p->out.watch.fd < 0 && p->err.watch.fd < 0; }

static void finish_if_done(struct process *p) {
  if (p->finished || !p->reaped || !output_ended(p)) return;
  p->finished = true;
  monitor_finished(p);
}

static void source_ready(struct watch *w, uint32_t events) {
  (void)events;
  struct source *s = CONTAINER_OF(w, struct source, watch);
  struct process *p = s->process;
  if (!pass_on(s)) read_source(s);
  process_flow(p);
  finish_if_done(p);
}

static bool behind(const struct process *p, unsigned stream) {
  for (struct connection *c = monitor.connections; c; c = c->next) {
    bool takes = c->process == p && c->kind == STREAM && !c->broken && (c->streams & (stream == 1 ? STREAM_STDOUT : STREAM_STDERR));
    if (takes && buffer_length(&c->queue) >= LAG_MOST) return true;
    if (c->process == p && c->left > 0) return true;
  }
  return false;
}

void process_flow(struct process *p) {
  /* Nothing is read while the set-up runs, so that its end is told before any output. */
  watch_for(&p->out.watch, !p->started || behind(p, 1) ? 0 : POLLIN);
  watch_for(&p->err.watch, !p->started || behind(p, 2) ? 0 : POLLIN);
  watch_for(&p->in, buffer_length(&p->input) > 0 ? POLLOUT : 0);
}

/* ---- input ---- */

static void flush_input(struct process *p) {
  int done = buffer_flush(&p->input, p->in.fd);
  if (done < 0) { /* nobody reads any more */
    buffer_clear(&p->input);
    watch_close(&p->in);
  }
  if (done > 0 && p->close_input) watch_close(&p->in);
  process_flow(p);
}

static void input_ready(struct watch *w, uint32_t events) {
  (void)events;
  struct process *p = CONTAINER_OF(w, struct process, in);
  flush_input(p);
  if (buffer_length(&p->input) > 0) return;
  for (struct connection *c = monitor.connections; c; c = c->next) {
    if (c->process == p) connection_flow(c);
  }
}

void process_input(struct process *p, const uint8_t *data, size_t length) {
  if (!p->keeps_stdin || p->close_input || (p->in.fd < 0 && (!p->tty || p->started))) return;
  if (p == monitor.init && monitor.logs_input) spool_write(monitor.spool, SPOOL_STREAMS, data, length, wall_clock_ns());
  buffer_append(&p->input, data, length);
  if (p->in.fd >= 0) flush_input(p);
}

void process_end_input(struct process *p) {
  if (p->tty || !p->closes_stdin || p->close_input) return;
  p->close_input = true;
  if (p->in.fd >= 0 && buffer_length(&p->input) == 0) watch_close(&p->in);
}

int process_resize(struct process *p, uint64_t rows, uint64_t columns) {
  if (!p->tty || p->in.fd < 0) {
    errno = ENOTTY;
    return -1;
  }
  struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
  return ioctl(p->in.fd, TIOCSWINSZ, &size);
}

int process_signal(const struct process *p, int number, bool group) {
  /* An exec'ed process leads a group of its own, unless a foreign runtime started it. */
  if (group && getpgid(p->pid) == p->pid) return kill(-p->pid, number);
  return kill(p->pid, number);
}

void process_take_output(struct process *p, int fd) {
  (void)fcntl(fd, F_SETFL, O_NONBLOCK);
  watch_init(&p->out.watch, fd, source_ready);
  process_flow(p);
}

/* ---- end ---- */

/* What lay in the pipe when the process ended is taken whether or not a client keeps up: it is not much. */
static void drain(struct source *s) {
  ssize_t n = 1;
  for (size_t total = 0; s->watch.fd >= 0 && n > 0 && total < DRAIN_MOST; total += (size_t)n) {
    n = read_source(s);
    if (n < 0) return;
  }
}

static void take_the_rest(struct process *p) {
  watch_close(&p->in);
  release_terminal(p);
  connections_unsplice(p);
  drain(&p->out);
  drain(&p->err);
  p->drain_until_ms = monotonic_ms() + DRAIN_MS;
  finish_if_done(p);
}

void process_reaped(struct process *p, int wait_status) {
  p->reaped = true;
  p->wait_status = wait_status;
  p->end_ns = wall_clock_ns();
  /* Before the start the report socket tells, now or later, what became of the set-up. */
  if (p->started) take_the_rest(p);
  else process_read_report(p);
}

void process_check_drain(struct process *p, uint64_t now_ms) {
  if (!p->drain_until_ms || p->finished || now_ms < p->drain_until_ms) return;
  connections_unsplice(p);
  watch_close(&p->out.watch);
  watch_close(&p->err.watch);
  finish_if_done(p);
}

/* Connections: control ones carry requests, answers and events; streams carry output one way and input the other. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "monitor.h"
#include "sockets.h"
#include "sys.h"

static void connection_ready(struct watch *w, uint32_t events);

enum { SOCKET_BYTES = 512 * 1024 };

static bool cannot_splice; /* into sockets: this kernel */

void connection_new(int fd, bool creator) {
  struct connection *c = must_alloc(sizeof *c);
  (void)fcntl(fd, F_SETFL, O_NONBLOCK);
  watch_init(&c->watch, fd, connection_ready);
  c->creator = creator;
  c->kind = creator ? CONTROL : FRESH;
  c->next = monitor.connections;
  monitor.connections = c;
  monitor.connection_count++;
  connection_flow(c);
}

static void drop(struct connection *c) {
  for (struct connection **at = &monitor.connections; *at; at = &(*at)->next) {
    if (*at != c) continue;
    *at = c->next;
    monitor.connection_count--;
    break;
  }
  struct process *p = c->process;
  /* Its creator, if he still listens, hears the end when everything is gone. */
  if (c->creator && !monitor.committed) monitor_destroy();
  watch_close(&c->watch);
  reader_reset(&c->reader);
  buffer_clear(&c->queue);
  c->process = NULL;
  free_later(c);
  if (p) process_flow(p);
}

/* Input waits while the process has not taken what came before, or a visit goes on. */
static bool paused(const struct connection *c) {
  if (c->visit) return true;
  return c->kind == STREAM && c->process && buffer_length(&c->process->input) > 0;
}

void connection_flow(struct connection *c) {
  uint32_t events = 0;
  bool held = paused(c);
  if (!c->ended && !held && !c->closing) events |= POLLIN;
  if (!c->broken && (buffer_length(&c->queue) > 0 || c->left > 0)) events |= POLLOUT;
  /* With input held back a hang-up cannot be acted on yet, and would be told again and again. */
  if (!events && !held) events = WATCH_HANGUP;
  watch_for(&c->watch, events);
}

/* Whether it takes nothing more and is of no more use. A COMMIT may still lie in the connection that created the
 * container, sent before its end: that one is read to the end. */
static bool useless(const struct connection *c) {
  return c->broken && c->kind != STREAM && !(c->creator && !monitor.committed && !c->ended);
}

/* What was promised comes here after all. */
static void unsplice(struct connection *c) {
  while (c->left > 0) {
    ssize_t n = read(c->from->watch.fd, buffer_room(&c->queue, c->left), c->left);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) { /* the container reads its own output */
      c->broken = true;
      c->left = 0;
      break;
    }
    c->queue.end += (size_t)n;
    c->left -= (size_t)n;
  }
  c->from = NULL;
}

static void splice_on(struct connection *c) {
  while (c->left > 0) {
    int waiting = 0;
    ssize_t n = splice(c->from->watch.fd, NULL, c->watch.fd, NULL, c->left, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (n > 0) {
      c->left -= (size_t)n;
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
      cannot_splice = true;
      unsplice(c);
      return;
    }
    /* The socket is full. Or the pipe is empty, of which nobody would ever tell: the container reads its own output. */
    bool full = n < 0 && errno == EAGAIN && ioctl(c->from->watch.fd, FIONREAD, &waiting) == 0 && waiting > 0;
    if (!full) c->broken = true;
    return;
  }
  c->from = NULL;
}

/* Sends what it takes; a broken one keeps its input but gets nothing more. */
void connection_send(struct connection *c) {
  if (!c->broken && buffer_flush(&c->queue, c->watch.fd) < 0) c->broken = true;
  if (!c->broken && c->left > 0 && buffer_length(&c->queue) == 0) splice_on(c);
  if (!c->broken) return;
  buffer_clear(&c->queue);
  c->from = NULL;
  c->left = 0;
}

/* Whether it is over; then it is gone. */
static bool settle(struct connection *c) {
  bool over = buffer_length(&c->queue) == 0 && c->left == 0 && (c->closing || (c->broken && c->ended));
  if (c->kind != STREAM && (c->ended || useless(c))) over = true;
  if (over) drop(c);
  else connection_flow(c);
  return over;
}

/* Sends past the empty queue, without a copy; what is not taken is queued. */
static void send_or_queue(struct connection *c, struct iovec *parts, int count) {
  ssize_t sent = 0;
  if (buffer_length(&c->queue) == 0) {
    do sent = writev(c->watch.fd, parts, count);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN) {
      c->broken = true;
      return;
    }
  }
  size_t skip = sent > 0 ? (size_t)sent : 0;
  for (int i = 0; i < count; i++) {
    size_t gone = skip < parts[i].iov_len ? skip : parts[i].iov_len;
    buffer_append(&c->queue, (uint8_t *)parts[i].iov_base + gone, parts[i].iov_len - gone);
    skip -= gone;
  }
}

static bool takes(const struct connection *c, unsigned stream) {
  return (c->streams & (stream == 1 ? STREAM_STDOUT : STREAM_STDERR)) && !c->closing;
}

static void put_head(uint8_t head[8], unsigned stream, size_t length) {
  uint32_t size = htonl((uint32_t)length);
  memset(head, 0, 4);
  head[0] = (uint8_t)stream;
  memcpy(head + 4, &size, sizeof size);
}

void connection_frame(struct connection *c, unsigned stream, const uint8_t *data, size_t length) {
  uint8_t head[8];
  if (!takes(c, stream)) return;
  put_head(head, stream, length);
  struct iovec parts[] = {{head, c->process->tty ? 0 : sizeof head}, {(void *)(uintptr_t)data, length}};
  send_or_queue(c, parts, COUNT(parts));
  connection_flow(c);
}

struct connection *connection_only(const struct process *p, unsigned stream) {
  struct connection *only = NULL;
  for (struct connection *c = monitor.connections; c; c = c->next) {
    if (c->process != p || c->kind != STREAM || c->broken) continue;
    if (only) return NULL;
    only = c;
  }
  return only && takes(only, stream) && buffer_length(&only->queue) == 0 && only->left == 0 ? only : NULL;
}

bool connection_splice(struct connection *c, struct source *s, size_t length) {
  uint8_t head[8];
  if (cannot_splice) return false;
  put_head(head, s->stream, length);
  buffer_append(&c->queue, head, sizeof head);
  c->from = s;
  c->left = length;
  connection_send(c);
  connection_flow(c);
  return true;
}

void connections_unsplice(const struct process *p) {
  for (struct connection *c = monitor.connections; c; c = c->next) {
    if (c->process != p || c->left == 0) continue;
    unsplice(c);
    connection_send(c);
    connection_flow(c);
  }
}

void connection_error(struct connection *c, int error, const char *text) {
  size_t begin = message_begin(&c->queue, MSG_ERROR);
  message_put_u64(&c->queue, TAG_ERRNO, (uint64_t)error);
  message_put_text(&c->queue, TAG_TEXT, text);
  message_put_u64(&c->queue, TAG_STAGE, STAGE_MONITOR);
  message_end(&c->queue, begin);
}

static void ok(struct connection *c) { message_end(&c->queue, message_begin(&c->queue, MSG_OK)); }

static void answer(struct connection *c, int error, const char *what) {
  char text[256];
  if (error == 0) {
    ok(c);
    return;
  }
  snprintf(text, sizeof text, "%s: %s", what, errno_words(error));
  connection_error(c, error, text);
}

/* The system's default lets writer and reader take turns, each waiting for the other. */
static void widen(int fd) {
  int bytes = SOCKET_BYTES;
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0) (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

void connection_stream(struct connection *c, struct process *p, uint64_t streams) {
  widen(c->watch.fd);
  c->kind = STREAM;
  c->process = p;
  c->streams = streams;
}

/* ---- requests ---- */

/* The process a request means: init, or the exec it names; NULL when it does not run. */
static struct process *addressed(const struct message *m) {
  char *id = message_text(m, TAG_EXEC_ID);
  struct process *p = id ? monitor_find_exec(id) : monitor.init;
  free(id);
  return p && !p->reaped && !p->finished ? p : NULL;
}

static void request_signal(struct connection *c, const struct message *m) {
  struct process *p = addressed(m);
  uint64_t number = message_u64(m, TAG_SIGNAL, 0);
  if (number < 1 || number > 64) answer(c, EINVAL, "signal");
  else if (!p || p->pid <= 0) answer(c, ESRCH, "signal");
  else answer(c, process_signal(p, (int)number, message_u64(m, TAG_GROUP, 0) != 0) < 0 ? errno : 0, "signal");
}

static void request_resize(struct connection *c, const struct message *m) {
  struct process *p = addressed(m);
  uint64_t rows = message_u64(m, TAG_ROWS, 0), columns = message_u64(m, TAG_COLUMNS, 0);
  if (!p) answer(c, ESRCH, "resize");
  else if (rows > 0xffff || columns > 0xffff) answer(c, EINVAL, "resize");
  else answer(c, process_resize(p, rows, columns) < 0 ? errno : 0, "resize");
}

static void request_program(struct connection *c, const struct message *m) {
  struct attribute program;
  int error = EINVAL;
  if (message_has(m, TAG_PROGRAM, &program)) error = monitor_continue(program.value, program.length);
  if (error) answer(c, error, "program");
}

static void request_quit(struct connection *c) {
  if (monitor.phase != PHASE_EXITED) {
    answer(c, EBUSY, "quit");
    return;
  }
  monitor.quit = true;
  /* Before the answer: whoever has it may start the container again, with a socket of the same name. */
  monitor_leave_socket();
  ok(c);
}

static void request_listen(struct connection *c, const struct message *m) {
  char why[200] = "listen";
  bool alive = monitor.phase != PHASE_EXITED && monitor.init;
  answer(c, !alive ? ESRCH : sockets_listen(m, why, sizeof why) < 0 ? errno : 0, why);
}

static void request_serve(struct connection *c, const struct message *m) {
  char *path = message_text(m, TAG_NET);
  answer(c, !path ? EINVAL : link_to(path) < 0 ? errno : 0, "reach the net helper");
  free(path);
}

/* The connection becomes a link. */
static void share(struct connection *c) {
  int fd = fcntl(c->watch.fd, F_DUPFD_CLOEXEC, 3);
  if (fd >= 0) link_adopt(fd);
  c->closing = true;
}

static void control_request(struct connection *c, const struct message *m) {
  switch (m->type) {
    case MSG_COMMIT:
      monitor.committed = true;
      ok(c);
      oom_watch();
      break;
    case MSG_PROGRAM: request_program(c, m); break;
    case MSG_SIGNAL: request_signal(c, m); break;
    case MSG_RESIZE: request_resize(c, m); break;
    case MSG_OUTPUT: answer(c, monitor_reopen_log(m) < 0 ? errno : 0, "open the log"); break;
    case MSG_COMPRESSED: answer(c, monitor_log_compressed(m) < 0 ? errno : 0, "compress the log"); break;
    case MSG_LISTEN: request_listen(c, m); break;
    case MSG_UNLISTEN:
      sockets_unlisten(m);
      ok(c);
      break;
    case MSG_SERVE: request_serve(c, m); break;
    case MSG_CHECK: answer(c, health_ask(m), "check the health"); break;
    case MSG_QUIT: request_quit(c); break;
    default: answer(c, EOPNOTSUPP, "request");
  }
}

static void attach(struct connection *c, const struct message *m) {
  if (!monitor.init || monitor.phase == PHASE_EXITED || monitor.failed) {
    answer(c, ESRCH, "attach");
    c->closing = true;
    return;
  }
  ok(c);
  connection_stream(c, monitor.init, message_u64(m, TAG_STREAMS, 0));
}

/* The first message says what a connection is. */
static void first_request(struct connection *c, const struct message *m) {
  switch (m->type) {
    case MSG_CONTROL:
      c->kind = CONTROL;
      monitor_hello(&c->queue);
      break;
    case MSG_QUERY:
      monitor_hello(&c->queue);
      c->closing = true;
      break;
    case MSG_ATTACH: attach(c, m); break;
    case MSG_EXEC: exec_start(c, m); break;
    case MSG_INSIDE: visit_start(c, m); break;
    case MSG_SHARE: share(c); break;
    case MSG_QUIT:
      request_quit(c);
      c->closing = true;
      break;
    default:
      answer(c, EOPNOTSUPP, "request");
      c->closing = true;
  }
}

static void stream_input(struct connection *c, const struct message *m) {
  if (!c->process || !(c->streams & STREAM_STDIN)) return;
  if (m->type == MSG_STDIN) process_input(c->process, m->payload, m->length);
  if (m->type == MSG_CLOSE_STDIN) process_end_input(c->process);
}

static void take_message(struct connection *c) {
  /* The reader is emptied first: a request may free the connection's process, but not this. */
  struct message m = c->reader.message;
  c->reader = (struct reader){0};
  switch (c->kind) {
    case FRESH: first_request(c, &m); break;
    case CONTROL: control_request(c, &m); break;
    default: stream_input(c, &m);
  }
  free(m.payload);
}

static void receive(struct connection *c) {
  switch (reader_step(&c->reader, c->watch.fd)) {
    case READ_MESSAGE: take_message(c); break;
    case READ_CLOSED: c->ended = true; break;
    default: break;
  }
}

static void connection_ready(struct watch *w, uint32_t events) {
  struct connection *c = CONTAINER_OF(w, struct connection, watch);
  uint32_t wanted = w->events;
  if (wanted & POLLIN && events & (POLLIN | POLLHUP | POLLERR)) receive(c);
  else if (events & (POLLHUP | POLLERR)) c->broken = true;
  connection_send(c);
  struct process *p = c->process;
  if (!settle(c) && p) process_flow(p);
}

/* ---- events ---- */

void connections_tell(const struct buffer *message) {
  for (struct connection *c = monitor.connections, *next; c; c = next) {
    next = c->next;
    if (c->kind != CONTROL || c->broken) continue;
    struct iovec part = {message->data + message->start, buffer_length(message)};
    send_or_queue(c, &part, 1);
    connection_flow(c); /* not dropped here: whoever tells may be walking the list */
  }
}

void connections_end_streams(struct process *p) {
  connections_unsplice(p);
  for (struct connection *c = monitor.connections, *next; c; c = next) {
    next = c->next;
    if (c->process != p) continue;
    c->process = NULL;
    c->closing = true;
    connection_send(c);
    settle(c);
  }
}

void connections_close_control(void) {
  for (struct connection *c = monitor.connections; c; c = c->next) {
    if (c->kind == CONTROL) c->closing = true;
  }
}

void connections_sweep(void) {
  for (struct connection *c = monitor.connections, *next; c; c = next) {
    size_t queued = buffer_length(&c->queue);
    next = c->next;
    bool deaf = c->kind == CONTROL && (useless(c) || queued > LAG_MOST);
    if (deaf || (c->closing && queued == 0 && c->left == 0)) drop(c);
  }
}

static bool have(int kind) {
  for (struct connection *c = monitor.connections; c; c = c->next) {
    if ((int)c->kind == kind && !(c->kind == CONTROL && c->closing)) return true;
  }
  return false;
}

bool connections_have_control(void) { return have(CONTROL) || have(FRESH); }
bool connections_have_streams(void) { return have(STREAM); }

/* Proxied TCP connections: two sockets and, while something is on its way, a pipe for each direction, through which the kernel
 * moves what comes without copying it here (splice). Each direction ends on its own.
 *
 * Both sockets are watched edge-triggered, once and for all: whatever happens, both directions are moved as far as they go. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "net.h"
#include "sys.h"

enum { PIECE = 1 << 20, PIECES_AT_ONCE = 8, CONNECT_MS = 30000, IDLE_PIPES = 64 };

/* What pipes may hold is counted by user: some are large, for the busiest, so that the rest need not be tiny. */
enum { LARGE_PIPE = 1 << 20, LARGE_FROM = 48 * 1024, LARGE_PIPES = 32 };

struct pipe_ends {
  int out, in;
  bool large;
};

struct way {
  struct pipe_ends pipe; /* in is 0 while there is none */
  size_t filled;
  bool ended, passed_on; /* that it has ended */
};

struct stream {
  struct stream *older, *newer; /* all of them */
  struct stream *next_busy;
  struct aging connecting;
  struct watch client, server;
  struct way up, down;
  struct port *port; /* NULL when that is closed */
  struct container *container;
  bool is_connecting, busy;
};

static struct stream streams = {.older = &streams, .newer = &streams};
static struct stream *busy;
static struct aging connecting;
static unsigned count;

static struct pipe_ends idle[IDLE_PIPES];
static unsigned idle_count, large_count;

unsigned stream_count(void) { return count; }

/* ---- pipes ---- */

static bool pipe_take(struct way *w) {
  if (w->pipe.in) return true;
  if (idle_count > 0) {
    w->pipe = idle[--idle_count];
    return true;
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return false;
  w->pipe = (struct pipe_ends){.out = ends[0], .in = ends[1]};
  return true;
}

static void pipe_grow(struct way *w) {
  if (w->pipe.large || large_count >= LARGE_PIPES || fcntl(w->pipe.in, F_SETPIPE_SZ, LARGE_PIPE) < 0) return;
  w->pipe.large = true;
  large_count++;
}

/* An empty one serves the next. */
static void pipe_leave(struct way *w) {
  if (!w->pipe.in) return;
  if (w->filled == 0 && idle_count < IDLE_PIPES) {
    idle[idle_count++] = w->pipe;
  } else {
    close(w->pipe.in);
    close(w->pipe.out);
    if (w->pipe.large) large_count--;
  }
  w->pipe = (struct pipe_ends){0};
}

/* ---- the end ---- */

static void reset(int fd) {
  struct linger now = {.l_onoff = 1};
  (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void stream_end(struct stream *s, bool broken) {
  if (s->is_connecting) aging_leave(&s->connecting);
  /* Who is still there learns that it was not an orderly end. */
  if (broken) {
    reset(s->client.fd);
    reset(s->server.fd);
  }
  pipe_leave(&s->up);
  pipe_leave(&s->down);
  watch_close(&s->client);
  watch_close(&s->server);
  s->older->newer = s->newer;
  s->newer->older = s->older;
  for (struct stream **at = &busy; *at; at = &(*at)->next_busy) {
    if (*at != s) continue;
    *at = s->next_busy;
    break;
  }
  count--;
  if (s->port) {
    s->port->users--;
    port_flow(s->port);
  }
  s->container->streams--;
  container_settle(s->container);
  free_later(s);
}

/* ---- on the way ---- */

enum moved { STUCK, MORE, BROKEN };

static enum moved fill(struct way *w, int from) {
  ssize_t n = splice(from, NULL, w->pipe.in, NULL, PIECE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (n < 0) return errno == EAGAIN || errno == EINTR ? STUCK : BROKEN;
  if (n == 0) w->ended = true;
  else w->filled += (size_t)n;
  if (n >= LARGE_FROM) pipe_grow(w);
  return MORE;
}

static enum moved drain(struct way *w, int to) {
  while (w->filled > 0) {
    ssize_t n = splice(w->pipe.out, NULL, to, NULL, w->filled, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN ? STUCK : BROKEN;
    w->filled -= (size_t)n;
  }
  return MORE;
}

/* One direction as far as it goes; MORE when others have their turn first. */
static enum moved move(struct way *w, int from, int to) {
  for (unsigned i = 0; i < PIECES_AT_ONCE; i++) {
    enum moved m = drain(w, to);
    if (m != MORE) return m;
    if (w->ended) break;
    m = fill(w, from);
    if (m != MORE) return m;
  }
  if (!w->ended) return MORE;
  if (w->filled > 0) return MORE;
  if (!w->passed_on && shutdown(to, SHUT_WR) < 0 && errno != ENOTCONN) return BROKEN;
  w->passed_on = true;
  return STUCK;
}

static enum moved pass(struct way *w, int from, int to) {
  if (w->passed_on) return STUCK;
  if (!pipe_take(w)) {
    net_pause();
    return BROKEN;
  }
  enum moved m = move(w, from, to);
  if (w->filled == 0) pipe_leave(w);
  return m;
}

static void run(struct stream *s) {
  enum moved up = pass(&s->up, s->client.fd, s->server.fd);
  enum moved down = up == BROKEN ? BROKEN : pass(&s->down, s->server.fd, s->client.fd);
  if (up == BROKEN || down == BROKEN) {
    stream_end(s, true);
  } else if (s->up.passed_on && s->down.passed_on) {
    stream_end(s, false);
  } else if ((up == MORE || down == MORE) && !s->busy) {
    s->busy = true;
    s->next_busy = busy;
    busy = s;
  }
}

/* Whether it is connected; one that failed is gone. */
static bool connected(struct stream *s, uint32_t events) {
  int error = 0;
  socklen_t size = sizeof error;
  if (!s->is_connecting) return true;
  if (!(events & (POLLOUT | POLLERR | POLLHUP))) return false;
  if (getsockopt(s->server.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error) {
    stream_end(s, true);
    return false;
  }
  aging_leave(&s->connecting);
  s->is_connecting = false;
  return true;
}

static void server_ready(struct watch *w, uint32_t events) {
  struct stream *s = CONTAINER_OF(w, struct stream, server);
  if (connected(s, events)) run(s);
}

static void client_ready(struct watch *w, uint32_t events) {
  struct stream *s = CONTAINER_OF(w, struct stream, client);
  (void)events;
  if (!s->is_connecting) run(s);
}

/* ---- the beginning ---- */

static int dial(const struct sockaddr_storage *to) {
  int one = 1, fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
  if (connect(fd, (const struct sockaddr *)to, address_length(to)) == 0 || errno == EINPROGRESS) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static void stream_begin(struct port *p, int client, int server) {
  struct stream *s = must_alloc(sizeof *s);
  s->port = p;
  s->container = p->container;
  s->container->streams++;
  s->is_connecting = true;
  watch_init(&s->client, client, client_ready);
  watch_init(&s->server, server, server_ready);
  s->older = streams.older;
  s->newer = &streams;
  s->older->newer = streams.older = s;
  count++;
  p->users++;
  if (!connecting.newer) aging_init(&connecting);
  aging_touch(&connecting, &s->connecting, monotonic_ms() + CONNECT_MS);
  if (!watch_for(&s->server, POLLIN | POLLOUT | WATCH_EDGE) || !watch_for(&s->client, POLLIN | POLLOUT | WATCH_EDGE)) stream_end(s, true);
}

void stream_accept(struct port *p) {
  for (unsigned i = 0; i < ONCE && p->target && p->users < limits.streams_of_port; i++) {
    if (count >= limits.streams) {
      net_pause();
      return;
    }
    int client = accept4(p->watch.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) net_pause();
      return;
    }
    int server = dial(&p->target->address);
    if (server >= 0) {
      stream_begin(p, client, server);
      continue;
    }
    if (errno == EMFILE || errno == ENFILE) net_pause();
    reset(client);
    close(client);
  }
}

/* ---- all of them ---- */

void streams_forget(const struct port *p) {
  for (struct stream *s = streams.newer; s != &streams; s = s->newer) {
    if (s->port == p) s->port = NULL;
  }
}

void streams_end(const struct container *c) {
  for (struct stream *s = streams.newer, *next; s != &streams; s = next) {
    next = s->newer;
    if (s->container == c) stream_end(s, true);
  }
}

uint64_t streams_look_at_ms(void) {
  if (busy) return 1;
  struct aging *oldest = connecting.newer ? aging_oldest(&connecting) : NULL;
  return oldest ? oldest->until_ms : 0;
}

void streams_check(uint64_t now_ms) {
  struct stream *turn = busy;
  busy = NULL;
  while (turn) {
    struct stream *s = turn;
    turn = s->next_busy;
    s->busy = false;
    s->next_busy = NULL;
    run(s);
  }
  for (struct aging *a = connecting.newer ? aging_oldest(&connecting) : NULL; a && now_ms >= a->until_ms; a = aging_oldest(&connecting)) {
    stream_end(CONTAINER_OF(a, struct stream, connecting), true);
  }
}

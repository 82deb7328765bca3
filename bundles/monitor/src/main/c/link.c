/* Links: connections to processes that serve duplicates of the container's sockets. The newest one is handed every socket;
 * former ones keep what they got, for the connections they still have, and are told like it when a socket goes. A link that
 * ends takes the duplicates with it; the sockets stay with the monitor and wait for the next.
 *
 * What goes takes effect before it is answered for: for that, and only that, the monitor waits, but not for long. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "loop.h"
#include "monitor.h"
#include "sockets.h"
#include "sys.h"

enum { AWAIT_MS = 200, CONNECT_AGAIN_MS = 20, CONNECT_TRIES = 50 };

struct link {
  struct watch watch;
  struct reader reader;
  struct buffer queue;
  unsigned owed; /* answers */
  pid_t peer;
};

static struct link links[LINKS_MOST]; /* the present one first */
static unsigned count;
static char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static bool untold; /* the present one has not got all */
static uint64_t connect_again_ms;
static unsigned tries;

static void link_ready(struct watch *w, uint32_t events);

/* ---- the list ---- */

static void flow(struct link *l) {
  bool more = buffer_length(&l->queue) > 0 || (l == links && untold);
  watch_for(&l->watch, more ? POLLIN | POLLOUT : POLLIN);
}

/* Watches are known by where they are: so a link that moves is watched anew. */
static void move(struct link *to, struct link *from) {
  int fd = from->watch.fd;
  watch_for(&from->watch, 0);
  *to = *from;
  watch_init(&to->watch, fd, link_ready);
  flow(to);
}

static void drop(struct link *l) {
  watch_close(&l->watch);
  reader_reset(&l->reader);
  buffer_clear(&l->queue);
  if (l == links) untold = false;
  count--;
  for (struct link *at = l; at < links + count; at++) move(at, at + 1);
}

static void forget_told(void) {
  for (struct listener *l = sockets_listeners(); l; l = l->next) l->told = false;
  if (sockets_dns()) sockets_dns()->told = false;
}

static pid_t peer_of(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

static void add(int fd) {
  if (count == LINKS_MOST) drop(&links[count - 1]);
  for (struct link *at = links + count; at > links; at--) move(at, at - 1);
  links[0] = (struct link){.peer = peer_of(fd)};
  count++;
  watch_init(&links[0].watch, fd, link_ready);
  forget_told();
  link_tell();
}

/* ---- what they are told ---- */

/* Listeners and, last, the pair for look-ups, as many as go with one message. */
static unsigned put_some(struct buffer *b, int fds[SOCKETS_AT_ONCE]) {
  struct dns_sockets *dns = sockets_dns();
  unsigned n = 0;
  size_t begin = message_begin(b, MSG_SOCKETS);
  message_put_text(b, TAG_CONTAINER, monitor.container);
  for (struct listener *l = sockets_listeners(); l && n < SOCKETS_AT_ONCE; l = l->next) {
    if (l->told) continue;
    message_put_text(b, TAG_LISTENER, l->text);
    fds[n++] = l->fd;
  }
  if (dns && !dns->told && n + COUNT(dns->fds) <= SOCKETS_AT_ONCE) {
    message_put_text(b, TAG_DNS, dns->text);
    for (unsigned i = 0; i < COUNT(dns->fds); i++) fds[n++] = dns->fds[i];
  }
  message_end(b, begin);
  return n;
}

static void note_told(const int *fds, unsigned n) {
  struct dns_sockets *dns = sockets_dns();
  for (struct listener *l = sockets_listeners(); l; l = l->next) {
    for (unsigned i = 0; i < n; i++) l->told |= l->fd == fds[i];
  }
  if (dns && n > 0 && fds[n - 1] == dns->fds[1]) dns->told = true;
}

/* A message of a few kB goes whole or not at all. */
static bool tell_some(struct link *l, bool *more) {
  struct buffer b = {0};
  int fds[SOCKETS_AT_ONCE];
  unsigned n = put_some(&b, fds);
  bool sent = n == 0 || send_with_fds(l->watch.fd, b.data + b.start, buffer_length(&b), fds, n) == 0;
  if (sent) note_told(fds, n);
  buffer_clear(&b);
  *more = n > 0;
  return sent;
}

void link_tell(void) {
  bool more = true;
  if (count == 0) {
    if (path[0] && !connect_again_ms && (sockets_listeners() || sockets_dns())) (void)link_to(path);
    return;
  }
  untold = true;
  while (more && buffer_length(&links->queue) == 0) {
    if (tell_some(links, &more)) continue;
    if (errno != EAGAIN) {
      drop(links);
      return;
    }
    break;
  }
  untold = more;
  flow(links);
}

static void order(struct link *l, enum message_type type, const char *id) {
  size_t begin = message_begin(&l->queue, type);
  message_put_text(&l->queue, TAG_CONTAINER, monitor.container);
  if (id) message_put_text(&l->queue, TAG_LISTENER, id);
  message_end(&l->queue, begin);
  l->owed++;
  flow(l);
}

void link_unlisten(const char *id) {
  for (unsigned i = 0; i < count; i++) order(&links[i], MSG_UNLISTEN, id);
}

/* ---- what they say ---- */

static bool hear(struct link *l) {
  for (;;) {
    errno = 0;
    enum read_result got = reader_step(&l->reader, l->watch.fd);
    if (got == READ_CLOSED) return false;
    if (got == READ_MORE && errno) return true;
    if (got == READ_MORE) continue;
    if (l->reader.message.type == MSG_OK && l->owed > 0) l->owed--;
    reader_reset(&l->reader);
  }
}

static void link_ready(struct watch *w, uint32_t events) {
  struct link *l = CONTAINER_OF(w, struct link, watch);
  (void)events;
  if (!hear(l) || buffer_flush(&l->queue, l->watch.fd) < 0) {
    drop(l);
    return;
  }
  if (l == links && untold) link_tell();
  else flow(l);
}

/* Whether nothing is owed any more; one that is broken owes nothing. */
static bool settled(struct link *l) {
  if (buffer_flush(&l->queue, l->watch.fd) >= 0 && hear(l)) return l->owed == 0;
  drop(l);
  return true;
}

static void await(struct link *l, uint64_t until) {
  struct pollfd one = {.fd = l->watch.fd, .events = POLLIN};
  unsigned before = count;
  while (!settled(l)) {
    uint64_t now = monotonic_ms();
    one.events = buffer_length(&l->queue) > 0 ? POLLIN | POLLOUT : POLLIN;
    if (now < until && poll(&one, 1, (int)(until - now)) >= 0) continue;
    /* A helper that hangs must not keep a port, nor the end of a container. */
    drop(l);
    return;
  }
  if (count == before) flow(l);
}

void link_await(void) {
  uint64_t until = monotonic_ms() + AWAIT_MS;
  for (unsigned i = count; i > 0; i--) await(&links[i - 1], until);
}

void link_leave(void) {
  for (unsigned i = 0; i < count; i++) order(&links[i], MSG_LEAVE, NULL);
  link_await();
}

/* ---- how they come about ---- */

static int dial(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, path, sizeof address.sun_path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static int try_to_connect(void) {
  int fd = dial();
  connect_again_ms = 0;
  if (fd < 0 && errno == EAGAIN && ++tries < CONNECT_TRIES) {
    connect_again_ms = monotonic_ms() + CONNECT_AGAIN_MS; /* many come at once */
    return 0;
  }
  if (fd < 0) return -1;
  /* Asked for once more, to be sure: it has everything. */
  if (count > 0 && links->peer && links->peer == peer_of(fd)) close(fd);
  else add(fd);
  return 0;
}

int link_to(const char *to) {
  size_t length = strlen(to);
  if (to[0] != '/' || length >= sizeof path) {
    errno = to[0] == '/' ? ENAMETOOLONG : EINVAL;
    return -1;
  }
  if (to != path) {
    memset(path, 0, sizeof path);
    memcpy(path, to, length);
  }
  tries = 0;
  return sockets_listeners() || sockets_dns() ? try_to_connect() : 0;
}

void link_adopt(int fd) { add(fd); }

bool link_serves(void) { return count > 0; }

uint64_t link_look_at_ms(void) { return connect_again_ms; }

void link_check(uint64_t now_ms) {
  if (connect_again_ms && now_ms >= connect_again_ms) (void)try_to_connect();
}

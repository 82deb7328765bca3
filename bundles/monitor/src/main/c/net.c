#include "net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "buffer.h"
#include "confine.h"
#include "monitor.h"
#include "spawn.h"
#include "sys.h"

enum { STREAMS_MOST = 65536, STREAMS_OF_PORT = 8192, ASSOCIATIONS_MOST = 65536 };
enum { PEERS_MOST = 4096, PAUSE_MS = 100, ALONE_MS = 10000, BACKLOG = 4096, QUEUE_MOST = 1 << 20 };

/* The engine, or a container's monitor. */
struct peer {
  struct peer *next;
  struct watch watch;
  struct reader reader;
  struct fd_bag bag;
  struct buffer queue;
  enum { UNKNOWN, ENGINE, MONITOR } kind;
  bool closing;
  char container[CONTAINER_ID_MOST + 1];
};

struct limits limits;

static struct peer *peers;
static unsigned peer_count;
static struct watch listener;
static pid_t self;
static uid_t owner;
static uint64_t paused_until_ms, alone_since_ms;
static bool draining, quitting;

bool net_paused(void) { return paused_until_ms != 0; }

void net_pause(void) {
  if (!paused_until_ms) paused_until_ms = monotonic_ms() + PAUSE_MS;
}

/* ---- ageing ---- */

void aging_init(struct aging *head) { head->older = head->newer = head; }

void aging_leave(struct aging *one) {
  if (!one->newer) return;
  one->older->newer = one->newer;
  one->newer->older = one->older;
  one->older = one->newer = NULL;
}

void aging_touch(struct aging *head, struct aging *one, uint64_t until_ms) {
  aging_leave(one);
  one->until_ms = until_ms;
  one->older = head->older;
  one->newer = head;
  one->older->newer = head->older = one;
}

/* ---- answers ---- */

static void ok(struct peer *p) { message_end(&p->queue, message_begin(&p->queue, MSG_OK)); }

static void refuse(struct peer *p, int error, const char *text) {
  size_t begin = message_begin(&p->queue, MSG_ERROR);
  message_put_u64(&p->queue, TAG_ERRNO, (uint64_t)error);
  message_put_text(&p->queue, TAG_TEXT, text);
  message_put_u64(&p->queue, TAG_STAGE, STAGE_NET);
  message_end(&p->queue, begin);
}

static void put_counter(struct buffer *b, const char *name, uint64_t value) {
  char text[64];
  snprintf(text, sizeof text, "%s %llu", name, (unsigned long long)value);
  message_put_text(b, TAG_COUNTER, text);
}

static void hello(struct buffer *b) {
  size_t begin = message_begin(b, MSG_HELLO);
  message_put_u64(b, TAG_PROTOCOL, PROTOCOL_VERSION);
  message_put_u64(b, TAG_OP_SET, OP_SET_VERSION);
  message_put_text(b, TAG_HELPER_SHA256, helper_sha256());
  message_put_text(b, TAG_BOOT_ID, boot_id());
  message_put_u64(b, TAG_MONITOR_PID, (uint64_t)self);
  message_put_u64(b, TAG_PHASE, PHASE_NET);
  put_counter(b, "containers", container_count());
  put_counter(b, "connections", stream_count());
  put_counter(b, "associations", datagram_count());
  put_counter(b, "questions", resolver_questions());
  put_counter(b, "forwarding", upstream_count());
  message_end(b, begin);
}

/* ---- what monitors hand out and take back ---- */

static void close_all(struct fd_bag *bag, unsigned from) {
  for (unsigned i = from; i < bag->count; i++) close(bag->fds[i]);
  bag->count = 0;
}

static void drop_sockets(struct container *c) {
  ports_close(c);
  resolver_close(c);
}

/* The container a monitor's message is about: the newest link of each has it. */
static struct container *own(struct peer *p, const struct message *m) {
  char *id = message_text(m, TAG_CONTAINER);
  struct container *c = NULL;
  if (id && id[0] && strlen(id) <= CONTAINER_ID_MOST) {
    if (p->kind == UNKNOWN) c = container_need(id);
    else if (strcmp(id, p->container) == 0) c = container_find(id); /* another link may have taken it, and ended it */
  }
  if (c && p->kind == UNKNOWN) {
    p->kind = MONITOR;
    strcpy(p->container, id);
    if (c->link) drop_sockets(c);
    c->link = p;
  }
  free(id);
  return c && c->link == p ? c : NULL;
}

static void take_sockets(struct peer *p, const struct message *m) {
  struct container *c = own(p, m);
  struct attribute a;
  struct listener l;
  size_t offset = 0;
  unsigned next = 0;
  while (c && !draining && attribute_next(m, &offset, &a)) {
    if (a.tag != TAG_LISTENER && a.tag != TAG_DNS) continue;
    char *text = attribute_text(&a);
    if (a.tag == TAG_DNS && next + 2 <= p->bag.count) {
      resolver_open(c, p->bag.fds[next], p->bag.fds[next + 1]);
      next += 2;
    } else if (a.tag == TAG_LISTENER && next < p->bag.count && listener_parse(text, &l)) {
      port_add(c, &l, p->bag.fds[next++]);
    } else {
      p->closing = true;
    }
    free(text);
  }
  if (next < p->bag.count && !draining) p->closing = true;
  close_all(&p->bag, next);
}

static void unlisten(struct peer *p, const struct message *m) {
  struct container *c = own(p, m);
  char *id = message_text(m, TAG_LISTENER);
  struct port *port = c && id ? port_find(c, id) : NULL;
  if (port) port_close(port);
  free(id);
  ok(p);
}

/* Of a container that has ended nothing goes on. */
static void leave(struct peer *p, const struct message *m) {
  struct container *c = own(p, m);
  ok(p);
  if (!c) return;
  drop_sockets(c);
  table_remove(c);
  c->streams++; /* so that it stays until here */
  streams_end(c);
  c->streams--;
  container_settle(c);
}

static void take_from_monitor(struct peer *p, const struct message *m) {
  switch (m->type) {
    case MSG_SOCKETS: take_sockets(p, m); break;
    case MSG_UNLISTEN: unlisten(p, m); break;
    case MSG_LEAVE: leave(p, m); break;
    default: break;
  }
}

/* ---- what the engine says ---- */

static bool says_nothing(const struct message *m) {
  static const enum tag tags[] = {TAG_NAME, TAG_NETWORK, TAG_UPSTREAM, TAG_TARGET};
  struct attribute a;
  for (unsigned i = 0; i < COUNT(tags); i++) {
    if (message_has(m, tags[i], &a)) return false;
  }
  return true;
}

static void table(struct peer *p, const struct message *m) {
  char *id = message_text(m, TAG_CONTAINER);
  const char *wrong = !id || !id[0] || strlen(id) > CONTAINER_ID_MOST ? "table: no container" : NULL;
  struct container *c = wrong ? NULL : container_need(id);
  if (c && says_nothing(m)) table_remove(c);
  else if (c) wrong = table_replace(c, m);
  if (c) {
    ports_flow(c);
    resolver_flow(c);
    container_settle(c);
  }
  free(id);
  if (wrong) refuse(p, EINVAL, wrong);
  else ok(p);
}

static void mark(struct container *c) { c->stale = c->has_table; }

static void unmark(struct container *c) { c->stale = false; }

static void sweep(struct container *c) {
  if (!c->stale) return;
  table_remove(c);
  ports_flow(c);
  resolver_flow(c);
  container_settle(c);
}

static void let_go(struct container *c) {
  c->streams++;
  drop_sockets(c);
  table_remove(c);
  c->streams--;
  container_settle(c);
}

/* A successor serves: what is under way goes on here to its end. */
static void drain(void) {
  draining = true;
  watch_close(&listener);
  container_each(let_go);
}

static void take_from_engine(struct peer *p, const struct message *m) {
  switch (m->type) {
    case MSG_TABLE: table(p, m); break;
    case MSG_RESYNC:
      container_each(message_u64(m, TAG_FLAGS, 0) ? mark : sweep);
      ok(p);
      break;
    case MSG_DRAIN:
      drain();
      ok(p);
      break;
    case MSG_QUIT:
      quitting = true;
      ok(p);
      break;
    default: refuse(p, EOPNOTSUPP, "request: operation not supported");
  }
}

/* ---- peers ---- */

static void peer_end(struct peer *p) {
  struct peer **at = &peers;
  while (*at != p) at = &(*at)->next;
  *at = p->next;
  peer_count--;
  struct container *c = p->kind == MONITOR ? container_find(p->container) : NULL;
  if (c && c->link == p) {
    c->link = NULL;
    c->streams++;
    drop_sockets(c);
    c->streams--;
    container_settle(c);
  }
  if (p->kind == ENGINE) container_each(unmark);
  close_all(&p->bag, 0);
  reader_reset(&p->reader);
  buffer_clear(&p->queue);
  watch_close(&p->watch);
  free_later(p);
}

static void take_first(struct peer *p, const struct message *m) {
  switch (m->type) {
    case MSG_CONTROL: p->kind = ENGINE; hello(&p->queue); break;
    case MSG_QUERY:
      hello(&p->queue);
      p->closing = true;
      break;
    case MSG_SOCKETS:
    case MSG_UNLISTEN:
    case MSG_LEAVE: take_from_monitor(p, m); break;
    default: p->closing = true;
  }
}

static void take_message(struct peer *p) {
  const struct message *m = &p->reader.message;
  if (p->kind == ENGINE) take_from_engine(p, m);
  else if (p->kind == MONITOR) take_from_monitor(p, m);
  else take_first(p, m);
  close_all(&p->bag, 0);
  reader_reset(&p->reader);
}

static void peer_ready(struct watch *w, uint32_t events) {
  struct peer *p = CONTAINER_OF(w, struct peer, watch);
  bool ended = false;
  for (unsigned i = 0; i < ONCE && !p->closing && !ended && events & (POLLIN | POLLHUP | POLLERR); i++) {
    errno = 0;
    enum read_result got = reader_step(&p->reader, w->fd);
    if (got == READ_CLOSED) ended = true;
    else if (got == READ_MESSAGE) take_message(p);
    else if (errno) break;
  }
  int flushed = buffer_flush(&p->queue, w->fd);
  if (ended || flushed < 0 || (p->closing && flushed > 0) || buffer_length(&p->queue) > QUEUE_MOST) peer_end(p);
  else if (!watch_for(w, flushed ? POLLIN : POLLIN | POLLOUT)) peer_end(p);
}

static void accept_peer(struct watch *w, uint32_t events) {
  (void)events;
  struct ucred who;
  socklen_t size = sizeof who;
  int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    if (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS) return;
    net_pause();
    watch_for(w, 0);
    return;
  }
  bool ours = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.uid == owner;
  if (!ours || peer_count >= PEERS_MOST) {
    close(fd);
    return;
  }
  struct peer *p = must_alloc(sizeof *p);
  p->reader.bag = &p->bag;
  p->next = peers;
  peers = p;
  peer_count++;
  watch_init(&p->watch, fd, peer_ready);
  if (!watch_for(&p->watch, POLLIN)) peer_end(p);
}

/* ---- life ---- */

static bool is_needed(void) {
  if (stream_count() > 0 || upstream_count() > 0) return true;
  return peer_count > 0 && !draining;
}

static bool over(void) {
  if (quitting) return true;
  if (!is_needed()) return draining || monotonic_ms() - alone_since_ms >= ALONE_MS;
  alone_since_ms = monotonic_ms();
  return false;
}

static void flow_again(struct container *c) {
  ports_flow(c);
  resolver_flow(c);
}

static uint64_t sooner(uint64_t one, uint64_t other) { return one && (!other || one < other) ? one : other; }

static int next_timeout(void) {
  uint64_t until = sooner(streams_look_at_ms(), sooner(datagrams_look_at_ms(), sooner(resolvers_look_at_ms(), upstream_look_at_ms())));
  until = sooner(paused_until_ms, until);
  if (!is_needed()) until = sooner(alone_since_ms + ALONE_MS, until);
  if (!until) return -1;
  uint64_t now = monotonic_ms();
  return until > now ? (int)(until - now) : 0;
}

static void check_times(uint64_t now) {
  streams_check(now);
  datagrams_check(now);
  resolvers_check(now);
  upstream_check(now);
  if (!paused_until_ms || now < paused_until_ms) return;
  paused_until_ms = 0;
  watch_for(&listener, POLLIN);
  container_each(flow_again);
}

static void flush_peers(void) {
  for (struct peer *p = peers; p; p = p->next) (void)buffer_flush(&p->queue, p->watch.fd);
}

/* ---- the beginning ---- */

static unsigned at_most(uint64_t wanted, unsigned most) { return wanted < most ? (unsigned)wanted + 1 : most; }

static void set_limits(void) {
  struct rlimit files;
  uint64_t n = getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur : 1024;
  limits.streams = at_most(n / 4, STREAMS_MOST); /* two each */
  limits.streams_of_port = at_most(n / 16, STREAMS_OF_PORT);
  limits.associations = at_most(n / 4, ASSOCIATIONS_MOST);
}

static int listen_at(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (path[0] != '/' || strlen(path) >= sizeof address.sun_path) {
    errno = EINVAL;
    return -1;
  }
  strcpy(address.sun_path, path);
  unlink(path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  mode_t before = umask(0177);
  int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
  umask(before);
  return bound < 0 || listen(fd, BACKLOG) < 0 ? -1 : fd;
}

static void say(int connection, const char *what, int error) {
  struct buffer b = {0};
  size_t begin = message_begin(&b, error ? MSG_ERROR : MSG_OK);
  if (error) {
    char text[256];
    snprintf(text, sizeof text, "%s: %s", what, errno_words(error));
    message_put_u64(&b, TAG_ERRNO, (uint64_t)error);
    message_put_text(&b, TAG_TEXT, text);
    message_put_u64(&b, TAG_STAGE, STAGE_NET);
  }
  message_end(&b, begin);
  (void)write_all(connection, b.data + b.start, buffer_length(&b));
  buffer_clear(&b);
  close(connection);
}

static _Noreturn void give_up(int connection, const char *what) {
  say(connection, what, errno);
  _exit(1);
}

static void serve(void) {
  while (!over()) {
    loop_round(next_timeout());
    check_times(monotonic_ms());
  }
  flush_peers();
}

_Noreturn void net_main(int connection, const struct message *start) {
  char *path = message_text(start, TAG_NET);
  title_set("gantry-net");
  setsid();
  umask(077);
  self = getpid();
  owner = geteuid();
  alone_since_ms = monotonic_ms();
  set_limits();
  int fd = path ? listen_at(path) : -1;
  if (fd < 0) give_up(connection, "listen for the engine");
  free(path);
  if (loop_use_epoll() < 0) give_up(connection, "watch sockets");
  if (confine() < 0) give_up(connection, "give up rights");
  watch_init(&listener, fd, accept_peer);
  watch_for(&listener, POLLIN);
  say(connection, "", 0);
  serve();
  _exit(0);
}

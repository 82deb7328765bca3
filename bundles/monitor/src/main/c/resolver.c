/* A container's name server: questions come over the sockets that its monitor keeps. Names of its networks are answered from the
 * tables, all else is for the servers that the container may ask (upstream.c). What it asks too much of waits in its own
 * sockets, and is lost there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnswire.h"
#include "net.h"
#include "sys.h"

enum {
  TTL_S = 60,
  INTERNET = 1,
  QUESTION_MOST = 4096,
  SESSIONS_MOST = 32,
  SESSION_MS = 10000,
  UNREAD_MOST = 256 * 1024,
  WINDOW_MS = 100,
  PER_WINDOW = 10000, /* then its sockets wait */
  OFTEN = 1000,       /* in a window; from there on it has shorter turns, so that others wait less */
  FEW = 4,
  OVER_TCP = 5 /* as many as one counts for: what a session has read is answered in one turn */
};

/* A TCP connection of a container's. */
struct session {
  struct session *next;
  struct aging idle;
  struct watch watch;
  struct resolver *resolver;
  struct buffer in, out;
  bool ended;
};

struct resolver {
  struct aging held; /* until it may ask again */
  struct watch udp, tcp;
  struct container *container;
  struct session *sessions;
  unsigned session_count, asked;
  struct inquiries under_way;
  uint64_t window_ms;
  bool is_held;
};

static struct aging sessions, held;
static APART struct dns_answer reply;
static APART uint8_t question[QUESTION_MOST];
static uint64_t questions;

uint64_t resolver_questions(void) { return questions; }

struct inquiries *resolver_under_way(struct resolver *r) { return &r->under_way; }

/* ---- answering ---- */

static bool is_address(const struct address *a, enum dns_type type) { return type == DNS_ANY || (a->length == 4) == (type == DNS_A); }

/* Each is first in its turn. */
static void add_addresses(const struct endpoint *const *found, unsigned count, enum dns_type type) {
  static unsigned turn;
  const struct address *all[FOUND_MOST];
  unsigned n = 0;
  for (unsigned i = 0; i < count; i++) {
    for (unsigned j = 0; j < found[i]->count && n < FOUND_MOST; j++) {
      if (is_address(&found[i]->addresses[j], type)) all[n++] = &found[i]->addresses[j];
    }
  }
  if (!n) return;
  unsigned first = turn++ % n;
  for (unsigned i = 0; i < n; i++) {
    const struct address *a = all[(first + i) % n];
    dns_answer_add(&reply, a->length == 4 ? DNS_A : DNS_AAAA, TTL_S, a->bytes, a->length);
  }
}

/* Whether the tables know; a name that is ours and has no such record is answered with none. */
static bool answer_from_tables(const struct container *c, const struct dns_question *q) {
  const struct endpoint *found[FOUND_MOST];
  uint8_t address[16];
  if (q->type == DNS_PTR) {
    size_t length = dns_reverse(q->name, address);
    const struct endpoint *e = length ? table_find_address(c, address, length) : NULL;
    return e && dns_answer_add_name(&reply, DNS_PTR, TTL_S, e->full_name);
  }
  unsigned count = q->plain ? table_find_name(c, q->name, found) : 0;
  if (!count) return false;
  if (q->type == DNS_A || q->type == DNS_AAAA || q->type == DNS_ANY) add_addresses(found, count, (enum dns_type)q->type);
  return true;
}

static void finish(struct asker *a, enum dns_rcode code) {
  dns_answer_end(&reply, code);
  resolver_answer(a, reply.data, reply.length);
}

/* What nobody could be asked about. */
static enum dns_rcode unknown(const struct container *c, const struct dns_question *q) {
  bool bare = !strchr(q->name, '.');
  return bare && c->upstream_count == 0 ? DNS_NXDOMAIN : DNS_SERVFAIL;
}

static void answer(struct asker *a, uint8_t *data, size_t length) {
  const struct container *c = a->resolver->container;
  struct dns_question q;
  int read = dns_read_query(&q, data, length);
  questions++;
  if (read == DNS_IGNORE) {
    if (!a->session) upstream_take(a, data, length);
    return;
  }
  dns_answer_begin(&reply, data, &q, a->session ? DNS_MESSAGE_MOST : q.room);
  if (read != DNS_QUESTION) {
    finish(a, (enum dns_rcode)read);
  } else if (q.class != INTERNET) {
    finish(a, DNS_REFUSED);
  } else if (answer_from_tables(c, &q)) {
    finish(a, DNS_NOERROR);
  } else if (c->keeps_bare_names && (q.type == DNS_A || q.type == DNS_AAAA) && !strchr(q.name, '.')) {
    finish(a, DNS_NOERROR); /* the search domains are tried next */
  } else if (!upstream_ask(a, c, data, length, q.end)) {
    finish(a, unknown(c, &q));
  }
}

/* ---- how much one may ask ---- */

static void flow(struct resolver *r) {
  bool open = r->container->has_table && !r->is_held;
  watch_for(&r->udp, open ? POLLIN : 0);
  watch_for(&r->tcp, open && r->session_count < SESSIONS_MOST && !net_paused() ? POLLIN : 0);
}

static bool may_ask(struct resolver *r, unsigned counts_for) {
  uint64_t now = monotonic_ms();
  if (now - r->window_ms >= WINDOW_MS) {
    r->window_ms = now;
    r->asked = 0;
  }
  if (r->asked < PER_WINDOW) {
    r->asked += counts_for;
    return true;
  }
  if (!r->is_held) {
    r->is_held = true;
    aging_touch(&held, &r->held, r->window_ms + WINDOW_MS);
    flow(r);
  }
  return false;
}

static unsigned turn(const struct resolver *r) { return r->asked <= OFTEN ? ONCE : FEW; }

/* ---- UDP ---- */

static void udp_ready(struct watch *w, uint32_t events) {
  struct resolver *r = CONTAINER_OF(w, struct resolver, udp);
  (void)events;
  for (unsigned i = 0; i < turn(r) && may_ask(r, 1); i++) {
    struct asker a = {.resolver = r};
    socklen_t size = sizeof a.from;
    ssize_t n = recvfrom(w->fd, question, sizeof question, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&a.from, &size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;
    if ((size_t)n <= sizeof question) answer(&a, question, (size_t)n);
  }
}

/* ---- TCP ---- */

static void session_end(struct session *s) {
  struct session **at = &s->resolver->sessions;
  while (*at != s) at = &(*at)->next;
  *at = s->next;
  s->resolver->session_count--;
  upstream_forget(s->resolver, s);
  aging_leave(&s->idle);
  watch_close(&s->watch);
  buffer_clear(&s->in);
  buffer_clear(&s->out);
  s->ended = true;
  free_later(s);
}

/* Whether it goes on. */
static bool session_flow(struct session *s) {
  if (buffer_flush(&s->out, s->watch.fd) < 0 || buffer_length(&s->out) > UNREAD_MOST) {
    session_end(s);
    return false;
  }
  /* Who does not read its answers asks nothing more, nor who has asked too much. */
  return watch_for(&s->watch, buffer_length(&s->out) > 0 ? POLLOUT : s->resolver->is_held ? WATCH_HANGUP : POLLIN);
}

static void take_questions(struct session *s) {
  struct asker a = {.resolver = s->resolver, .session = s};
  size_t length;
  while (!s->ended && dns_framed(&s->in, &length) && may_ask(s->resolver, OVER_TCP)) {
    answer(&a, s->in.data + s->in.start + 2, length);
    if (!s->ended) buffer_take(&s->in, 2 + length);
  }
}

static void session_ready(struct watch *w, uint32_t events) {
  struct session *s = CONTAINER_OF(w, struct session, watch);
  if (events & POLLIN) {
    ssize_t n = recv(w->fd, buffer_room(&s->in, QUESTION_MOST), QUESTION_MOST, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
      session_end(s);
      return;
    }
    if (n > 0) s->in.end += (size_t)n;
    aging_touch(&sessions, &s->idle, monotonic_ms() + SESSION_MS);
  } else if (events & (POLLHUP | POLLERR)) {
    session_end(s);
    return;
  }
  take_questions(s);
  if (!s->ended) (void)session_flow(s);
}

/* With what was read already. */
static void go_on(struct resolver *r) {
  for (struct session *s = r->sessions, *next; s; s = next) {
    next = s->next;
    take_questions(s);
    if (!s->ended) (void)session_flow(s);
  }
}

static void tcp_ready(struct watch *w, uint32_t events) {
  struct resolver *r = CONTAINER_OF(w, struct resolver, tcp);
  (void)events;
  if (r->session_count >= SESSIONS_MOST || !may_ask(r, OVER_TCP)) return;
  int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) net_pause();
    flow(r);
    return;
  }
  struct session *s = must_alloc(sizeof *s);
  s->resolver = r;
  s->next = r->sessions;
  r->sessions = s;
  r->session_count++;
  watch_init(&s->watch, fd, session_ready);
  if (!sessions.newer) aging_init(&sessions);
  aging_touch(&sessions, &s->idle, monotonic_ms() + SESSION_MS);
  watch_for(&s->watch, POLLIN);
  flow(r);
}

bool resolver_send(struct resolver *r, const struct sockaddr_storage *to, const uint8_t *data, size_t length) {
  return sendto(r->udp.fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)to, address_length(to)) >= 0;
}

void resolver_answer(struct asker *a, const uint8_t *data, size_t length) {
  struct session *s = a->session;
  if (!s) {
    (void)resolver_send(a->resolver, &a->from, data, length);
    return;
  }
  uint8_t head[2] = {(uint8_t)(length >> 8), (uint8_t)length};
  buffer_append(&s->out, head, sizeof head);
  buffer_append(&s->out, data, length);
  (void)session_flow(s);
}

/* ---- all of it ---- */

void resolver_open(struct container *c, int udp, int tcp) {
  resolver_close(c);
  struct resolver *r = must_alloc(sizeof *r);
  r->container = c;
  c->resolver = r;
  if (!held.newer) aging_init(&held);
  watch_init(&r->udp, udp, udp_ready);
  watch_init(&r->tcp, tcp, tcp_ready);
  flow(r);
}

void resolver_flow(struct container *c) {
  if (c->resolver) flow(c->resolver);
}

void resolver_close(struct container *c) {
  struct resolver *r = c->resolver;
  if (!r) return;
  while (r->sessions) session_end(r->sessions);
  upstream_forget(r, NULL);
  if (r->is_held) aging_leave(&r->held);
  watch_close(&r->udp);
  watch_close(&r->tcp);
  c->resolver = NULL;
  free_later(r);
}

uint64_t resolvers_look_at_ms(void) {
  struct aging *first = sessions.newer ? aging_oldest(&sessions) : NULL, *other = held.newer ? aging_oldest(&held) : NULL;
  if (!first || !other) return first ? first->until_ms : other ? other->until_ms : 0;
  return first->until_ms < other->until_ms ? first->until_ms : other->until_ms;
}

void resolvers_check(uint64_t now_ms) {
  for (struct aging *a = sessions.newer ? aging_oldest(&sessions) : NULL; a && now_ms >= a->until_ms; a = aging_oldest(&sessions)) {
    struct session *s = CONTAINER_OF(a, struct session, idle);
    struct resolver *r = s->resolver;
    session_end(s);
    flow(r);
  }
  for (struct aging *a = held.newer ? aging_oldest(&held) : NULL; a && now_ms >= a->until_ms; a = aging_oldest(&held)) {
    struct resolver *r = CONTAINER_OF(a, struct resolver, held);
    aging_leave(a);
    r->is_held = false;
    flow(r);
    go_on(r);
  }
}

/* Questions that go on to a container's name servers: each has a socket of its own, with a port and an id that cannot be
 * guessed, and a few seconds. A server that is silent or refuses is followed by the next. Over TCP when it came over TCP.
 *
 * Servers on the container's loopback interface are asked by datagrams from the one socket there is in there, the resolver's own:
 * who could forge their answers is the container itself. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "dnswire.h"
#include "net.h"
#include "sys.h"

enum { ATTEMPT_MS = 2000, SERVERS_MOST = 3, PER_RESOLVER = 100, IN_ALL = 2048 };

struct inquiry {
  struct inquiry *older, *newer;
  struct aging attempt;
  struct watch watch;
  struct asker asker;
  struct inquiry *next_inside; /* of the same resolver */
  bool is_inside;              /* this attempt */
  struct upstream servers[SERVERS_MOST];
  unsigned server_count, next_server;
  uint8_t id[2]; /* the asker's */
  struct buffer in, out;
  size_t question_end, length;
  uint8_t query[];
};

static struct inquiry inquiries = {.older = &inquiries, .newer = &inquiries};
static struct aging attempts;
static unsigned count, askers; /* containers that have some under way */
static APART uint8_t answer[DNS_MESSAGE_MOST];

unsigned upstream_count(void) { return count; }

static void count_in(struct inquiry *q) {
  count++;
  if (resolver_under_way(q->asker.resolver)->count++ == 0) askers++;
}

static void count_out(struct inquiry *q) {
  count--;
  if (--resolver_under_way(q->asker.resolver)->count == 0) askers--;
}

static void enter(struct inquiry *q) {
  struct inquiries *of = resolver_under_way(q->asker.resolver);
  q->next_inside = of->inside;
  of->inside = q;
  q->is_inside = true;
}

static void leave(struct inquiry *q) {
  if (!q->is_inside) return;
  struct inquiry **at = &resolver_under_way(q->asker.resolver)->inside;
  while (*at != q) at = &(*at)->next_inside;
  *at = q->next_inside;
  q->is_inside = false;
}

static void inquiry_end(struct inquiry *q) {
  leave(q);
  q->older->newer = q->newer;
  q->newer->older = q->older;
  aging_leave(&q->attempt);
  watch_close(&q->watch);
  buffer_clear(&q->in);
  buffer_clear(&q->out);
  count_out(q);
  free_later(q);
}

/* The session that it is given to may end by that, and all its inquiries with it. */
static void give(struct inquiry *q, uint8_t *data, size_t length) {
  struct asker asker = q->asker;
  memcpy(data, q->id, sizeof q->id);
  inquiry_end(q);
  resolver_answer(&asker, data, length);
}

static void fail(struct inquiry *q) {
  static APART struct dns_answer failure;
  struct dns_question question;
  memcpy(q->query, q->id, sizeof q->id);
  (void)dns_read_query(&question, q->query, q->length);
  dns_answer_begin(&failure, q->query, &question, question.room);
  dns_answer_end(&failure, DNS_SERVFAIL);
  give(q, failure.data, failure.length);
}

static void try_next(struct inquiry *q);

/* Whether it is the answer, and has been given. */
static bool take(struct inquiry *q, uint8_t *data, size_t length) {
  if (!dns_is_answer(q->query, q->length, q->question_end, data, length)) return false;
  enum dns_rcode code = dns_rcode_of(data);
  bool useful = code == DNS_NOERROR || code == DNS_NXDOMAIN;
  if (useful || q->next_server >= q->server_count) give(q, data, length);
  else try_next(q);
  return true;
}

/* ---- UDP ---- */

static void udp_ready(struct watch *w, uint32_t events) {
  struct inquiry *q = CONTAINER_OF(w, struct inquiry, watch);
  (void)events;
  for (unsigned i = 0; i < ONCE; i++) {
    ssize_t n = recv(w->fd, answer, sizeof answer, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) { /* nobody listens there */
      try_next(q);
      return;
    }
    if (take(q, answer, (size_t)n)) return;
  }
}

/* ---- inside ---- */

static bool ask_inside(struct inquiry *q, const struct sockaddr_storage *server) {
  if (server->ss_family != AF_INET || getrandom(q->query, 2, 0) != 2) return false;
  if (!resolver_send(q->asker.resolver, server, q->query, q->length)) return false;
  enter(q);
  aging_touch(&attempts, &q->attempt, monotonic_ms() + ATTEMPT_MS);
  return true;
}

static bool is_same(const struct sockaddr_storage *one, const struct sockaddr_storage *other) {
  return one->ss_family == other->ss_family && memcmp(one, other, address_length(one)) == 0;
}

void upstream_take(const struct asker *from, uint8_t *data, size_t length) {
  for (struct inquiry *q = resolver_under_way(from->resolver)->inside; q; q = q->next_inside) {
    if (is_same(&q->servers[q->next_server - 1].address, &from->from) && take(q, data, length)) return;
  }
}

/* ---- TCP ---- */

static void tcp_ready(struct watch *w, uint32_t events) {
  struct inquiry *q = CONTAINER_OF(w, struct inquiry, watch);
  bool fine = !(events & POLLERR) && buffer_flush(&q->out, w->fd) >= 0;
  if (fine && events & (POLLIN | POLLHUP)) {
    ssize_t n = recv(w->fd, buffer_room(&q->in, 4096), 4096, MSG_DONTWAIT);
    fine = n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
    if (n > 0) q->in.end += (size_t)n;
  }
  if (!fine) {
    try_next(q);
    return;
  }
  size_t length;
  if (!dns_framed(&q->in, &length)) {
    watch_for(w, buffer_length(&q->out) > 0 ? POLLIN | POLLOUT : POLLIN);
    return;
  }
  memcpy(answer, q->in.data + q->in.start + 2, length);
  if (!take(q, answer, length)) try_next(q);
}

/* ---- attempts ---- */

static int dial(const struct sockaddr_storage *to, bool tcp) {
  int fd = socket(to->ss_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (connect(fd, (const struct sockaddr *)to, address_length(to)) == 0 || errno == EINPROGRESS) return fd;
  close(fd);
  return -1;
}

static bool attempt(struct inquiry *q, const struct upstream *server) {
  if (server->inside) return ask_inside(q, &server->address);
  bool tcp = q->asker.session != NULL;
  int fd = dial(&server->address, tcp);
  if (fd < 0 || getrandom(q->query, 2, 0) != 2) {
    if (fd >= 0) close(fd);
    return false;
  }
  watch_init(&q->watch, fd, tcp ? tcp_ready : udp_ready);
  if (tcp) {
    uint8_t head[2] = {(uint8_t)(q->length >> 8), (uint8_t)q->length};
    buffer_append(&q->out, head, sizeof head);
    buffer_append(&q->out, q->query, q->length);
  } else if (send(fd, q->query, q->length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    watch_close(&q->watch);
    return false;
  }
  aging_touch(&attempts, &q->attempt, monotonic_ms() + ATTEMPT_MS);
  if (watch_for(&q->watch, tcp ? POLLIN | POLLOUT : POLLIN)) return true;
  watch_close(&q->watch);
  return false;
}

static void try_next(struct inquiry *q) {
  leave(q);
  watch_close(&q->watch);
  buffer_clear(&q->in);
  buffer_clear(&q->out);
  while (q->next_server < q->server_count) {
    if (attempt(q, &q->servers[q->next_server++])) return;
  }
  fail(q);
}

/* The oldest one of who has most. */
static struct inquiry *first_to_go(void) {
  struct inquiry *first = inquiries.newer;
  for (struct inquiry *q = first->newer; q != &inquiries; q = q->newer) {
    if (resolver_under_way(q->asker.resolver)->count > resolver_under_way(first->asker.resolver)->count) first = q;
  }
  return first;
}

/* Makes room for one more of a container's. Once there are as many as there may be, who has less than its share takes from who
 * has most, which is more than a share; all others are refused, which costs little: a flood of theirs moves nothing. */
static bool make_room(unsigned under_way) {
  if (under_way >= PER_RESOLVER) return false;
  if (count < IN_ALL) return true;
  if (under_way >= IN_ALL / (askers + (under_way == 0))) return false;
  fail(first_to_go());
  return true;
}

bool upstream_ask(const struct asker *a, const struct container *c, const uint8_t *query, size_t length, size_t question_end) {
  if (c->upstream_count == 0 || !make_room(resolver_under_way(a->resolver)->count)) return false;
  struct inquiry *q = must_alloc(sizeof *q + length);
  q->watch.fd = -1;
  q->asker = *a;
  q->length = length;
  q->question_end = question_end;
  memcpy(q->query, query, length);
  memcpy(q->id, query, sizeof q->id);
  for (; q->server_count < SERVERS_MOST && q->server_count < c->upstream_count; q->server_count++) q->servers[q->server_count] = c->upstreams[q->server_count];
  q->older = inquiries.older;
  q->newer = &inquiries;
  q->older->newer = inquiries.older = q;
  count_in(q);
  if (!attempts.newer) aging_init(&attempts);
  try_next(q);
  return true;
}

void upstream_forget(const struct resolver *r, const struct session *s) {
  for (struct inquiry *q = inquiries.newer, *next; q != &inquiries; q = next) {
    next = q->newer;
    if (q->asker.resolver == r && (!s || q->asker.session == s)) inquiry_end(q);
  }
}

uint64_t upstream_look_at_ms(void) {
  struct aging *oldest = attempts.newer ? aging_oldest(&attempts) : NULL;
  return oldest ? oldest->until_ms : 0;
}

void upstream_check(uint64_t now_ms) {
  for (struct aging *a = attempts.newer ? aging_oldest(&attempts) : NULL; a && now_ms >= a->until_ms; a = aging_oldest(&attempts)) {
    try_next(CONTAINER_OF(a, struct inquiry, attempt));
  }
}

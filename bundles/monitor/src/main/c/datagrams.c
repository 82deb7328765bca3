/* Proxied UDP: an association for each client, by its address and the one of ours that it sends to, with a connected socket
 * towards the container. It ends after 90 s of silence, or when its port has too many of them and it is the oldest. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net.h"
#include "sys.h"

enum { IDLE_MS = 90000, PER_PORT = 1024, BUCKETS = 4096, DATAGRAM_MOST = 65536 };

/* Who sends, and to which address: all that is zero stays zero, so that two can be compared. */
struct route {
  struct sockaddr_storage client;
  struct in6_addr ours;
  int interface; /* of link-local addresses */
};

struct association {
  struct association *next; /* in its bucket */
  struct aging idle, of_port;
  struct watch server;
  struct port *port;
  uint32_t hash;
  struct route route;
};

static APART struct association *buckets[BUCKETS];
static struct aging idle;
static unsigned count;
static APART uint8_t datagram[DATAGRAM_MOST];

unsigned datagram_count(void) { return count; }

/* ---- messages with addresses ---- */

union control {
  struct cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static void read_ours(struct msghdr *head, struct route *r) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c; c = CMSG_NXTHDR(head, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      memcpy(&r->ours, &info.ipi_spec_dst, sizeof info.ipi_spec_dst);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo info;
      memcpy(&info, CMSG_DATA(c), sizeof info);
      r->ours = info.ipi6_addr;
      if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) r->interface = (int)info.ipi6_ifindex;
    }
  }
}

static ssize_t receive(int fd, struct route *r) {
  union control control;
  struct iovec io = {.iov_base = datagram, .iov_len = sizeof datagram};
  struct msghdr head = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  memset(r, 0, sizeof *r);
  head.msg_name = &r->client;
  head.msg_namelen = sizeof r->client;
  ssize_t n = recvmsg(fd, &head, 0);
  if (n >= 0) read_ours(&head, r);
  return n;
}

static void put_control(struct msghdr *head, int level, int type, const void *data, size_t length) {
  struct cmsghdr *c = CMSG_FIRSTHDR(head);
  c->cmsg_level = level;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN(length);
  memcpy(CMSG_DATA(c), data, length);
  head->msg_controllen = CMSG_SPACE(length);
}

/* From the address that the client has sent to, whichever the host would choose. */
static void answer(struct association *a, size_t length) {
  union control control = {0};
  struct iovec io = {.iov_base = datagram, .iov_len = length};
  struct msghdr head = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  head.msg_name = &a->route.client;
  head.msg_namelen = address_length(&a->route.client);
  if (a->route.client.ss_family == AF_INET6) {
    struct in6_pktinfo info = {.ipi6_addr = a->route.ours, .ipi6_ifindex = (unsigned)a->route.interface};
    put_control(&head, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
  } else {
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, &a->route.ours, sizeof info.ipi_spec_dst);
    put_control(&head, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
  }
  /* What cannot be sent now is lost, as datagrams are. */
  if (sendmsg(a->port->watch.fd, &head, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) return;
}

/* ---- associations ---- */

static uint32_t hash_of(const struct port *p, const struct route *r) {
  uint32_t hash = 2166136261u ^ (uint32_t)((uintptr_t)p >> 4);
  const uint8_t *at = (const uint8_t *)&r->client, *end = at + address_length(&r->client);
  for (; at < end; at++) hash = (hash ^ *at) * 16777619u;
  for (unsigned i = 0; i < sizeof r->ours; i++) hash = (hash ^ r->ours.s6_addr[i]) * 16777619u;
  return hash;
}

static void association_end(struct association *a) {
  struct association **at = &buckets[a->hash % BUCKETS];
  while (*at != a) at = &(*at)->next;
  *at = a->next;
  aging_leave(&a->idle);
  aging_leave(&a->of_port);
  watch_close(&a->server);
  a->port->users--;
  count--;
  free_later(a);
}

static void touch(struct association *a) {
  aging_touch(&idle, &a->idle, monotonic_ms() + IDLE_MS);
  aging_touch(&a->port->associations, &a->of_port, 0);
}

static void server_ready(struct watch *w, uint32_t events) {
  struct association *a = CONTAINER_OF(w, struct association, server);
  (void)events;
  for (unsigned i = 0; i < ONCE; i++) {
    ssize_t n = recv(w->fd, datagram, sizeof datagram, MSG_DONTWAIT);
    /* A refusal is told of once; the container may begin to listen yet. */
    if (n < 0 && (errno == ECONNREFUSED || errno == EINTR)) continue;
    if (n < 0) return;
    answer(a, (size_t)n);
    touch(a);
  }
}

static int dial(const struct sockaddr_storage *to) {
  int fd = socket(to->ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && connect(fd, (const struct sockaddr *)to, address_length(to)) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

static struct association *begin(struct port *p, const struct route *r, uint32_t hash) {
  if (p->users >= PER_PORT) association_end(CONTAINER_OF(aging_oldest(&p->associations), struct association, of_port));
  if (count >= limits.associations) association_end(CONTAINER_OF(aging_oldest(&idle), struct association, idle));
  int fd = dial(&p->target->address);
  if (fd < 0) return NULL;
  struct association *a = must_alloc(sizeof *a);
  a->port = p;
  a->hash = hash;
  a->route = *r;
  a->next = buckets[hash % BUCKETS];
  buckets[hash % BUCKETS] = a;
  p->users++;
  count++;
  if (!idle.newer) aging_init(&idle);
  touch(a);
  watch_init(&a->server, fd, server_ready);
  if (watch_for(&a->server, POLLIN)) return a;
  association_end(a);
  return NULL;
}

static struct association *find(struct port *p, const struct route *r) {
  uint32_t hash = hash_of(p, r);
  struct association *a = buckets[hash % BUCKETS];
  while (a && !(a->hash == hash && a->port == p && memcmp(&a->route, r, sizeof *r) == 0)) a = a->next;
  return a ? a : begin(p, r, hash);
}

void datagrams_take(struct port *p) {
  for (unsigned i = 0; i < ONCE; i++) {
    struct route r;
    ssize_t n = receive(p->watch.fd, &r);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;
    struct association *a = find(p, &r);
    if (!a) continue;
    touch(a);
    /* An earlier refusal is told with this one, which then is not sent: once more. */
    if (send(a->server.fd, datagram, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED) {
      if (send(a->server.fd, datagram, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) continue;
    }
  }
}

void datagrams_end(struct port *p) {
  for (struct aging *a = aging_oldest(&p->associations); a; a = aging_oldest(&p->associations)) {
    association_end(CONTAINER_OF(a, struct association, of_port));
  }
}

uint64_t datagrams_look_at_ms(void) {
  struct aging *oldest = idle.newer ? aging_oldest(&idle) : NULL;
  return oldest ? oldest->until_ms : 0;
}

void datagrams_check(uint64_t now_ms) {
  for (struct aging *a = idle.newer ? aging_oldest(&idle) : NULL; a && now_ms >= a->until_ms; a = aging_oldest(&idle)) {
    association_end(CONTAINER_OF(a, struct association, idle));
  }
}

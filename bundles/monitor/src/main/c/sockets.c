/* The sockets of a container that outlive everybody but its monitor: listeners that reserve ports of the host, and those that
 * its name look-ups come to. The monitor serves none of them; it hands duplicates to the `net` helper (link.c) and to
 * whoever of our user asks. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor.h"
#include "sockets.h"
#include "sys.h"

enum { BACKLOG = 4096 };

static struct listener *listeners;
static unsigned listener_count;
static struct dns_sockets dns = {.fds = {-1, -1}};

struct listener *sockets_listeners(void) { return listeners; }
struct dns_sockets *sockets_dns(void) { return dns.fds[0] >= 0 ? &dns : NULL; }

/* ---- what a listener is called ---- */

static bool word_is_id(const char *word) {
  static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-:";
  size_t length = strlen(word);
  return length > 0 && length <= LISTENER_ID_MOST && strspn(word, allowed) == length;
}

bool address_parse(struct sockaddr_storage *address, const char *host, const char *port) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)address;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)address;
  uint64_t number;
  if (!parse_u64(port, &number) || number > 65535) return false;
  memset(address, 0, sizeof *address);
  if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)number);
    return true;
  }
  if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1) return false;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons((uint16_t)number);
  return true;
}

socklen_t address_length(const struct sockaddr_storage *address) {
  return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static bool protocol_parse(const char *word, struct listener *l) {
  l->type = SOCK_STREAM;
  if (strcmp(word, "tcp") == 0) l->protocol = IPPROTO_TCP;
  else if (strcmp(word, "sctp") == 0) l->protocol = IPPROTO_SCTP;
  else if (strcmp(word, "udp") == 0) l->protocol = IPPROTO_UDP, l->type = SOCK_DGRAM;
  else return false;
  return true;
}

bool listener_parse(const char *text, struct listener *l) {
  char copy[LISTENER_MOST + 1], *rest = NULL;
  *l = (struct listener){.fd = -1};
  if (strlen(text) > LISTENER_MOST) return false;
  strcpy(copy, text);
  strcpy(l->text, text);
  char *id = strtok_r(copy, " ", &rest), *protocol = strtok_r(NULL, " ", &rest);
  char *host = strtok_r(NULL, " ", &rest), *port = strtok_r(NULL, " ", &rest);
  if (!port || strtok_r(NULL, " ", &rest) || !word_is_id(id) || !protocol_parse(protocol, l)) return false;
  strcpy(l->id, id);
  strcpy(l->name, protocol);
  return address_parse(&l->address, host, port) && strcmp(port, "0") != 0;
}

/* ---- listeners ---- */

static int set(int fd, int level, int option) {
  int one = 1;
  return setsockopt(fd, level, option, &one, sizeof one);
}

static int configure(const struct listener *l, int fd) {
  bool v6 = l->address.ss_family == AF_INET6;
  if (v6 && set(fd, IPPROTO_IPV6, IPV6_V6ONLY) < 0) return -1;
  /* Connections of a former run that have not quite ended must not keep the port. For UDP it would mean sharing. */
  if (l->type == SOCK_STREAM) return set(fd, SOL_SOCKET, SO_REUSEADDR);
  /* Whoever answers has to know which of the host's addresses was asked. */
  return v6 ? set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO) : set(fd, IPPROTO_IP, IP_PKTINFO);
}

static int open_listener(const struct listener *l) {
  int fd = socket(l->address.ss_family, l->type | SOCK_CLOEXEC | SOCK_NONBLOCK, l->protocol);
  if (fd < 0) return -1;
  bool done = configure(l, fd) == 0 && bind(fd, (const struct sockaddr *)&l->address, address_length(&l->address)) == 0;
  if (done && l->type == SOCK_STREAM) done = listen(fd, BACKLOG) == 0;
  if (done) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static struct listener *find(const char *id) {
  struct listener *l = listeners;
  while (l && strcmp(l->id, id) != 0) l = l->next;
  return l;
}

static void describe(const struct listener *l, char *why, size_t capacity) {
  char host[INET6_ADDRSTRLEN] = "";
  const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&l->address;
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)&l->address;
  bool is6 = l->address.ss_family == AF_INET6;
  inet_ntop(l->address.ss_family, is6 ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr, host, sizeof host);
  snprintf(why, capacity, is6 ? "listen %s [%s]:%u" : "listen %s %s:%u", l->name, host, ntohs(is6 ? v6->sin6_port : v4->sin_port));
}

/* The same one asked for again is no new one. */
static int add(const char *text, char *why, size_t capacity) {
  struct listener wanted;
  if (!listener_parse(text, &wanted)) {
    snprintf(why, capacity, "not a listener: %.150s", text);
    errno = EINVAL;
    return -1;
  }
  struct listener *there = find(wanted.id);
  if (there && strcmp(there->text, wanted.text) == 0) return 0;
  errno = there ? EEXIST : listener_count >= LISTENERS_MOST ? EMFILE : 0;
  if (!errno) wanted.fd = open_listener(&wanted);
  if (wanted.fd < 0) {
    int error = errno;
    describe(&wanted, why, capacity);
    errno = error;
    return -1;
  }
  struct listener *l = must_alloc(sizeof *l);
  *l = wanted;
  l->next = listeners;
  listeners = l;
  listener_count++;
  return 1;
}

static void take_out(struct listener *l) {
  for (struct listener **at = &listeners; *at; at = &(*at)->next) {
    if (*at != l) continue;
    *at = l->next;
    break;
  }
  listener_count--;
  close(l->fd);
  free(l);
}

int sockets_listen(const struct message *m, char *why, size_t capacity) {
  size_t offset = 0;
  struct attribute a;
  unsigned made = 0;
  while (attribute_next(m, &offset, &a)) {
    if (a.tag != TAG_LISTENER) continue;
    char *text = attribute_text(&a);
    int result = add(text, why, capacity), error = errno;
    free(text);
    if (result > 0) made++;
    if (result >= 0) continue;
    for (; made > 0; made--) take_out(listeners); /* the newest come first */
    errno = error;
    return -1;
  }
  if (made) link_tell();
  return 0;
}

void sockets_unlisten(const struct message *m) {
  size_t offset = 0;
  struct attribute a;
  bool told = false;
  while (attribute_next(m, &offset, &a)) {
    if (a.tag != TAG_LISTENER) continue;
    char *id = attribute_text(&a);
    id[strcspn(id, " ")] = 0;
    struct listener *l = find(id);
    if (l && link_serves()) {
      link_unlisten(id);
      told = true;
    }
    if (l) take_out(l);
    free(id);
  }
  /* Whoever is told that a port is free may bind it next. */
  if (told) link_await();
}

/* ---- name look-ups ---- */

static void close_dns(void) {
  for (unsigned i = 0; i < COUNT(dns.fds); i++) {
    if (dns.fds[i] >= 0) close(dns.fds[i]);
    dns.fds[i] = -1;
  }
}

void sockets_take_dns(const int *fds, unsigned count, const char *text) {
  if (count != COUNT(dns.fds)) {
    for (unsigned i = 0; i < count; i++) close(fds[i]);
    return;
  }
  close_dns();
  dns = (struct dns_sockets){.fds = {fds[0], fds[1]}};
  snprintf(dns.text, sizeof dns.text, "%s", text);
  link_tell();
}

/* ---- all of them ---- */

void sockets_put_names(struct buffer *b) {
  for (struct listener *l = listeners; l; l = l->next) message_put_text(b, TAG_LISTENER, l->text);
  if (sockets_dns()) message_put_text(b, TAG_DNS, dns.text);
}

void sockets_leave(void) {
  if (!listeners && !sockets_dns()) return;
  while (listeners) take_out(listeners);
  close_dns();
  link_leave();
}

/* Duplicates of listeners, by container. */
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "sys.h"

enum { KEEPALIVE_AFTER_S = 60, KEEPALIVE_EVERY_S = 15 };

static void port_ready(struct watch *w, uint32_t events) {
  struct port *p = CONTAINER_OF(w, struct port, watch);
  (void)events;
  if (!p->target) return;
  if (p->listener.protocol == IPPROTO_UDP) datagrams_take(p);
  else stream_accept(p);
  port_flow(p);
}

static void set(int fd, int level, int option, int value) { (void)setsockopt(fd, level, option, &value, sizeof value); }

void port_add(struct container *c, const struct listener *l, int fd) {
  struct port *p = must_alloc(sizeof *p);
  p->container = c;
  p->listener = *l;
  p->listener.fd = fd;
  watch_init(&p->watch, fd, port_ready);
  aging_init(&p->associations);
  if (l->protocol == IPPROTO_TCP) {
    /* What is accepted has them, too. */
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_AFTER_S);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S);
  }
  p->next = c->ports;
  c->ports = p;
  p->target = table_target(c, p->listener.id);
  port_flow(p);
}

void port_close(struct port *p) {
  struct port **at = &p->container->ports;
  while (*at != p) at = &(*at)->next;
  *at = p->next;
  if (p->listener.protocol == IPPROTO_UDP) datagrams_end(p);
  else streams_forget(p);
  watch_close(&p->watch);
  free_later(p);
}

void ports_close(struct container *c) {
  while (c->ports) port_close(c->ports);
}

struct port *port_find(struct container *c, const char *id) {
  struct port *p = c->ports;
  while (p && strcmp(p->listener.id, id) != 0) p = p->next;
  return p;
}

/* SCTP is led on by rules alone: its listener just keeps the port. */
void port_flow(struct port *p) {
  bool udp = p->listener.protocol == IPPROTO_UDP;
  bool takes = p->target && (udp || (p->listener.protocol == IPPROTO_TCP && p->users < limits.streams_of_port && !net_paused()));
  watch_for(&p->watch, takes ? POLLIN : 0);
}

void ports_flow(struct container *c) {
  for (struct port *p = c->ports; p; p = p->next) {
    const struct target *before = p->target;
    p->target = table_target(c, p->listener.id);
    bool elsewhere = before && (!p->target || memcmp(&before->address, &p->target->address, sizeof before->address) != 0);
    if (elsewhere && p->listener.protocol == IPPROTO_UDP) datagrams_end(p);
    port_flow(p);
  }
}

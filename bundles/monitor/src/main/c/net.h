/* The net helper: serves duplicates of sockets that monitors keep, from tables that the engine writes. It reads what anybody on
 * the network and in any container sends, and so has no rights to speak of: no capabilities, a user of its own, a short
 * list of system calls, no way to connect to a process of ours. */
#ifndef GANTRY_NET_H
#define GANTRY_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "loop.h"
#include "sockets.h"
#include "tables.h"
#include "wire.h"

enum { ONCE = 32 /* what one ready socket may have done before others get their turn */ };

/* Things that end after one and the same time: in the order in which they were last used. */
struct aging {
  struct aging *older, *newer;
  uint64_t until_ms;
};

/* A ring with its head in it. */
void aging_init(struct aging *head);
void aging_touch(struct aging *head, struct aging *one, uint64_t until_ms);
void aging_leave(struct aging *one);
/* The next one that ends; NULL when there is none. */
static inline struct aging *aging_oldest(struct aging *head) { return head->newer == head ? NULL : head->newer; }

/* A duplicate of a listener. */
struct port {
  struct port *next;
  struct watch watch;
  struct container *container;
  struct listener listener;
  const struct target *target; /* NULL: clients wait */
  unsigned users;              /* connections or associations */
  struct aging associations;   /* of UDP */
};

/* What the descriptors there are allow: nobody may use them up for all. */
struct limits {
  unsigned streams, streams_of_port, associations;
};
extern struct limits limits;

/* net.c */
_Noreturn void net_main(int connection, const struct message *start);
/* Without descriptors or memory for more, nothing is accepted for a while. */
void net_pause(void);
bool net_paused(void);

/* ports.c */
void port_add(struct container *c, const struct listener *l, int fd);
void port_close(struct port *p);
void ports_close(struct container *c);
struct port *port_find(struct container *c, const char *id);
/* Looks again where they lead and whether they may take more. */
void ports_flow(struct container *c);
void port_flow(struct port *p);

/* streams.c: TCP */
void stream_accept(struct port *p);
/* The port is gone; its connections go on. */
void streams_forget(const struct port *p);
void streams_end(const struct container *c);
unsigned stream_count(void);
uint64_t streams_look_at_ms(void);
void streams_check(uint64_t now_ms);

/* datagrams.c: UDP */
void datagrams_take(struct port *p);
void datagrams_end(struct port *p);
unsigned datagram_count(void);
uint64_t datagrams_look_at_ms(void);
void datagrams_check(uint64_t now_ms);

/* resolver.c */
void resolver_open(struct container *c, int udp, int tcp);
void resolver_close(struct container *c);
/* Looks again whether it may ask. */
void resolver_flow(struct container *c);
uint64_t resolvers_look_at_ms(void);
void resolvers_check(uint64_t now_ms);
uint64_t resolver_questions(void);
/* To whom an answer goes; gone when the resolver is. */
struct asker {
  struct resolver *resolver;
  struct session *session; /* NULL: UDP */
  struct sockaddr_storage from;
};
void resolver_answer(struct asker *a, const uint8_t *data, size_t length);
/* Which of its questions name servers have been asked: upstream.c keeps them, and counts. */
struct inquiries {
  unsigned count;
  struct inquiry *inside; /* over the resolver's own socket */
};
struct inquiries *resolver_under_way(struct resolver *r);
/* From the resolver's own socket: false when it cannot be sent. */
bool resolver_send(struct resolver *r, const struct sockaddr_storage *to, const uint8_t *data, size_t length);

/* upstream.c */
/* Asks the container's name servers; false when there are none or too much was asked already. */
bool upstream_ask(const struct asker *a, const struct container *c, const uint8_t *query, size_t length, size_t question_end);
/* What a resolver's own socket has got and is no question. */
void upstream_take(const struct asker *from, uint8_t *data, size_t length);
/* Nobody waits for the answers any more: a session's, or all of the resolver's. */
void upstream_forget(const struct resolver *r, const struct session *s);
unsigned upstream_count(void);
uint64_t upstream_look_at_ms(void);
void upstream_check(uint64_t now_ms);

#endif

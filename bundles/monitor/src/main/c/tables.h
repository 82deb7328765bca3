/* What the net helper knows: for each container where its listeners lead, by which names it is known in which networks, and
 * what it may look up itself. The engine replaces a container's part as a whole. */
#ifndef GANTRY_TABLES_H
#define GANTRY_TABLES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "wire.h"

enum { CONTAINER_ID_MOST = 64, UPSTREAMS_MOST = 8, ADDRESSES_MOST = 16, NAMES_MOST = 1024, FOUND_MOST = 256 };

struct port;
struct resolver;

/* How many containers a network is named by keeps it. */
struct network {
  struct network *next;
  unsigned users;
  char id[];
};

struct target {
  struct target *next;
  struct sockaddr_storage address;
  char listener[];
};

/* A network as a container knows it, by the name it has there. */
struct view {
  struct view *next;
  struct network *network;
  char name[];
};

struct address {
  uint8_t bytes[16];
  uint8_t length; /* 4 or 16 */
};

/* An endpoint: a container in a network. */
struct endpoint {
  struct endpoint *next;
  struct network *network;
  const char *full_name; /* what its addresses are answered with */
  unsigned count;
  struct address addresses[ADDRESSES_MOST];
};

/* A name of an endpoint, or one of its addresses, by which it is found. */
struct entry {
  struct entry *next, *of_container;
  struct endpoint *endpoint;
  uint32_t hash;
  uint16_t length;
  char key[];
};

/* A name server. */
struct upstream {
  struct sockaddr_storage address;
  bool inside; /* on the container's own loopback interface */
};

struct container {
  struct container *next;
  char id[CONTAINER_ID_MOST + 1];
  bool stale, has_table;
  /* from the engine */
  struct target *targets;
  struct endpoint *endpoints;
  struct entry *entries;
  unsigned entry_count;
  struct view *views; /* of networks whose names it may know, in this order */
  struct upstream *upstreams;
  unsigned upstream_count;
  bool keeps_bare_names; /* names without a dot are nobody's but ours */
  /* from the monitor */
  const void *link; /* whose sockets these are */
  struct port *ports;
  struct resolver *resolver;
  unsigned streams; /* that have not ended */
};

struct container *container_find(const char *id);
struct container *container_need(const char *id);
/* One that has neither a table nor sockets nor connections is forgotten. */
void container_settle(struct container *c);
unsigned container_count(void);
/* Walks all of them; the one that is visited may go. */
void container_each(void (*visit)(struct container *c));

/* Replaces the container's part by what the message says, all of it or nothing: NULL, or what is wrong. */
const char *table_replace(struct container *c, const struct message *m);
void table_remove(struct container *c);
const struct target *table_target(const struct container *c, const char *listener);

/* Which endpoints have this name (lower case) in the networks the container may know: the first of its networks that knows it
 * decides. The networks' names may follow a dot. */
unsigned table_find_name(const struct container *c, const char *name, const struct endpoint *found[FOUND_MOST]);
const struct endpoint *table_find_address(const struct container *c, const uint8_t *address, size_t length);

#endif

/* Sockets of a container that the monitor keeps (PROTOCOL.md, "Sockets"), and the processes that serve duplicates of them. */
#ifndef GANTRY_SOCKETS_H
#define GANTRY_SOCKETS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "buffer.h"
#include "wire.h"

enum { LISTENERS_MOST = 4096, LISTENER_ID_MOST = 64, LISTENER_MOST = 160, SOCKETS_AT_ONCE = 16, LINKS_MOST = 4 };

/* ID PROTOCOL ADDRESS PORT */
struct listener {
  struct listener *next;
  char text[LISTENER_MOST + 1], id[LISTENER_ID_MOST + 1], name[8];
  int type, protocol;
  struct sockaddr_storage address;
  int fd;
  bool told; /* to who serves now */
};

struct dns_sockets {
  char text[80]; /* ADDRESS PORT */
  int fds[2];    /* UDP and TCP */
  bool told;
};

bool listener_parse(const char *text, struct listener *l);
/* Numeric; port 0 is one. */
bool address_parse(struct sockaddr_storage *address, const char *host, const char *port);
socklen_t address_length(const struct sockaddr_storage *address);

/* sockets.c */
struct listener *sockets_listeners(void);
/* NULL when there are none. */
struct dns_sockets *sockets_dns(void);
/* Makes all listeners of a message or none; -1 and errno, and a sentence. */
int sockets_listen(const struct message *m, char *why, size_t capacity);
/* Back when nobody has them any more, who serves them included. */
void sockets_unlisten(const struct message *m);
/* A pair that was made in the container's network namespace. */
void sockets_take_dns(const int *fds, unsigned count, const char *text);
void sockets_put_names(struct buffer *b);
/* The container has ended: lets go of all, as sockets_unlisten. */
void sockets_leave(void);

/* link.c */
/* Where the process listens that serves from now on; connects when there is something to serve. -1 and errno. */
int link_to(const char *path);
/* The peer of this connection wants to serve from now on. */
void link_adopt(int fd);
/* Hands out what the present one has not got. */
void link_tell(void);
void link_unlisten(const char *id);
/* Until all have done what they were told, or shall no longer. */
void link_await(void);
void link_leave(void);
/* Whether somebody serves. */
bool link_serves(void);
/* When connecting is to be tried again; 0 for never. */
uint64_t link_look_at_ms(void);
void link_check(uint64_t now_ms);

#endif

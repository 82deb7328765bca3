/* The event loop: epoll over watches that are embedded in what they belong to. */
#ifndef GANTRY_LOOP_H
#define GANTRY_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct watch {
  int fd;
  uint32_t events;
  bool known; /* to epoll; one that waits for nothing is not, since it would still be told of hang-ups */
  void (*ready)(struct watch *w, uint32_t events);
};

#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

void loop_open(void);
void watch_init(struct watch *w, int fd, void (*ready)(struct watch *, uint32_t));
/* Waits for these events; WATCH_HANGUP alone for hang-ups and errors; 0 for nothing at all. */
enum { WATCH_HANGUP = 1u << 30 };
void watch_for(struct watch *w, uint32_t events);
void watch_close(struct watch *w);
/* Frees memory once no event of the present round can point to it. */
void free_later(void *memory);
/* One round; waits at most so many ms, for ever when negative. */
void loop_round(int timeout_ms);

#endif

/* The event loop: poll over watches that are embedded in what they belong to.
 *
 * Not epoll, in a monitor: its watches are counted by user, all containers' root processes and all monitors together, so that one
 * container could use them up and leave every monitor unable to watch anything more. A monitor has a handful of
 * descriptors; for those poll is as fast. The net helper has thousands and a user of its own: it uses epoll. */
#ifndef GANTRY_LOOP_H
#define GANTRY_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watch {
  int fd;
  uint32_t events; /* POLL*, WATCH_HANGUP; 0 while it waits for nothing */
  size_t place;    /* in the loop's list, while it waits for something */
  void (*ready)(struct watch *w, uint32_t events);
};

#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

void watch_init(struct watch *w, int fd, void (*ready)(struct watch *, uint32_t));
/* Waits for these events; WATCH_HANGUP alone for hang-ups and errors; 0 for nothing at all. */
enum { WATCH_HANGUP = 1u << 30 };
/* With epoll: tells of changes only. */
static const uint32_t WATCH_EDGE = 1u << 31;
/* False when it cannot be, which only epoll says. */
bool watch_for(struct watch *w, uint32_t events);
void watch_close(struct watch *w);
/* Frees memory once no event of the present round can point to it. */
void free_later(void *memory);
/* From now on; before anything is watched. -1 and errno. */
int loop_use_epoll(void);
/* One round; waits at most so many ms, for ever when negative. */
void loop_round(int timeout_ms);

#endif

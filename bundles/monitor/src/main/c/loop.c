#include "loop.h"

#include <stdlib.h>
#include <unistd.h>

#include "sys.h"

static int epoll = -1;

struct garbage {
  struct garbage *next;
  void *memory;
};
static struct garbage *garbage;

void loop_open(void) {
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) _exit(70);
}

void watch_init(struct watch *w, int fd, void (*ready)(struct watch *, uint32_t)) {
  *w = (struct watch){.fd = fd, .ready = ready};
}

void watch_for(struct watch *w, uint32_t events) {
  if (w->fd < 0 || (w->events == events && w->known == (events != 0))) return;
  struct epoll_event e = {.events = events & ~(uint32_t)WATCH_HANGUP, .data.ptr = w};
  if (events == 0) epoll_ctl(epoll, EPOLL_CTL_DEL, w->fd, NULL);
  else if (epoll_ctl(epoll, w->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, w->fd, &e) < 0) _exit(70);
  w->events = events;
  w->known = events != 0;
}

void watch_close(struct watch *w) {
  if (w->fd < 0) return;
  watch_for(w, 0);
  close(w->fd);
  w->fd = -1;
}

void free_later(void *memory) {
  struct garbage *g = must_alloc(sizeof *g);
  *g = (struct garbage){.next = garbage, .memory = memory};
  garbage = g;
}

static void free_garbage(void) {
  while (garbage) {
    struct garbage *g = garbage;
    garbage = g->next;
    free(g->memory);
    free(g);
  }
}

void loop_round(int timeout_ms) {
  struct epoll_event events[32];
  int n = epoll_wait(epoll, events, COUNT(events), timeout_ms);
  for (int i = 0; i < n; i++) {
    struct watch *w = events[i].data.ptr;
    if (w->fd >= 0 && w->known) w->ready(w, events[i].events);
  }
  free_garbage();
}

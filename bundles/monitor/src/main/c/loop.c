#include "loop.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "sys.h"

/* Every watch that waits for something, in no order, and room for a round over them. */
static struct watch **watches, **polled;
static struct pollfd *fds;
static size_t count, capacity;

/* Instead of these, where it is used. */
enum { EVENTS_A_ROUND = 64, EVENT_BITS = 0x7fff };
static int epoll = -1;

struct garbage {
  struct garbage *next;
  void *memory;
};
static struct garbage *garbage;

void watch_init(struct watch *w, int fd, void (*ready)(struct watch *, uint32_t)) {
  *w = (struct watch){.fd = fd, .ready = ready};
}

static void list(struct watch *w) {
  if (count == capacity) {
    size_t larger = capacity ? 2 * capacity : 16;
    struct watch **more = must_alloc(larger * sizeof *more);
    if (count) memcpy(more, watches, count * sizeof *more);
    free(watches);
    watches = more;
    capacity = larger;
  }
  w->place = count;
  watches[count++] = w;
}

static void unlist(struct watch *w) {
  struct watch *last = watches[--count];
  watches[w->place] = last;
  last->place = w->place;
}

int loop_use_epoll(void) {
  epoll = epoll_create1(EPOLL_CLOEXEC);
  return epoll < 0 ? -1 : 0;
}

/* A descriptor that others have, too, does not leave by being closed here. */
static bool tell_epoll(struct watch *w, uint32_t events) {
  struct epoll_event event = {.events = events & (EVENT_BITS | EPOLLET), .data.ptr = w};
  int what = !w->events ? EPOLL_CTL_ADD : !events ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  return epoll_ctl(epoll, what, w->fd, &event) == 0;
}

bool watch_for(struct watch *w, uint32_t events) {
  if (w->fd < 0 || w->events == events) return true;
  if (epoll >= 0) {
    if (!tell_epoll(w, events)) return false;
  } else if (!w->events) {
    list(w);
  } else if (!events) {
    unlist(w);
  }
  w->events = events;
  return true;
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

/* What is waited for now: whoever is told of an event may change the list. */
static size_t prepare_round(void) {
  static size_t room;
  if (room < capacity) {
    room = capacity;
    free(polled);
    free(fds);
    polled = must_alloc(room * sizeof *polled);
    fds = must_alloc(room * sizeof *fds);
  }
  for (size_t i = 0; i < count; i++) {
    polled[i] = watches[i];
    fds[i] = (struct pollfd){.fd = watches[i]->fd, .events = (short)(watches[i]->events & 0x7fff)};
  }
  return count;
}

static void epoll_round(int timeout_ms) {
  struct epoll_event events[EVENTS_A_ROUND];
  int ready = epoll_wait(epoll, events, EVENTS_A_ROUND, timeout_ms);
  for (int i = 0; i < ready; i++) {
    struct watch *w = events[i].data.ptr;
    if (w->fd >= 0 && w->events) w->ready(w, events[i].events);
  }
}

static void poll_round(int timeout_ms) {
  size_t n = prepare_round();
  int ready = poll(fds, n, timeout_ms);
  for (size_t i = 0; ready > 0 && i < n; i++) {
    struct watch *w = polled[i];
    if (!fds[i].revents) continue;
    ready--;
    /* A watch that was closed and opened anew has had no event yet. */
    if (w->fd == fds[i].fd && w->events) w->ready(w, (uint32_t)(uint16_t)fds[i].revents);
  }
}

void loop_round(int timeout_ms) {
  if (epoll >= 0) epoll_round(timeout_ms);
  else poll_round(timeout_ms);
  free_garbage();
}

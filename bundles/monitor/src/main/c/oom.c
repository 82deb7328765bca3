/* Tells the engine when the kernel kills processes of the container for want of memory, while the container goes on. Only where
 * memory is limited: elsewhere the exit record says it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "monitor.h"
#include "sys.h"
#include "wire.h"

/* Version 1 tells of the want of memory before it kills: one looks again for a while. */
enum { LOOK_MS = 10, LOOKS = 100 };

static struct watch oom = {.fd = -1};
static uint64_t told, look_at_ms;
static unsigned looks;

static void tell(uint64_t kills) {
  struct buffer b = {0};
  told = kills;
  size_t begin = message_begin(&b, MSG_OOM);
  message_put_u64(&b, TAG_OOM_KILLS, kills);
  message_put_u64(&b, TAG_TIME_NS, wall_clock_ns());
  message_end(&b, begin);
  connections_tell(&b);
  buffer_clear(&b);
}

static void look(void) {
  uint64_t kills = record_oom_kills();
  if (kills > told) tell(kills);
}

/* Version 2: memory.events has changed; reading it is what makes it tell again. */
static void events_changed(struct watch *w, uint32_t events) {
  char text[1024];
  (void)events;
  if (lseek(w->fd, 0, SEEK_SET) < 0 || read(w->fd, text, sizeof text) < 0) {
    watch_close(w); /* the group is gone, and would be ready for ever */
    return;
  }
  look();
}

/* Version 1. */
static void wants_memory(struct watch *w, uint32_t events) {
  uint64_t count;
  (void)events;
  if (read(w->fd, &count, sizeof count) < 0 && errno != EAGAIN) {
    watch_close(w);
    return;
  }
  look();
  looks = LOOKS;
  look_at_ms = monotonic_ms() + LOOK_MS;
}

static int open_beside(const char *file, const char *name) {
  char path[4096];
  const char *slash = strrchr(file, '/');
  int n = slash ? snprintf(path, sizeof path, "%.*s/%s", (int)(slash - file), file, name) : -1;
  return n < 0 || (size_t)n >= sizeof path ? -1 : open(path, O_WRONLY | O_CLOEXEC);
}

static int watch_events(const char *file) {
  char text[1024];
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  if (read(fd, text, sizeof text) < 0) {
    close(fd);
    return -1;
  }
  watch_init(&oom, fd, events_changed);
  watch_for(&oom, POLLPRI);
  return 0;
}

static int watch_control(const char *file) {
  char line[64];
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  int control = open(file, O_RDONLY | O_CLOEXEC), events = open_beside(file, "cgroup.event_control");
  int n = snprintf(line, sizeof line, "%d %d", fd, control);
  int result = fd < 0 || control < 0 || events < 0 || write(events, line, (size_t)n) != n ? -1 : 0;
  if (control >= 0) close(control);
  if (events >= 0) close(events);
  if (result < 0) {
    if (fd >= 0) close(fd);
    return -1;
  }
  watch_init(&oom, fd, wants_memory);
  watch_for(&oom, POLLIN);
  return 0;
}

void oom_watch(void) {
  const char *file = monitor.oom_files ? monitor.oom_files[0] : NULL;
  if (!monitor.watch_oom || !file || oom.fd >= 0) return;
  const char *name = strrchr(file, '/');
  /* Without it the exit record still says what happened. */
  (void)(name && strcmp(name, "/memory.events") == 0 ? watch_events(file) : watch_control(file));
  look();
}

uint64_t oom_look_at_ms(void) { return look_at_ms; }

void oom_check(uint64_t now_ms) {
  if (!look_at_ms || now_ms < look_at_ms) return;
  uint64_t before = told;
  look();
  looks--;
  look_at_ms = told > before || looks == 0 || monitor.phase == PHASE_EXITED ? 0 : now_ms + LOOK_MS;
}

#include "logwriter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buffer.h"
#include "loop.h"
#include "spool.h"
#include "sys.h"

enum order_kind { ORDER_RECORD, ORDER_REOPEN, ORDER_COMPRESSED };

struct order {
  uint32_t kind, length;
  uint64_t most_bytes, most_files; /* of REOPEN */
  uint64_t inode;                  /* of COMPRESSED */
};

struct log_writer {
  pid_t pid;
  struct watch pipe;
  struct buffer queue;
  uint64_t most_bytes;
};

/* ---- in the writer ---- */

static void obey(struct spool *file, const struct order *o, const uint8_t *data) {
  /* A file that cannot be opened leaves the old one in use. */
  if (o->kind == ORDER_REOPEN) (void)spool_reopen(file, (const char *)data, o->most_bytes, o->most_files);
  /* Nobody hears of an error: what has no place any more must not stay beside the log. */
  else if (o->kind == ORDER_COMPRESSED && spool_compressed(file, (const char *)data, o->inode) < 0) (void)unlink((const char *)data);
  else if (o->kind == ORDER_RECORD) spool_record(file, data, o->length);
}

static _Noreturn void write_log(struct spool *file, int pipe) {
  struct order o;
  title_set("gantry-log");
  file->fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 16);
  if (file->fd < 0 || (dup3(pipe, 3, O_CLOEXEC) < 0 && errno != EINVAL)) _exit(71);
  int fd = dup3(file->fd, 4, O_CLOEXEC);
  if (fd < 0) _exit(71);
  file->fd = fd;
  (void)sys_close_range(5, ~0u);
  while (read_all(3, &o, sizeof o) == sizeof o) {
    uint8_t *data = must_alloc((size_t)o.length + 1);
    if (read_all(3, data, o.length) != (ssize_t)o.length) break;
    obey(file, &o, data);
    free(data);
  }
  _exit(0);
}

/* ---- in the monitor ---- */

static void hand_over(struct log_writer *w) {
  int done = buffer_flush(&w->queue, w->pipe.fd);
  if (done < 0) { /* the writer was killed: its lines are lost, the container is not */
    buffer_clear(&w->queue);
    watch_close(&w->pipe);
  }
  watch_for(&w->pipe, done == 0 ? POLLOUT : 0);
}

static void pipe_ready(struct watch *watch, uint32_t events) {
  (void)events;
  hand_over(CONTAINER_OF(watch, struct log_writer, pipe));
}

struct log_writer *log_writer_start(struct spool *file, uint64_t most_bytes) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return NULL;
  pid_t pid = sys_clone(0);
  if (pid == 0) write_log(file, ends[0]);
  close(ends[0]);
  if (pid < 0) {
    close(ends[1]);
    return NULL;
  }
  close(file->fd);
  file->fd = -1;
  struct log_writer *w = must_alloc(sizeof *w);
  w->pid = pid;
  w->most_bytes = most_bytes;
  (void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
  watch_init(&w->pipe, ends[1], pipe_ready);
  return w;
}

static void send_order(struct log_writer *w, const struct order *o, const void *data) {
  if (w->pipe.fd < 0) return;
  buffer_append(&w->queue, o, sizeof *o);
  buffer_append(&w->queue, data, o->length);
  hand_over(w);
}

void log_writer_put(struct log_writer *w, const void *record, size_t length) {
  struct order o = {.kind = ORDER_RECORD, .length = (uint32_t)length};
  if (buffer_length(&w->queue) > 0 && buffer_length(&w->queue) + sizeof o + length > w->most_bytes) return;
  send_order(w, &o, record);
}

void log_writer_reopen(struct log_writer *w, const char *path, uint64_t most_bytes, uint64_t most_files) {
  struct order o = {.kind = ORDER_REOPEN, .length = (uint32_t)strlen(path), .most_bytes = most_bytes, .most_files = most_files};
  send_order(w, &o, path);
}

void log_writer_compressed(struct log_writer *w, const char *path, uint64_t inode) {
  struct order o = {.kind = ORDER_COMPRESSED, .length = (uint32_t)strlen(path), .inode = inode};
  send_order(w, &o, path);
}

void log_writer_end(struct log_writer *w) {
  if (!w->pid) return;
  if (w->pipe.fd >= 0) {
    (void)fcntl(w->pipe.fd, F_SETFL, 0);
    (void)buffer_flush(&w->queue, w->pipe.fd);
  }
  watch_close(&w->pipe);
  while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR) continue;
  w->pid = 0;
}

bool log_writer_is(const struct log_writer *w, pid_t pid) { return w && w->pid == pid; }

#include "buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys.h"

enum { KEPT_MOST = 1024 };

uint8_t *buffer_room(struct buffer *b, size_t length) {
  if (b->end + length <= b->capacity) return b->data + b->end;
  size_t kept = buffer_length(b);
  size_t capacity = b->capacity ? b->capacity : 512;
  while (capacity < kept + length) capacity *= 2;
  uint8_t *data = must_alloc(capacity);
  if (kept) memcpy(data, b->data + b->start, kept);
  free(b->data);
  *b = (struct buffer){.data = data, .end = kept, .capacity = capacity};
  return b->data + b->end;
}

void buffer_append(struct buffer *b, const void *data, size_t length) {
  if (length == 0) return;
  memcpy(buffer_room(b, length), data, length);
  b->end += length;
}

void buffer_take(struct buffer *b, size_t length) {
  b->start += length;
  if (b->start == b->end) buffer_clear(b);
}

void buffer_clear(struct buffer *b) {
  free(b->data);
  *b = (struct buffer){0};
}

void buffer_empty(struct buffer *b) {
  if (b->capacity > KEPT_MOST) buffer_clear(b);
  b->start = b->end = 0;
}

int buffer_flush(struct buffer *b, int fd) {
  while (buffer_length(b) > 0) {
    ssize_t n = write(fd, b->data + b->start, buffer_length(b));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    buffer_take(b, (size_t)n);
  }
  return 1;
}

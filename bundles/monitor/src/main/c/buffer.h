/* Bytes on their way: appended at the end, taken from the start; an empty buffer holds no memory. */
#ifndef GANTRY_BUFFER_H
#define GANTRY_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buffer {
  uint8_t *data;
  size_t start, end, capacity;
};

static inline size_t buffer_length(const struct buffer *b) { return b->end - b->start; }

/* Makes room for `length` more bytes and returns where they go; count them with buffer_grow. */
uint8_t *buffer_room(struct buffer *b, size_t length);
void buffer_append(struct buffer *b, const void *data, size_t length);
void buffer_take(struct buffer *b, size_t length);
void buffer_clear(struct buffer *b);
/* The same of one that is filled again and again: it keeps a little memory, which would be mapped anew each time. */
void buffer_empty(struct buffer *b);
/* Writes what the descriptor takes without waiting: 1 all of it, 0 some is left, -1 it is broken. */
int buffer_flush(struct buffer *b, int fd);

#endif

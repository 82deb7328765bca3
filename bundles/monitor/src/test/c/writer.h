/* Writes op programs, as the engine does. */
#ifndef GANTRY_WRITER_H
#define GANTRY_WRITER_H

#include <string.h>

#include "buffer.h"
#include "ops.h"

struct writer {
  struct buffer b;
  size_t op;
};

static inline void put32(struct writer *w, uint32_t v) { buffer_append(&w->b, &v, sizeof v); }

static inline void program_start(struct writer *w) {
  *w = (struct writer){0};
  put32(w, OP_MAGIC);
  put32(w, 0);
}

static inline void add32(struct writer *w, size_t at, uint32_t more) {
  uint32_t v;
  memcpy(&v, w->b.data + at, sizeof v);
  v += more;
  memcpy(w->b.data + at, &v, sizeof v);
}

static inline void op_start(struct writer *w, enum op_code code) {
  w->op = w->b.end;
  put32(w, (uint32_t)code);
  put32(w, 8);
  add32(w, 4, 1);
}

static inline void op_bytes(struct writer *w, const void *bytes, uint32_t length) {
  static const uint8_t zeros[4];
  size_t begin = w->b.end;
  put32(w, length);
  buffer_append(&w->b, bytes, length);
  buffer_append(&w->b, zeros, 1 + (3 - length % 4));
  add32(w, w->op, 1u << 16);
  add32(w, w->op + 4, (uint32_t)(w->b.end - begin));
}

static inline void op_text(struct writer *w, const char *text) { op_bytes(w, text, (uint32_t)strlen(text)); }
static inline void op_number(struct writer *w, uint64_t v) { op_bytes(w, &v, sizeof v); }

#endif

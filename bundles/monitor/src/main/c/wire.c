#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys.h"

enum form { ANY, NUMBER, STRING, BYTES };

static const uint8_t forms[TAG_END] = {
    [TAG_PROTOCOL] = NUMBER,
    [TAG_OP_SET] = NUMBER,
    [TAG_HELPER_SHA256] = STRING,
    [TAG_INSTANCE] = STRING,
    [TAG_CONTAINER] = STRING,
    [TAG_BOOT_ID] = STRING,
    [TAG_INIT_PID] = NUMBER,
    [TAG_INIT_START] = NUMBER,
    [TAG_PHASE] = NUMBER,
    [TAG_COMMITTED] = NUMBER,
    [TAG_LIVE_EXEC] = STRING,
    [TAG_DIR] = STRING,
    [TAG_FLAGS] = NUMBER,
    [TAG_CLONE] = NUMBER,
    [TAG_PROGRAM] = BYTES,
    [TAG_STATUS] = NUMBER,
    [TAG_SIGNAL] = NUMBER,
    [TAG_TIME_NS] = NUMBER,
    [TAG_OOM_KILLS] = NUMBER,
    [TAG_CPU_NS] = NUMBER,
    [TAG_EXEC_ID] = STRING,
    [TAG_STREAMS] = NUMBER,
    [TAG_ROWS] = NUMBER,
    [TAG_COLUMNS] = NUMBER,
    [TAG_LOG_PATH] = STRING,
    [TAG_LOG_MAX_BYTES] = NUMBER,
    [TAG_LOG_MAX_FILES] = NUMBER,
    [TAG_LOG_BUFFER_BYTES] = NUMBER,
    [TAG_OOM_FILE] = STRING,
    [TAG_CPU_FILE] = STRING,
    [TAG_ERRNO] = NUMBER,
    [TAG_OP_INDEX] = NUMBER,
    [TAG_OP_CODE] = NUMBER,
    [TAG_TEXT] = STRING,
    [TAG_STAGE] = NUMBER,
    [TAG_MONITOR_PID] = NUMBER,
    [TAG_CGROUP_PROCS] = STRING,
    [TAG_EXITED_EXEC] = STRING,
    [TAG_RUNTIME] = NUMBER,
    [TAG_LOG_ATTRIBUTES] = STRING,
    [TAG_LOG_STDIN] = NUMBER,
    [TAG_LOG_INODE] = NUMBER,
    [TAG_GROUP] = NUMBER,
    [TAG_OOM_WATCH] = NUMBER,
    [TAG_LISTENER] = STRING,
    [TAG_DNS] = STRING,
    [TAG_NET] = STRING,
    [TAG_SERVED] = NUMBER,
    [TAG_NAME] = STRING,
    [TAG_NETWORK] = STRING,
    [TAG_UPSTREAM] = STRING,
    [TAG_TARGET] = STRING,
    [TAG_COUNTER] = STRING,
    [TAG_INTERVAL_MS] = NUMBER,
    [TAG_TIMEOUT_MS] = NUMBER,
    [TAG_START_PERIOD_MS] = NUMBER,
    [TAG_START_INTERVAL_MS] = NUMBER,
    [TAG_RETRIES] = NUMBER,
    [TAG_HEALTH] = NUMBER,
    [TAG_STREAK] = NUMBER,
    [TAG_RESULT] = BYTES,
    [TAG_BEGIN_NS] = NUMBER,
    [TAG_OUTCOME] = NUMBER,
    [TAG_BYTES] = BYTES,
};

/* The protocol's byte order is little-endian; so are the machines this is built for. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian machines only");

static uint16_t get_u16(const uint8_t *p) {
  uint16_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static uint32_t get_u32(const uint8_t *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static size_t padded(size_t length) { return (length + 3) & ~(size_t)3; }

bool attribute_next(const struct message *m, size_t *offset, struct attribute *a) {
  size_t left = m->length - *offset;
  if (left < 8) return false;
  const uint8_t *at = m->payload + *offset;
  uint32_t length = get_u32(at + 4);
  if (length > left - 8 || padded(length) > left - 8) return false;
  *a = (struct attribute){.tag = get_u16(at), .length = length, .value = at + 8};
  *offset += 8 + padded(length);
  return true;
}

static bool attribute_valid(const struct attribute *a) {
  switch (a->tag < TAG_END ? forms[a->tag] : ANY) {
    case NUMBER: return a->length == 8;
    case STRING: return !a->length || !memchr(a->value, 0, a->length);
    default: return true;
  }
}

bool message_valid(const struct message *m) {
  if (m->type == MSG_STDIN) return true;
  size_t offset = 0;
  struct attribute a;
  while (attribute_next(m, &offset, &a)) {
    if (!attribute_valid(&a)) return false;
  }
  return offset == m->length;
}

bool message_has(const struct message *m, enum tag tag, struct attribute *a) {
  size_t offset = 0;
  while (attribute_next(m, &offset, a)) {
    if (a->tag == tag) return true;
  }
  return false;
}

uint64_t message_u64(const struct message *m, enum tag tag, uint64_t otherwise) {
  struct attribute a;
  if (!message_has(m, tag, &a) || a.length != 8) return otherwise;
  uint64_t value;
  memcpy(&value, a.value, sizeof value);
  return value;
}

char *attribute_text(const struct attribute *a) {
  char *text = must_alloc((size_t)a->length + 1);
  memcpy(text, a->value, a->length);
  return text;
}

char *message_text(const struct message *m, enum tag tag) {
  struct attribute a;
  return message_has(m, tag, &a) ? attribute_text(&a) : NULL;
}

char **message_texts(const struct message *m, enum tag tag) {
  size_t count = 0, offset = 0;
  struct attribute a;
  while (attribute_next(m, &offset, &a)) count += a.tag == tag;
  char **texts = must_alloc((count + 1) * sizeof *texts);
  offset = count = 0;
  while (attribute_next(m, &offset, &a)) {
    if (a.tag == tag) texts[count++] = attribute_text(&a);
  }
  return texts;
}

static ssize_t read_some(struct reader *r, int fd, uint8_t *to, size_t length) {
  if (!r->bag) return read(fd, to, length);
  unsigned room = BAG_MOST - r->bag->count;
  ssize_t n = receive_with_fds(fd, to, length, r->bag->fds + r->bag->count, &room, NULL);
  r->bag->count += room;
  return n;
}

/* Reads towards `want` bytes; READ_MESSAGE when they are all there. */
static enum read_result fill(struct reader *r, int fd, uint8_t *to, size_t have, size_t want) {
  if (have == want) return READ_MESSAGE;
  ssize_t n = read_some(r, fd, to + have, want - have);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return READ_MORE;
  if (n <= 0) return READ_CLOSED;
  r->have += (size_t)n;
  return have + (size_t)n == want ? READ_MESSAGE : READ_MORE;
}

enum read_result reader_step(struct reader *r, int fd) {
  if (r->have < WIRE_HEAD) {
    enum read_result got = fill(r, fd, r->head, r->have, WIRE_HEAD);
    if (got != READ_MESSAGE) return got;
    r->message.type = r->head[0];
    r->message.length = get_u32(r->head + 4);
    if (r->message.length > WIRE_MOST || get_u16(r->head + 2) != 0) return READ_CLOSED;
    r->message.payload = must_alloc(r->message.length);
  }
  enum read_result got = fill(r, fd, r->message.payload, r->have - WIRE_HEAD, r->message.length);
  if (got != READ_MESSAGE) return got;
  return message_valid(&r->message) ? READ_MESSAGE : READ_CLOSED;
}

void reader_reset(struct reader *r) {
  free(r->message.payload);
  *r = (struct reader){.bag = r->bag};
}

static void put_u32(struct buffer *b, uint32_t value) { buffer_append(b, &value, sizeof value); }

size_t message_begin(struct buffer *b, enum message_type type) {
  size_t begin = buffer_length(b);
  put_u32(b, (uint32_t)type);
  put_u32(b, 0);
  return begin;
}

void message_put(struct buffer *b, enum tag tag, const void *value, size_t length) {
  static const uint8_t zeros[4];
  put_u32(b, (uint32_t)tag);
  put_u32(b, (uint32_t)length);
  buffer_append(b, value, length);
  buffer_append(b, zeros, padded(length) - length);
}

void message_put_u64(struct buffer *b, enum tag tag, uint64_t value) { message_put(b, tag, &value, sizeof value); }

void message_put_text(struct buffer *b, enum tag tag, const char *text) { message_put(b, tag, text, strlen(text)); }

void message_end(struct buffer *b, size_t begin) {
  uint32_t length = (uint32_t)(buffer_length(b) - begin - WIRE_HEAD);
  memcpy(b->data + b->start + begin + 4, &length, sizeof length);
}

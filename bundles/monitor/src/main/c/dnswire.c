#include "dnswire.h"

#include <string.h>

enum { FLAG_RESPONSE = 0x8000, FLAG_AUTHORITY = 0x0400, FLAG_TRUNCATED = 0x0200, FLAG_RECURSION = 0x0100, FLAG_AVAILABLE = 0x0080 };
enum { OPCODE = 0x7800, LABEL_MOST = 63, RECORDS_MOST = 8, OPT_LENGTH = 11, NAME_IS_THE_QUESTIONS = 0xc000 | DNS_HEAD };

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

static void put16(uint8_t *p, unsigned v) {
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v) {
  put16(p, v >> 16);
  put16(p + 2, v & 0xffff);
}

/* ---- reading ---- */

static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c; }

static void add_label(struct dns_question *q, size_t *used, const uint8_t *label, unsigned length) {
  if (*used > 0) q->name[(*used)++] = '.';
  for (unsigned i = 0; i < length; i++) {
    if (label[i] <= ' ' || label[i] == '.' || label[i] >= 0x7f) q->plain = false;
    q->name[(*used)++] = (char)lower(label[i]);
  }
}

/* The name of a question: no pointer has anything to point to yet. Where it ends, 0 when it does not. */
static size_t read_name(struct dns_question *q, const uint8_t *data, size_t length, size_t at) {
  size_t used = 0, begin = at;
  q->plain = true;
  while (at < length) {
    unsigned label = data[at++];
    if (label == 0) {
      q->name[used] = 0;
      return at;
    }
    if (label > LABEL_MOST || at + label > length || at + label + 1 - begin > DNS_NAME_MOST) return 0;
    add_label(q, &used, data + at, label);
    at += label;
  }
  return 0;
}

/* A name that does not matter; 0 when it does not end. */
static size_t skip_name(const uint8_t *data, size_t length, size_t at) {
  while (at < length) {
    unsigned label = data[at];
    if (label == 0) return at + 1;
    if ((label & 0xc0) == 0xc0) return at + 2 <= length ? at + 2 : 0;
    if (label > LABEL_MOST) return 0;
    at += 1 + label;
  }
  return 0;
}

/* Looks for EDNS among what is behind the question; false when that is malformed. */
static bool read_records(struct dns_question *q, const uint8_t *data, size_t length, unsigned count) {
  size_t at = q->end;
  for (unsigned i = 0; i < count; i++) {
    at = skip_name(data, length, at);
    if (!at || length - at < 10) return false;
    size_t size = get16(data + at + 8);
    if (get16(data + at) == DNS_OPT) {
      q->edns = true;
      q->room = get16(data + at + 2);
    }
    at += 10;
    if (size > length - at) return false;
    at += size;
  }
  return true;
}

static void limit_room(struct dns_question *q) {
  if (!q->edns || q->room < DNS_PLAIN_MOST) q->room = DNS_PLAIN_MOST;
  if (q->room > DNS_UDP_MOST) q->room = DNS_UDP_MOST;
}

int dns_read_query(struct dns_question *q, const uint8_t *data, size_t length) {
  *q = (struct dns_question){.room = DNS_PLAIN_MOST};
  if (length < DNS_HEAD) return DNS_IGNORE;
  q->id = get16(data);
  q->flags = get16(data + 2);
  q->end = DNS_HEAD;
  if (q->flags & FLAG_RESPONSE) return DNS_IGNORE;
  if (q->flags & OPCODE) return DNS_NOTIMP;
  if (get16(data + 4) != 1) return DNS_FORMERR;
  size_t at = read_name(q, data, length, DNS_HEAD);
  if (!at || length - at < 4) return DNS_FORMERR;
  q->type = get16(data + at);
  q->class = get16(data + at + 2);
  q->end = at + 4;
  unsigned records = (unsigned)get16(data + 6) + get16(data + 8) + get16(data + 10);
  if (records > RECORDS_MOST || !read_records(q, data, length, records)) {
    q->end = DNS_HEAD;
    return DNS_FORMERR;
  }
  limit_room(q);
  return DNS_QUESTION;
}

bool dns_is_answer(const uint8_t *query, size_t length, size_t question_end, const uint8_t *data, size_t size) {
  if (size < DNS_HEAD || length < question_end || get16(data) != get16(query) || !(get16(data + 2) & FLAG_RESPONSE)) return false;
  /* Some servers leave the question out of a refusal. */
  if (get16(data + 4) == 0) return size == DNS_HEAD && dns_rcode_of(data) != DNS_NOERROR;
  return size >= question_end && memcmp(data + DNS_HEAD, query + DNS_HEAD, question_end - DNS_HEAD) == 0;
}

bool dns_framed(const struct buffer *b, size_t *length) {
  if (buffer_length(b) < 2) return false;
  *length = get16(b->data + b->start);
  return buffer_length(b) - 2 >= *length;
}

enum dns_rcode dns_rcode_of(const uint8_t *data) { return (enum dns_rcode)(data[3] & 0x0f); }

bool dns_truncated(const uint8_t *data) { return (get16(data + 2) & FLAG_TRUNCATED) != 0; }

static size_t reverse4(const char *name, size_t length, uint8_t address[16]) {
  size_t at = 0;
  for (unsigned i = 0; i < 4; i++) {
    unsigned value = 0, digits = 0;
    for (; at < length && name[at] >= '0' && name[at] <= '9' && digits < 3; digits++) value = value * 10 + (unsigned)(name[at++] - '0');
    if (digits == 0 || value > 255 || (i < 3 && (at >= length || name[at++] != '.'))) return 0;
    address[3 - i] = (uint8_t)value;
  }
  return at == length ? 4 : 0;
}

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t reverse6(const char *name, size_t length, uint8_t address[16]) {
  if (length != 63) return 0;
  memset(address, 0, 16);
  for (unsigned i = 0; i < 32; i++) {
    int value = hex(name[2 * i]);
    if (value < 0 || (i < 31 && name[2 * i + 1] != '.')) return 0;
    address[15 - i / 2] |= (uint8_t)(i % 2 ? value << 4 : value);
  }
  return 16;
}

static size_t before(const char *name, const char *suffix) {
  size_t length = strlen(name), tail = strlen(suffix);
  return length > tail && strcmp(name + length - tail, suffix) == 0 ? length - tail : 0;
}

size_t dns_reverse(const char *name, uint8_t address[16]) {
  size_t length = before(name, ".in-addr.arpa");
  if (length) return reverse4(name, length, address);
  length = before(name, ".ip6.arpa");
  return length ? reverse6(name, length, address) : 0;
}

/* ---- writing ---- */

void dns_answer_begin(struct dns_answer *a, const uint8_t *query, const struct dns_question *q, size_t room) {
  a->count = 0;
  a->truncated = false;
  a->edns = q->edns;
  a->room = room > DNS_MESSAGE_MOST ? DNS_MESSAGE_MOST : room;
  if (a->edns) a->room -= OPT_LENGTH;
  a->length = q->end;
  memcpy(a->data, query, q->end);
  memset(a->data + 4, 0, 8);
  put16(a->data + 2, FLAG_RESPONSE | FLAG_AVAILABLE | (q->flags & (FLAG_RECURSION | OPCODE)));
  if (q->end > DNS_HEAD) put16(a->data + 4, 1);
}

void dns_answer_add(struct dns_answer *a, enum dns_type type, uint32_t ttl, const uint8_t *data, size_t length) {
  if (a->truncated || a->length + 12 + length > a->room) {
    a->truncated = true;
    return;
  }
  uint8_t *at = a->data + a->length;
  put16(at, NAME_IS_THE_QUESTIONS);
  put16(at + 2, type);
  put16(at + 4, 1);
  put32(at + 6, ttl);
  put16(at + 10, (unsigned)length);
  memcpy(at + 12, data, length);
  a->length += 12 + length;
  a->count++;
}

bool dns_answer_add_name(struct dns_answer *a, enum dns_type type, uint32_t ttl, const char *name) {
  uint8_t wire[DNS_NAME_MOST];
  size_t used = 0;
  while (*name) {
    size_t label = strcspn(name, ".");
    if (label == 0 || label > LABEL_MOST || used + 1 + label + 1 > sizeof wire) return false;
    wire[used++] = (uint8_t)label;
    memcpy(wire + used, name, label);
    used += label;
    name += label + (name[label] == '.');
  }
  wire[used++] = 0;
  dns_answer_add(a, type, ttl, wire, used);
  return true;
}

void dns_answer_end(struct dns_answer *a, enum dns_rcode code) {
  unsigned flags = get16(a->data + 2) | (unsigned)code;
  if (a->truncated) flags |= FLAG_TRUNCATED;
  put16(a->data + 2, flags);
  put16(a->data + 6, a->count);
  if (!a->edns) return;
  uint8_t *at = a->data + a->length;
  memset(at, 0, OPT_LENGTH);
  put16(at + 1, DNS_OPT);
  put16(at + 3, DNS_UDP_MOST);
  put16(a->data + 10, 1);
  a->length += OPT_LENGTH;
}

#include "replay.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnswire.h"
#include "health.h"
#include "ops.h"
#include "spool.h"
#include "sys.h"
#include "tables.h"
#include "users.h"
#include "wire.h"

enum { REPLAY_MOST = 4 << 20 };

static volatile uint64_t sink;

/* Through a pipe, as messages come; what follows the first one is looked at as well. */
static void replay_wire(const uint8_t *data, size_t size) {
  struct reader reader = {0};
  int ends[2];
  if (size > 32768 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return;
  if (write_all(ends[1], data, size) == 0) {
    close(ends[1]);
    enum read_result got;
    while ((got = reader_step(&reader, ends[0])) != READ_CLOSED) {
      if (got != READ_MESSAGE) continue;
      char *text = message_text(&reader.message, TAG_DIR), **texts = message_texts(&reader.message, TAG_OOM_FILE);
      sink += message_u64(&reader.message, TAG_FLAGS, 0) + (text ? strlen(text) : 0);
      free(text);
      for (char **at = texts; *at; at++) free(*at);
      free(texts);
      reader_reset(&reader);
    }
  } else {
    close(ends[1]);
  }
  reader_reset(&reader);
  close(ends[0]);
}

static void replay_program(const uint8_t *data, size_t size) {
  static APART struct arg args[ARGS_MOST];
  struct program p;
  struct op op;
  uint32_t index, code;
  if (program_check(data, size, &index, &code)) return;
  program_open(&p, data, size);
  while (program_next(&p, &op)) {
    op_args(&op, args);
    for (unsigned i = 0; i < op.nargs; i++) sink += args[i].bytes[args[i].length] + args[i].length;
  }
}

/* spec NUL passwd NUL group */
static void replay_users(const uint8_t *data, size_t size) {
  static APART struct user user;
  const uint8_t *first = memchr(data, 0, size);
  if (!first) return;
  const uint8_t *second = memchr(first + 1, 0, size - (size_t)(first + 1 - data));
  if (!second) return;
  struct text passwd = {(const char *)first + 1, (size_t)(second - first - 1)};
  struct text group = {(const char *)second + 1, size - (size_t)(second + 1 - data)}, name;
  sink += (uint64_t)user_find(&user, (const char *)data, passwd, group, &name);
  sink += (uint64_t)user_add_group(&user, (const char *)data, group);
}

static void replay_json(const uint8_t *data, size_t size) {
  struct buffer out = {0};
  spool_encode(&out, data, size, true, 1, 1000000000, NULL);
  sink += buffer_length(&out);
  buffer_clear(&out);
}

static void answer(const struct dns_question *q, const uint8_t *data) {
  static APART struct dns_answer a;
  uint8_t address[16] = {0};
  dns_answer_begin(&a, data, q, q->room);
  size_t length = dns_reverse(q->name, address);
  for (unsigned i = 0; i < 64; i++) dns_answer_add(&a, DNS_AAAA, 60, address, sizeof address);
  sink += dns_answer_add_name(&a, DNS_PTR, 60, q->name) + length;
  dns_answer_end(&a, DNS_NOERROR);
  sink += a.data[a.length - 1];
}

/* As a question; and its second half as an answer to the first. */
static void replay_dns(const uint8_t *data, size_t size) {
  struct dns_question q;
  size_t half = size / 2;
  if (dns_read_query(&q, data, size) == DNS_QUESTION) answer(&q, data);
  if (half < DNS_HEAD || dns_read_query(&q, data, half) != DNS_QUESTION) return;
  if (dns_is_answer(data, half, q.end, data + half, size - half)) sink += dns_rcode_of(data + half);
}

static void replay_table(const uint8_t *data, size_t size) {
  const struct endpoint *found[FOUND_MOST];
  struct message m = {.type = MSG_TABLE, .length = (uint32_t)size, .payload = (uint8_t *)(uintptr_t)data};
  if (size > WIRE_MOST || !message_valid(&m)) return;
  struct container *c = container_need("replay");
  if (!table_replace(c, &m)) {
    sink += table_find_name(c, "web", found) + table_find_name(c, "web.front", found);
    for (const struct endpoint *e = c->endpoints; e; e = e->next) {
      if (e->count) sink += table_find_address(c, e->addresses[0].bytes, e->addresses[0].length) != NULL;
    }
    sink += table_target(c, "a") != NULL;
  }
  table_remove(c);
  container_settle(c);
}

/* A CHECK, and then a bit for each result. */
static void replay_check(const uint8_t *data, size_t size) {
  struct rules rules;
  struct health health = {0};
  struct message m = {.type = MSG_CHECK, .length = (uint32_t)size, .payload = (uint8_t *)(uintptr_t)data};
  if (size > WIRE_MOST || !message_valid(&m) || !rules_read(&rules, &m)) return;
  for (size_t i = 0; i < size && i < 64; i++) {
    health_after(&health, &rules, data[i] & 1, i * rules.interval_ms);
    sink += health_interval(&health, &rules, i * rules.interval_ms) + health.state + health.streak;
    if (health.streak >= rules.retries && health.state != HEALTH_BAD) abort();
  }
}

void replay_bytes(const uint8_t *data, size_t size) {
  if (size == 0) return;
  switch (data[0]) {
    case 'w': replay_wire(data + 1, size - 1); break;
    case 'o': replay_program(data + 1, size - 1); break;
    case 'u': replay_users(data + 1, size - 1); break;
    case 'j': replay_json(data + 1, size - 1); break;
    case 'd': replay_dns(data + 1, size - 1); break;
    case 't': replay_table(data + 1, size - 1); break;
    case 'h': replay_check(data + 1, size - 1); break;
    default: break;
  }
}

int replay_main(int count, char **files) {
  for (int i = 0; i < count; i++) {
    int fd = open(files[i], O_RDONLY | O_CLOEXEC);
    uint8_t *data = must_alloc(REPLAY_MOST);
    ssize_t n = fd < 0 ? -1 : read_all(fd, data, REPLAY_MOST);
    if (n < 0) {
      perror(files[i]);
      return 1;
    }
    close(fd);
    /* An allocation of just this size, so that a sanitizer sees every byte too many. */
    uint8_t *exact = must_alloc((size_t)n);
    memcpy(exact, data, (size_t)n);
    free(data);
    replay_bytes(exact, (size_t)n);
    free(exact);
  }
  printf("replayed %d\n", count);
  return 0;
}

/* Tests of what needs no root and no kernel feature: decoders, the op check, users. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "dnswire.h"
#include "health.h"
#include "loop.h"
#include "ops.h"
#include "scratch.h"
#include "sha256.h"
#include "sys.h"
#include "tables.h"
#include "users.h"
#include "wire.h"
#include "writer.h"

int failures;

/* ---- wire ---- */

static enum read_result decode(const void *bytes, size_t length, struct reader *r) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0 || write_all(ends[1], bytes, length) < 0) abort();
  close(ends[1]);
  *r = (struct reader){0};
  enum read_result got;
  do got = reader_step(r, ends[0]);
  while (got == READ_MORE);
  close(ends[0]);
  return got;
}

static void a_message_comes_back_as_it_was_written(void) {
  struct buffer b = {0};
  struct reader r;
  size_t begin = message_begin(&b, MSG_CREATE);
  message_put_text(&b, TAG_DIR, "/run/x");
  message_put_u64(&b, TAG_FLAGS, 0x1122334455667788);
  message_put_text(&b, TAG_OOM_FILE, "a");
  message_put_text(&b, TAG_OOM_FILE, "bcde");
  message_end(&b, begin);
  CHECK_NUMBER(decode(b.data, buffer_length(&b), &r), READ_MESSAGE);
  CHECK_NUMBER(r.message.type, MSG_CREATE);
  char *dir = message_text(&r.message, TAG_DIR), **files = message_texts(&r.message, TAG_OOM_FILE);
  CHECK_TEXT(dir, "/run/x");
  CHECK_NUMBER(message_u64(&r.message, TAG_FLAGS, 0), 0x1122334455667788);
  CHECK_TEXT(files[0], "a");
  CHECK_TEXT(files[1], "bcde");
  CHECK(files[2] == NULL);
  CHECK(message_text(&r.message, TAG_LOG_PATH) == NULL);
  free(dir);
  free(files[0]);
  free(files[1]);
  free(files);
  reader_reset(&r);
  buffer_clear(&b);
}

static void unknown_tags_are_skipped(void) {
  static const uint8_t bytes[] = {37, 0, 0, 0, 12, 0, 0, 0, 0xff, 0x7f, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0};
  struct reader r;
  CHECK_NUMBER(decode(bytes, sizeof bytes, &r), READ_MESSAGE);
  reader_reset(&r);
}

static void malformed_messages_close_the_connection(void) {
  static const uint8_t too_long[] = {37, 0, 0, 0, 1, 0, 0x10, 0};
  static const uint8_t reserved[] = {37, 0, 1, 0, 0, 0, 0, 0};
  static const uint8_t overrun[] = {37, 0, 0, 0, 8, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0};
  static const uint8_t wraps[] = {37, 0, 0, 0, 8, 0, 0, 0, 12, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
  static const uint8_t short_number[] = {37, 0, 0, 0, 12, 0, 0, 0, 13, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0};
  static const uint8_t with_nul[] = {37, 0, 0, 0, 12, 0, 0, 0, 12, 0, 0, 0, 2, 0, 0, 0, 'a', 0, 0, 0};
  static const uint8_t half_head[] = {37, 0, 0};
  static const uint8_t tail[] = {37, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3};
  struct reader r;
  const struct {
    const uint8_t *bytes;
    size_t length;
  } cases[] = {{too_long, sizeof too_long}, {reserved, sizeof reserved}, {overrun, sizeof overrun}, {wraps, sizeof wraps},
               {short_number, sizeof short_number}, {with_nul, sizeof with_nul}, {half_head, sizeof half_head}, {tail, sizeof tail}};
  for (unsigned i = 0; i < COUNT(cases); i++) {
    CHECK_NUMBER(decode(cases[i].bytes, cases[i].length, &r), READ_CLOSED);
    reader_reset(&r);
  }
}

static void standard_input_is_bytes_of_any_kind(void) {
  static const uint8_t bytes[] = {40, 0, 0, 0, 3, 0, 0, 0, 0, 1, 0};
  struct reader r;
  CHECK_NUMBER(decode(bytes, sizeof bytes, &r), READ_MESSAGE);
  CHECK_NUMBER(r.message.length, 3);
  reader_reset(&r);
}

/* ---- op programs ---- */

static const char *verdict(struct writer *w, size_t length) {
  uint32_t index, code;
  /* A copy of exactly that size, for the sanitizers. */
  uint8_t *exact = must_alloc(length);
  memcpy(exact, w->b.data, length);
  const char *wrong = program_check(exact, length, &index, &code);
  free(exact);
  return wrong ? wrong : "fine";
}

static void sample(struct writer *w) {
  program_start(w);
  op_start(w, OP_ROOT);
  op_start(w, OP_MOUNT);
  op_text(w, "tmpfs");
  op_text(w, "/tmp");
  op_number(w, 6);
  op_text(w, "mode=1777");
  op_start(w, OP_EXEC);
  op_text(w, "/bin/true");
  op_text(w, "");
}

static void a_program_reads_back_as_it_was_written(void) {
  struct writer w;
  struct program p;
  struct op op;
  struct arg args[8];
  sample(&w);
  CHECK_TEXT(verdict(&w, w.b.end), "fine");
  program_open(&p, w.b.data, w.b.end);
  CHECK(program_next(&p, &op) && op.code == OP_ROOT && op.nargs == 0);
  CHECK(program_next(&p, &op) && op.code == OP_MOUNT && op.nargs == 4);
  op_args(&op, args);
  CHECK_TEXT(arg_text(args + 1), "/tmp");
  CHECK_NUMBER(arg_number(args + 2), 6);
  CHECK_TEXT(arg_text(args + 3), "mode=1777");
  CHECK(program_next(&p, &op) && op.code == OP_EXEC);
  CHECK(!program_next(&p, &op));
  buffer_clear(&w.b);
}

static void an_op_has_as_many_arguments_as_can_be_counted(void) {
  struct writer w;
  program_start(&w);
  op_start(&w, OP_ENV);
  for (unsigned i = 0; i < ARGS_MOST; i++) op_text(&w, "A=");
  CHECK_TEXT(verdict(&w, w.b.end), "fine");
  buffer_clear(&w.b);
}

static void a_program_is_refused_at_every_truncation(void) {
  struct writer w;
  sample(&w);
  for (size_t length = 0; length < w.b.end; length++) CHECK(strcmp(verdict(&w, length), "fine") != 0);
  buffer_clear(&w.b);
}

static void an_op_is_refused_for_arity_kind_and_place(void) {
  struct writer w;
  program_start(&w);
  op_start(&w, OP_HOSTNAME);
  CHECK_TEXT(verdict(&w, w.b.end), "too few arguments");
  op_text(&w, "a");
  op_text(&w, "b");
  CHECK_TEXT(verdict(&w, w.b.end), "too many arguments");
  buffer_clear(&w.b);
  program_start(&w);
  op_start(&w, OP_UMASK);
  op_text(&w, "022");
  CHECK_TEXT(verdict(&w, w.b.end), "malformed argument");
  buffer_clear(&w.b);
  program_start(&w);
  op_start(&w, OP_CWD);
  op_bytes(&w, "a\0b", 3);
  CHECK_TEXT(verdict(&w, w.b.end), "malformed argument");
  buffer_clear(&w.b);
  program_start(&w);
  op_start(&w, OP_TMPCOPYUP);
  CHECK_TEXT(verdict(&w, w.b.end), "unknown op");
  buffer_clear(&w.b);
  sample(&w);
  op_start(&w, OP_ROOT);
  CHECK_TEXT(verdict(&w, w.b.end), "ops after EXEC");
  buffer_clear(&w.b);
}

static void counts_that_lie_are_refused(void) {
  struct writer w;
  sample(&w);
  add32(&w, 4, 1);
  CHECK_TEXT(verdict(&w, w.b.end), "ops after EXEC");
  add32(&w, 4, 1u << 20);
  CHECK_TEXT(verdict(&w, w.b.end), "too many ops");
  buffer_clear(&w.b);
  sample(&w);
  add32(&w, 8, 40u << 16);
  CHECK_TEXT(verdict(&w, w.b.end), "too many arguments");
  buffer_clear(&w.b);
}

/* ---- users ---- */

static const char passwd[] =
    "root:x:0:0:root:/root:/bin/sh\n#off:x:7:7::/:\nbroken:x:abc:1::/:\nbob:x:1000:1001::/home/bob:/bin/sh\n0:x:1234:1::/zero:\nbob:x:1:1::/second:\nnohome:x:5:5";
static const char group[] = "root:x:0:\nwheel:x:10:root,bob\nbobs:x:1001:\nhuge:x:99999999999:\naudio:x:29:bob";

static struct user user;

static enum user_error find(const char *spec, const char *p, const char *g) {
  struct text name;
  return user_find(&user, spec, (struct text){p, strlen(p)}, (struct text){g, strlen(g)}, &name);
}

static void a_name_brings_its_groups_and_home(void) {
  CHECK_NUMBER(find("bob", passwd, group), USER_OK);
  CHECK_NUMBER(user.uid, 1000);
  CHECK_NUMBER(user.gid, 1001);
  CHECK_TEXT(user.home, "/home/bob");
  CHECK_NUMBER(user.ngroups, 3);
  CHECK(user.groups[0] == 1001 && user.groups[1] == 10 && user.groups[2] == 29);
}

static void a_group_in_the_spec_replaces_all_others(void) {
  CHECK_NUMBER(find("bob:wheel", passwd, group), USER_OK);
  CHECK_NUMBER(user.gid, 10);
  CHECK_NUMBER(user.ngroups, 1);
  CHECK_NUMBER(find("1000:4711", passwd, group), USER_OK);
  CHECK_NUMBER(user.gid, 4711);
  CHECK_TEXT(user.home, "/home/bob");
}

static void digits_are_an_id_and_never_a_name(void) {
  CHECK_NUMBER(find("0", passwd, group), USER_OK);
  CHECK_NUMBER(user.uid, 0);
  CHECK_TEXT(user.home, "/root");
  CHECK_NUMBER(find("4242", passwd, group), USER_OK);
  CHECK_NUMBER(user.uid, 4242);
  CHECK_NUMBER(user.gid, 0);
  CHECK_TEXT(user.home, "/");
}

static void ids_out_of_range_are_refused(void) {
  CHECK_NUMBER(find("2147483647", passwd, group), USER_OK);
  CHECK_NUMBER(find("2147483648", passwd, group), USER_RANGE);
  CHECK_NUMBER(find("18446744073709551616", passwd, group), USER_RANGE);
  CHECK_NUMBER(find("0:4294967296", passwd, group), USER_RANGE);
  CHECK_NUMBER(find("-1", passwd, group), USER_RANGE);
  CHECK_NUMBER(find("-x", passwd, group), USER_UNKNOWN);
  CHECK_NUMBER(find("0:-1", passwd, group), USER_RANGE);
  CHECK_NUMBER(find("bob:huge", passwd, group), GROUP_UNKNOWN);
}

static void an_empty_spec_is_root_even_without_files(void) {
  CHECK_NUMBER(find("", "", ""), USER_OK);
  CHECK_NUMBER(user.uid, 0);
  CHECK_TEXT(user.home, "/");
  CHECK_NUMBER(find("", passwd, group), USER_OK);
  CHECK_TEXT(user.home, "/root");
}

static void unknown_names_and_broken_lines_are_not_found(void) {
  CHECK_NUMBER(find("nobody", passwd, group), USER_UNKNOWN);
  CHECK_NUMBER(find("broken", passwd, group), USER_UNKNOWN);
  CHECK_NUMBER(find("#off", passwd, group), USER_UNKNOWN);
  CHECK_NUMBER(find("bob:none", passwd, group), GROUP_UNKNOWN);
  CHECK_NUMBER(find("nohome", passwd, group), USER_OK);
  CHECK_TEXT(user.home, "/");
}

static void extra_groups_are_added_once(void) {
  struct text g = {group, sizeof group - 1};
  CHECK_NUMBER(find("bob", passwd, group), USER_OK);
  CHECK_NUMBER(user_add_group(&user, "wheel", g), USER_OK);
  CHECK_NUMBER(user_add_group(&user, "77", g), USER_OK);
  CHECK_NUMBER(user.ngroups, 4);
  CHECK_NUMBER(user_add_group(&user, "nope", g), GROUP_UNKNOWN);
}

/* ---- the rest ---- */

static void hashes_are_those_of_the_standard(void) {
  char hex[65];
  int fd = open(path("hash"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  CHECK_NUMBER(sha256_file(fd, hex), 0);
  CHECK_TEXT(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK_NUMBER(write_all(fd, "abc", 3), 0);
  lseek(fd, 0, SEEK_SET);
  CHECK_NUMBER(sha256_file(fd, hex), 0);
  CHECK_TEXT(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  lseek(fd, 0, SEEK_SET);
  static char million[1000000];
  memset(million, 'a', sizeof million);
  CHECK_NUMBER(write_all(fd, million, sizeof million), 0);
  lseek(fd, 0, SEEK_SET);
  CHECK_NUMBER(sha256_file(fd, hex), 0);
  CHECK_TEXT(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  close(fd);
}

static void numbers_are_digits_that_fit(void) {
  uint64_t v = 0;
  CHECK(parse_u64("18446744073709551615", &v) && v == UINT64_MAX);
  CHECK(!parse_u64("18446744073709551616", &v));
  CHECK(!parse_u64("", &v) && !parse_u64("-1", &v) && !parse_u64("1 ", &v) && !parse_u64("0x1", &v));
}

static void buffers_keep_what_was_not_taken(void) {
  struct buffer b = {0};
  for (int i = 0; i < 1000; i++) {
    buffer_append(&b, "abcdefg", 7);
    buffer_take(&b, 5);
  }
  CHECK_NUMBER(buffer_length(&b), 2000);
  buffer_take(&b, 1993);
  CHECK(memcmp(b.data + b.start, "abcdefg", 7) == 0);
  buffer_take(&b, 7);
  CHECK(b.data == NULL && b.capacity == 0);
}

/* ---- the loop ---- */

static struct watch *pipes_ready[64];
static unsigned ready_count;

static void note(struct watch *w, uint32_t events) {
  CHECK(events & (POLLIN | POLLHUP));
  pipes_ready[ready_count++] = w;
  watch_close(w);
}

static void a_watch_is_told_of_what_it_waits_for_and_of_nothing_else(void) {
  struct watch w[40];
  int writers[COUNT(w)];
  for (unsigned i = 0; i < COUNT(w); i++) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) abort();
    writers[i] = ends[1];
    watch_init(&w[i], ends[0], note);
    watch_for(&w[i], i % 4 == 1 ? (uint32_t)WATCH_HANGUP : POLLIN);
  }
  for (unsigned i = 0; i < COUNT(w); i += 4) watch_for(&w[i], 0);
  for (unsigned i = 0; i < COUNT(w); i += 2) CHECK_NUMBER(write_all(writers[i], "x", 1), 0);
  ready_count = 0;
  loop_round(0); /* 0, 4, ... wait no longer, 1, 5, ... wait for the end, nothing came for 3, 7, ... */
  CHECK_NUMBER(ready_count, COUNT(w) / 4);
  for (unsigned i = 0; i < ready_count; i++) CHECK_NUMBER((pipes_ready[i] - w) % 4, 2);
  for (unsigned i = 0; i < COUNT(w); i++) close(writers[i]);
  ready_count = 0;
  loop_round(0);
  CHECK_NUMBER(ready_count, COUNT(w) / 2);
  for (unsigned i = 0; i < ready_count; i++) CHECK_NUMBER((pipes_ready[i] - w) % 2, 1);
  for (unsigned i = 0; i < COUNT(w); i++) watch_close(&w[i]);
}

static struct watch *other;

static void close_both(struct watch *w, uint32_t events) {
  (void)events;
  ready_count++;
  watch_close(w);
  watch_close(other);
}

static void a_watch_closed_by_another_of_the_same_round_is_not_told(void) {
  int a[2], b[2];
  struct watch first, second;
  if (pipe2(a, O_CLOEXEC) < 0 || pipe2(b, O_CLOEXEC) < 0) abort();
  watch_init(&first, a[0], close_both);
  watch_init(&second, b[0], note);
  watch_for(&first, POLLIN);
  watch_for(&second, POLLIN);
  other = &second;
  CHECK_NUMBER(write_all(a[1], "x", 1), 0);
  CHECK_NUMBER(write_all(b[1], "x", 1), 0);
  ready_count = 0;
  loop_round(0);
  loop_round(0);
  CHECK_NUMBER(ready_count, 1);
  close(a[1]);
  close(b[1]);
}

/* ---- names ---- */

static size_t write_query(uint8_t *to, const char *name, unsigned type) {
  static const uint8_t head[DNS_HEAD] = {0xab, 0xcd, 1, 0, 0, 1};
  size_t length = sizeof head;
  memcpy(to, head, sizeof head);
  while (*name) {
    size_t label = strcspn(name, ".");
    to[length++] = (uint8_t)label;
    memcpy(to + length, name, label);
    length += label;
    name += label + (name[label] == '.');
  }
  const uint8_t end[] = {0, 0, (uint8_t)type, 0, 1};
  memcpy(to + length, end, sizeof end);
  return length + sizeof end;
}

/* In memory of just that size, so that a byte too many is seen. */
static int read_exactly(struct dns_question *q, const uint8_t *data, size_t length) {
  uint8_t *exact = malloc(length ? length : 1);
  memcpy(exact, data, length);
  int read = dns_read_query(q, exact, length);
  free(exact);
  return read;
}

static void a_question_is_read_in_lower_case(void) {
  uint8_t data[512];
  struct dns_question q;
  size_t length = write_query(data, "Web.FRONT", DNS_AAAA);
  CHECK_NUMBER(read_exactly(&q, data, length), DNS_QUESTION);
  CHECK_TEXT(q.name, "web.front");
  CHECK_NUMBER(q.type, DNS_AAAA);
  CHECK_NUMBER(q.end, length);
  CHECK_NUMBER(q.room, DNS_PLAIN_MOST);
  CHECK(q.plain && !q.edns);
  length = write_query(data, "", DNS_A);
  CHECK_NUMBER(read_exactly(&q, data, length), DNS_QUESTION);
  CHECK_TEXT(q.name, "");
  length = write_query(data, "a/b", DNS_A);
  data[14] = '.'; /* one label that looks like two */
  CHECK_NUMBER(read_exactly(&q, data, length), DNS_QUESTION);
  CHECK(!q.plain);
}

static void a_question_is_refused_at_every_truncation(void) {
  uint8_t data[512];
  struct dns_question q;
  size_t length = write_query(data, "web.front.example", DNS_A);
  for (size_t cut = 0; cut < length; cut++) CHECK_NUMBER(read_exactly(&q, data, cut), cut < DNS_HEAD ? DNS_IGNORE : DNS_FORMERR);
}

static void names_may_be_as_long_as_the_standard_says(void) {
  uint8_t data[1024];
  char name[400] = "";
  struct dns_question q;
  for (int i = 0; i < 3; i++) {
    memset(name + strlen(name), 'a', 63);
    strcat(name, ".");
  }
  strcat(name, "0123456789012345678901234567890123456789012345678901234567890"); /* 61: 255 on the wire */
  CHECK_NUMBER(read_exactly(&q, data, write_query(data, name, DNS_A)), DNS_QUESTION);
  CHECK_TEXT(q.name, name);
  strcat(name, "1");
  CHECK_NUMBER(read_exactly(&q, data, write_query(data, name, DNS_A)), DNS_FORMERR);
  memset(name, 'a', 64);
  name[64] = 0;
  CHECK_NUMBER(read_exactly(&q, data, write_query(data, name, DNS_A)), DNS_FORMERR);
}

static void addresses_are_read_from_their_reverse_names(void) {
  uint8_t address[16];
  static const uint8_t wanted[4] = {10, 0, 0, 2};
  CHECK_NUMBER(dns_reverse("2.0.0.10.in-addr.arpa", address), 4);
  CHECK(memcmp(address, wanted, 4) == 0);
  static const char *const none[] = {"256.0.0.10.in-addr.arpa", "0.0.10.in-addr.arpa",       "1.2.0.0.10.in-addr.arpa", "2..0.10.in-addr.arpa", "a.0.0.10.in-addr.arpa",
                                     "in-addr.arpa",            "2.0.0.10.in-addr.arpa.com", "0002.0.0.10.in-addr.arpa", "1.ip6.arpa"};
  for (unsigned i = 0; i < COUNT(none); i++) CHECK_NUMBER(dns_reverse(none[i], address), 0);
}

static void put_text(struct buffer *b, enum tag tag, const char *text) { message_put_text(b, tag, text); }

static const char *replace(struct container *c, struct buffer *b) {
  struct message m = {.type = MSG_TABLE, .length = (uint32_t)buffer_length(b), .payload = b->data + b->start};
  const char *wrong = table_replace(c, &m);
  buffer_clear(b);
  return wrong;
}

static void thousands_of_names_are_found_and_forgotten(void) {
  enum { MANY = 5000 };
  struct buffer b = {0};
  const struct endpoint *found[FOUND_MOST];
  char text[128];
  for (int i = 0; i < MANY; i++) {
    snprintf(text, sizeof text, "c%d", i);
    struct container *c = container_need(text);
    snprintf(text, sizeof text, "n 10.0.%d.%d c%d.net C%d", i / 250, i % 250, i, i);
    put_text(&b, TAG_NAME, text);
    put_text(&b, TAG_NETWORK, "n net");
    CHECK(replace(c, &b) == NULL);
  }
  CHECK_NUMBER(container_count(), MANY);
  struct container *c = container_find("c7");
  for (int i = 0; i < MANY; i++) {
    snprintf(text, sizeof text, i % 2 ? "c%d" : "c%d.net", i);
    CHECK_NUMBER(table_find_name(c, text, found), 1);
  }
  const uint8_t address[4] = {10, 0, 1, 3};
  const struct endpoint *e = table_find_address(c, address, 4);
  CHECK_TEXT(e ? e->full_name : NULL, "c253.net");
  put_text(&b, TAG_NAME, "n 10.9.9.9 other.net other");
  put_text(&b, TAG_NAME, "n broken");
  CHECK_TEXT(replace(c, &b), "malformed name"); /* and all stays as it was */
  CHECK_NUMBER(table_find_name(container_find("c8"), "c7", found), 1);
  CHECK_NUMBER(table_find_name(container_find("c8"), "other", found), 0);
  for (int i = 0; i < MANY; i++) {
    snprintf(text, sizeof text, "c%d", i);
    struct container *gone = container_find(text);
    table_remove(gone);
    container_settle(gone);
  }
  CHECK_NUMBER(container_count(), 0);
}

static void failures_in_a_row_count_once_a_container_has_started(void) {
  const struct rules rules = {.interval_ms = 30000, .timeout_ms = 1, .start_period_ms = 1000, .start_interval_ms = 50, .retries = 2};
  struct health h = {0};
  health_after(&h, &rules, false, 999);
  CHECK(h.state == HEALTH_STARTING && h.streak == 0);
  CHECK_NUMBER(health_interval(&h, &rules, 999), 50);
  CHECK_NUMBER(health_interval(&h, &rules, 1000), 30000);
  health_after(&h, &rules, false, 1000);
  CHECK(h.state == HEALTH_STARTING && h.streak == 1);
  health_after(&h, &rules, false, 1001);
  CHECK(h.state == HEALTH_BAD && h.streak == 2);
  health_after(&h, &rules, false, 1002);
  CHECK(h.state == HEALTH_BAD && h.streak == 3);
  health_after(&h, &rules, true, 1003);
  CHECK(h.state == HEALTH_GOOD && h.streak == 0);
  health_after(&h, &rules, false, 1); /* it has been well: the time to start is over */
  CHECK(h.state == HEALTH_GOOD && h.streak == 1);
  CHECK_NUMBER(health_interval(&h, &rules, 2), 30000);
}

static void rules_without_an_interval_are_none(void) {
  static const enum tag tags[] = {TAG_INTERVAL_MS, TAG_TIMEOUT_MS, TAG_START_INTERVAL_MS, TAG_RETRIES};
  for (unsigned missing = 0; missing <= COUNT(tags); missing++) {
    struct buffer b = {0};
    struct rules rules;
    for (unsigned i = 0; i < COUNT(tags); i++) message_put_u64(&b, tags[i], i == missing ? 0 : UINT64_MAX);
    struct message m = {.type = MSG_CHECK, .length = (uint32_t)buffer_length(&b), .payload = b.data + b.start};
    CHECK_NUMBER(rules_read(&rules, &m), missing == COUNT(tags));
    CHECK(missing < COUNT(tags) || (rules.interval_ms < UINT64_MAX / 4 && rules.start_period_ms == 0));
    buffer_clear(&b);
  }
}

int main(void) {
  if (!mkdtemp(directory)) return 1;
  a_message_comes_back_as_it_was_written();
  unknown_tags_are_skipped();
  malformed_messages_close_the_connection();
  standard_input_is_bytes_of_any_kind();
  a_program_reads_back_as_it_was_written();
  a_program_is_refused_at_every_truncation();
  an_op_has_as_many_arguments_as_can_be_counted();
  an_op_is_refused_for_arity_kind_and_place();
  counts_that_lie_are_refused();
  a_name_brings_its_groups_and_home();
  a_group_in_the_spec_replaces_all_others();
  digits_are_an_id_and_never_a_name();
  ids_out_of_range_are_refused();
  an_empty_spec_is_root_even_without_files();
  unknown_names_and_broken_lines_are_not_found();
  extra_groups_are_added_once();
  hashes_are_those_of_the_standard();
  numbers_are_digits_that_fit();
  buffers_keep_what_was_not_taken();
  a_watch_is_told_of_what_it_waits_for_and_of_nothing_else();
  a_watch_closed_by_another_of_the_same_round_is_not_told();
  a_question_is_read_in_lower_case();
  a_question_is_refused_at_every_truncation();
  names_may_be_as_long_as_the_standard_says();
  addresses_are_read_from_their_reverse_names();
  thousands_of_names_are_found_and_forgotten();
  failures_in_a_row_count_once_a_container_has_started();
  rules_without_an_interval_are_none();
  sweep();
  if (failures) fprintf(stderr, "%d failed\n", failures);
  return failures != 0;
}

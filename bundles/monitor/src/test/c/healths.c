/* Tests of health checks that the monitor carries out, with real containers, as root. */
#include <errno.h>
#include <signal.h>

#include "harness.h"
#include "health.h"

int failures;

enum { SLEEP_MS = 60 * 60 * 1000 };

static struct rules often = {.interval_ms = 20, .timeout_ms = 20000, .start_interval_ms = 20, .retries = 3};
static const char *as_user = "";

/* The next message of another type: checks begin and end whenever they do. */
static const struct message *next_but(const struct container *c, int one, int other) {
  enum read_result got;
  do {
    reader_reset(&answer);
    while ((got = reader_step(&answer, c->fd)) == READ_MORE) continue;
  } while (got == READ_MESSAGE && (answer.message.type == one || answer.message.type == other));
  CHECK_NUMBER(got, READ_MESSAGE);
  return &answer.message;
}

static const struct message *next_but_checks(const struct container *c) { return next_but(c, MSG_CHECKED, MSG_CHECKING); }

static void put_rules(struct buffer *b, const struct rules *r) {
  message_put_u64(b, TAG_INTERVAL_MS, r->interval_ms);
  message_put_u64(b, TAG_TIMEOUT_MS, r->timeout_ms);
  message_put_u64(b, TAG_START_PERIOD_MS, r->start_period_ms);
  message_put_u64(b, TAG_START_INTERVAL_MS, r->start_interval_ms);
  message_put_u64(b, TAG_RETRIES, r->retries);
}

/* Asks for checks by a program, which is cleared. */
static void ask_with(struct container *c, const struct rules *r, struct writer *w) {
  struct buffer b = {0};
  size_t begin = message_begin(&b, MSG_CHECK);
  put_rules(&b, r);
  message_put(&b, TAG_PROGRAM, w->b.data, w->b.end);
  send_and_clear(c->fd, &b, begin);
  buffer_clear(&w->b);
  CHECK_NUMBER(next_but_checks(c)->type, MSG_OK);
}

static void ask(struct container *c, const struct rules *r, const char *script) {
  struct writer w;
  program_start(&w);
  becoming(&w, as_user, "/");
  running(&w, script);
  ask_with(c, r, &w);
}

static void started_with(struct container *c, const char *script) {
  create(c, 0, "", "/", script);
  started(c);
  commit(c);
}

static void sleeping(struct container *c) { started_with(c, "exec sleep 1000"); }

static void ended(struct container *c) {
  send_number(c->fd, MSG_SIGNAL, TAG_SIGNAL, SIGKILL);
  CHECK_NUMBER(next_but_checks(c)->type, MSG_OK);
  const struct message *m = next_but_checks(c);
  CHECK_NUMBER(m->type, MSG_EXIT);
  CHECK_NUMBER(message_u64(m, TAG_STATUS, 999), 137);
  gone(c);
}

/* The last result of a message. */
struct seen {
  uint64_t state, streak, outcome, status, begin_ns, end_ns, cut, count;
  char text[OUTPUT_KEPT + 1];
};

static struct seen seen_in(const struct message *m) {
  struct seen s = {.state = message_u64(m, TAG_HEALTH, 99), .streak = message_u64(m, TAG_STREAK, 99)};
  size_t offset = 0;
  struct attribute a, text;
  while (attribute_next(m, &offset, &a)) {
    if (a.tag != TAG_RESULT) continue;
    struct message inner = {.length = a.length, .payload = (uint8_t *)(uintptr_t)a.value};
    s.count++;
    s.outcome = message_u64(&inner, TAG_OUTCOME, 99);
    s.status = message_u64(&inner, TAG_STATUS, 999);
    s.begin_ns = message_u64(&inner, TAG_BEGIN_NS, 0);
    s.end_ns = message_u64(&inner, TAG_TIME_NS, 0);
    s.cut = message_u64(&inner, TAG_FLAGS, 99);
    CHECK(message_has(&inner, TAG_BYTES, &text) && text.length <= OUTPUT_KEPT);
    snprintf(s.text, sizeof s.text, "%.*s", (int)text.length, (const char *)text.value);
  }
  return s;
}

static struct seen checked(const struct container *c) {
  const struct message *m = next_but(c, MSG_CHECKING, MSG_CHECKING);
  CHECK_NUMBER(m->type, MSG_CHECKED);
  struct seen s = seen_in(m);
  CHECK_NUMBER(s.count, 1);
  CHECK(s.begin_ns > 0 && s.end_ns >= s.begin_ns);
  return s;
}

static void results_have_what_was_printed_and_make_states(void) {
  struct container c;
  sleeping(&c);
  ask(&c, &often, "echo out; echo err >&2; test -e /tmp/ok");
  for (unsigned i = 1; i <= 4; i++) {
    struct seen s = checked(&c);
    CHECK_NUMBER(s.outcome, OUTCOME_ENDED);
    CHECK_NUMBER(s.status, 1);
    CHECK_NUMBER(s.streak, i);
    CHECK_NUMBER(s.state, i < 3 ? HEALTH_STARTING : HEALTH_BAD);
    CHECK_TEXT(s.text, "out\nerr\n");
    CHECK_NUMBER(s.cut, 0);
  }
  shell("touch %s/tmp/ok", c.root);
  struct seen s;
  do s = checked(&c);
  while (s.state == HEALTH_BAD && s.streak < 1000);
  CHECK_NUMBER(s.state, HEALTH_GOOD);
  CHECK_NUMBER(s.streak, 0);
  ended(&c);
}

static void nobody_inside_sees_who_checks(void) {
  struct container c;
  sleeping(&c);
  ask(&c, &often, "echo /proc/[0-9]*; ls /proc/self/fd | tr '\\n' ' '; grep CapEff /proc/self/status | cut -f2; readlink /proc/self/fd/0");
  for (unsigned i = 0; i < 3; i++) {
    struct seen s = checked(&c);
    char *line = strchr(s.text, '\n');
    CHECK_NUMBER(s.status, 0);
    CHECK(strncmp(s.text, "/proc/1 /proc/", 14) == 0 && line && !memchr(s.text + 14, ' ', (size_t)(line - s.text) - 14));
    CHECK_TEXT(line ? line + 1 : "", "0 1 2 3 00000000a80425fb\n/dev/null\n");
  }
  ended(&c);
}

static void users_may_open_their_output_again(void) {
  struct container c;
  sleeping(&c);
  as_user = "bob";
  ask(&c, &often, "id -u; echo $HOME; echo again > /dev/fd/1");
  as_user = "";
  CHECK_TEXT(checked(&c).text, "1000\n/home/bob\nagain\n");
  CHECK_TEXT(checked(&c).text, "1000\n/home/bob\nagain\n");
  ended(&c);
}

static void what_cannot_be_run_says_why(void) {
  struct container c;
  struct writer w;
  sleeping(&c);
  program_start(&w);
  becoming(&w, "", "/");
  op_start(&w, OP_EXEC);
  op_text(&w, "nosuch");
  ask_with(&c, &often, &w);
  for (unsigned i = 1; i <= 2; i++) {
    struct seen s = checked(&c);
    CHECK_NUMBER(s.outcome, OUTCOME_NOT_RUN);
    CHECK_TEXT(s.text, "exec: \"nosuch\": executable file not found in $PATH");
    CHECK_NUMBER(s.streak, i);
  }
  as_user = "zork";
  ask(&c, &often, "true");
  as_user = "";
  struct seen s;
  do s = checked(&c);
  while (strncmp(s.text, "exec", 4) == 0);
  CHECK_NUMBER(s.outcome, OUTCOME_NOT_RUN);
  CHECK_TEXT(s.text, "unable to find user zork: no matching entries in passwd file");
  CHECK_TEXT(checked(&c).text, s.text);
  ended(&c);
}

/* A pipe holds less. */
static void much_output_is_taken_and_little_kept(void) {
  struct container c;
  sleeping(&c);
  ask(&c, &often, "yes | head -c 300000; echo end > /tmp/through; exit 5");
  const struct message *m;
  do m = next_but(&c, MSG_CHECKING, MSG_CHECKING);
  while (message_u64(m, TAG_STREAK, 0) < 2);
  struct seen s = seen_in(m);
  CHECK_NUMBER(s.status, 5);
  CHECK_NUMBER(s.cut, FLAG_CUT);
  CHECK_NUMBER(strlen(s.text), OUTPUT_KEPT);
  CHECK(exists(in_scratch("r%u/tmp/through", container_count)));
  ended(&c);
}

static void one_that_takes_too_long_is_killed_with_its_group(void) {
  struct container c;
  struct rules hasty = often;
  char id[65];
  started_with(&c, "while :; do sleep 0.05; done"); /* who reaps */
  hasty.timeout_ms = 300;
  ask(&c, &hasty, "echo so far; sleep 771 & sleep 772");
  const struct message *m = expect(c.fd, MSG_CHECKING);
  pid_t pid = (pid_t)message_u64(m, TAG_INIT_PID, 0);
  snprintf(id, sizeof id, "%s", text_of(m, TAG_EXEC_ID));
  CHECK(kill(pid, 0) == 0);
  CHECK_NUMBER(strlen(id), 64);
  CHECK(strncmp(id + 48, "0000000000000000", 16) == 0); /* the container's */
  m = expect(c.fd, MSG_CHECKED);
  CHECK_TEXT(text_of(m, TAG_EXEC_ID), id);
  struct seen s = seen_in(m);
  CHECK_NUMBER(s.outcome, OUTCOME_LATE);
  CHECK_TEXT(s.text, "so far\n");
  CHECK_NUMBER(s.streak, 1);
  CHECK(s.end_ns - s.begin_ns >= 298000000); /* the time-out is by a clock of whole milliseconds */
  AWAIT(kill(-pid, 0) < 0 && errno == ESRCH);
  expect(c.fd, MSG_CHECKING);
  ended(&c);
}

static void checks_go_on_without_an_engine(void) {
  struct container c;
  struct seen s = {0};
  sleeping(&c);
  ask(&c, &often, "echo x >> /tmp/count; wc -l < /tmp/count; false");
  close(c.fd);
  AWAIT((c.fd = control(&c, MSG_CONTROL), s = seen_in(expect(c.fd, MSG_HELLO)), s.streak >= 7 || (close(c.fd), 0)));
  CHECK_NUMBER(s.count, RESULTS_KEPT);
  CHECK_NUMBER(s.state, HEALTH_BAD);
  uint64_t streak = s.streak;
  char line[32];
  snprintf(line, sizeof line, "%llu\n", (unsigned long long)streak);
  CHECK_TEXT(s.text, line);
  CHECK_NUMBER(checked(&c).streak, streak + 1);
  int other = control(&c, MSG_QUERY);
  CHECK_TEXT(text_of(expect(other, MSG_HELLO), TAG_LIVE_EXEC), "");
  close(other);
  ended(&c);
}

static void failures_of_the_start_period_do_not_count(void) {
  struct container c;
  struct rules patient = {.interval_ms = SLEEP_MS, .timeout_ms = 20000, .start_period_ms = 20000, .start_interval_ms = 20, .retries = 1};
  sleeping(&c);
  ask(&c, &patient, "false");
  for (unsigned i = 0; i < 4; i++) {
    struct seen s = checked(&c);
    CHECK_NUMBER(s.state, HEALTH_STARTING);
    CHECK_NUMBER(s.streak, 0);
  }
  ended(&c);
}

/* The process that serves checks: a child of the monitor with that name; 0 when there is none. */
static pid_t checker_of(const struct container *c) {
  char path[64], name[64];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)c->pid);
  char stat[1024], children[4096], *rest = NULL;
  int monitor = 0;
  CHECK(read_file(AT_FDCWD, path, stat, sizeof stat) > 0 && sscanf(strrchr(stat, ')'), ") %*c %d", &monitor) == 1);
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", monitor, monitor);
  CHECK(read_file(AT_FDCWD, path, children, sizeof children) > 0);
  for (char *word = strtok_r(children, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
    snprintf(path, sizeof path, "/proc/%s/comm", word);
    if (read_file(AT_FDCWD, path, name, sizeof name) > 0 && strcmp(name, "gantry-check\n") == 0) return atoi(word);
  }
  return 0;
}

static void one_serves_many_checks_and_can_be_replaced(void) {
  struct container c;
  sleeping(&c);
  ask(&c, &often, "exit 3");
  checked(&c);
  pid_t first = checker_of(&c);
  CHECK(first > 0);
  CHECK_NUMBER(checked(&c).status, 3);
  CHECK_NUMBER(checker_of(&c), first);
  kill(first, SIGKILL);
  for (unsigned i = 0; i < 3; i++) CHECK_NUMBER(checked(&c).status, 3);
  pid_t second = checker_of(&c);
  CHECK(second > 0 && second != first);
  kill(second, SIGSTOP); /* it does not answer: the check has not begun */
  ended(&c);
  CHECK(kill(second, 0) < 0);
}

static void rare_checks_keep_nobody(void) {
  struct container c;
  struct rules rare = often;
  rare.interval_ms = SLEEP_MS;
  rare.start_period_ms = 1;
  rare.start_interval_ms = 1;
  sleeping(&c);
  poll(NULL, 0, 2); /* its first check would come in an hour */
  ask(&c, &often, "true");
  checked(&c);
  CHECK(checker_of(&c) > 0);
  ask(&c, &rare, "true");
  struct seen s = checked(&c);
  CHECK_NUMBER(s.state, HEALTH_GOOD);
  AWAIT(checker_of(&c) == 0);
  ended(&c);
}

/* A filter that refuses one system call, set before the identity as without no_new_privs. */
static void filter(struct writer *w, unsigned call, uint32_t action) {
  struct sock_filter refuse[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, action),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  op_start(w, OP_SECCOMP);
  op_bytes(w, refuse, sizeof refuse);
  op_number(w, 0);
}

static void a_filter_that_stops_who_serves_stops_no_check(void) {
  static const struct {
    unsigned call;
    uint32_t action;
  } filters[] = {
      {SYS_pipe2, SECCOMP_RET_ERRNO | EPERM}, {SYS_clone, SECCOMP_RET_ERRNO | EPERM}, {SYS_clone, SECCOMP_RET_KILL_PROCESS},
      {SYS_sendmsg, SECCOMP_RET_ERRNO | EPERM}, {SYS_sendmsg, SECCOMP_RET_KILL_PROCESS}, {SYS_read, SECCOMP_RET_ERRNO | EPERM},
  };
  for (unsigned i = 0; i < COUNT(filters); i++) {
    struct container c;
    struct writer w;
    sleeping(&c);
    program_start(&w);
    op_start(&w, OP_USER_LOOKUP);
    op_text(&w, "0"); /* no file is read for it */
    filter(&w, filters[i].call, filters[i].action);
    op_start(&w, OP_IDENTITY);
    op_start(&w, OP_ENV);
    op_text(&w, "PATH=/bin");
    op_start(&w, OP_EXEC);
    op_text(&w, "true");
    ask_with(&c, &often, &w);
    CHECK_NUMBER(checked(&c).outcome, OUTCOME_ENDED);
    CHECK_NUMBER(checked(&c).outcome, OUTCOME_ENDED);
    CHECK_NUMBER(checker_of(&c), 0);
    ended(&c);
  }
}

static void what_is_malformed_is_refused(void) {
  struct container c;
  struct buffer b = {0};
  struct writer w;
  sleeping(&c);
  request(c.fd, MSG_CHECK);
  CHECK_NUMBER(message_u64(expect(c.fd, MSG_ERROR), TAG_ERRNO, 0), EINVAL);
  program_start(&w);
  running(&w, "true");
  size_t begin = message_begin(&b, MSG_CHECK);
  message_put(&b, TAG_PROGRAM, w.b.data, w.b.end);
  send_and_clear(c.fd, &b, begin);
  CHECK_NUMBER(message_u64(expect(c.fd, MSG_ERROR), TAG_ERRNO, 0), EINVAL);
  begin = message_begin(&b, MSG_CHECK);
  put_rules(&b, &often);
  message_put(&b, TAG_PROGRAM, w.b.data, w.b.end - 1);
  send_and_clear(c.fd, &b, begin);
  CHECK_NUMBER(message_u64(expect(c.fd, MSG_ERROR), TAG_ERRNO, 0), EINVAL);
  buffer_clear(&w.b);
  ended(&c);
}

static void a_check_that_runs_keeps_no_monitor(void) {
  struct container c;
  sleeping(&c);
  ask(&c, &often, "sleep 773");
  expect(c.fd, MSG_CHECKING);
  ended(&c);
}

int main(int argc, char **argv) {
  if (argc != 2 || !begin_with(argv[1])) {
    fprintf(stderr, "usage, as root: healths HELPER\n");
    return 64;
  }
  results_have_what_was_printed_and_make_states();
  nobody_inside_sees_who_checks();
  users_may_open_their_output_again();
  what_cannot_be_run_says_why();
  much_output_is_taken_and_little_kept();
  one_that_takes_too_long_is_killed_with_its_group();
  checks_go_on_without_an_engine();
  failures_of_the_start_period_do_not_count();
  one_serves_many_checks_and_can_be_replaced();
  rare_checks_keep_nobody();
  a_filter_that_stops_who_serves_stops_no_check();
  what_is_malformed_is_refused();
  a_check_that_runs_keeps_no_monitor();
  return end_with();
}
